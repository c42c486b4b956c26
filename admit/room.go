package admit

import "time"

// Room is how many more requests of class Default would be let in at this
// moment, to run or to wait. It is cheap, and a guess a moment later.
func (g *Gate) Room() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.lowest > Default {
		return 0
	}
	free := max(g.limit-g.busyLocked(), 0)
	if free > 0 && g.line.empty() {
		return free + 1
	}
	now := time.Now()
	return max(g.roomLocked(Default, now)-g.line.ahead(Default), 0)
}

// roomLocked is how many may wait, of a class and of those before it, so that the
// last of them will have waited for Standing, or for Burst if the queue is young
// or the class critical.
func (g *Gate) roomLocked(class Class, now time.Time) int {
	longest := g.limits.Standing
	if class == Critical || g.line.empty() || now.Sub(g.line.since) <= g.limits.Burst {
		longest = g.limits.Burst
	}
	room := blindRoom
	if rate := g.rateLocked(); rate > 0 {
		room = int(min(float64(longest)*rate, maxWaiting))
	} else if g.limits.fixed {
		room = maxWaiting
	} else if g.limits.Running > 0 {
		room = blindWaves * g.limits.Running
	}
	if class == Sheddable {
		room /= 2
	}
	return min(max(room, 1), maxWaiting)
}

// rateLocked is how many requests will be served in a ns while some wait: what was
// seen the last time, or what the CPU can do, if so many may run; 0 if unknown.
func (g *Gate) rateLocked() float64 {
	each := g.demand.each(g.pace.service)
	switch {
	case g.pace.flow > 0 && !g.limits.fixed: // of what takes seconds no flow is seen
		return g.pace.flow
	case each == 0:
		return 0
	case g.limits.Running > 0:
		return float64(g.limit) / g.pace.service
	}
	return min(float64(g.limits.Cores)/each, float64(g.most)/g.pace.service)
}

// forecastLocked is the time until a request that comes now would have waited
// and been served.
func (g *Gate) forecastLocked(class Class) time.Duration {
	rate := g.rateLocked()
	if rate == 0 {
		return 0
	}
	return time.Duration(float64(g.line.ahead(class)+1)/rate + g.pace.service)
}

// worthLocked is how many may run while the CPU is idle: even if they all want it
// in the end, and at once, they will have it within Standing.
func (g *Gate) worthLocked(each float64) int {
	if each == 0 {
		return blindRoom
	}
	return int(min(float64(g.limits.Standing)*float64(g.limits.Cores)/each, maxWaiting))
}

// spareLocked says whether one more may run since the CPU is idle.
func (g *Gate) spareLocked() bool {
	return g.busyLocked() < g.most && g.limits.Running == 0 && g.demand.spare()
}
