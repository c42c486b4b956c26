package admit

import "time"

// demand works out how many requests may run at once, from how many of those
// that run want the CPU and how much of it is used. All of it is guarded by the
// gate's lock.
//
// Of N running requests, w want the CPU, so that b = N - w wait for something
// else. If U is the part of the CPU share that is used, then b/U is how many
// would wait at full use, by Little's law, however much is used now: it belongs
// to the work and not to the load, so that it can be learned at any time. That
// many, and a few that compute, are what the process can take:
//
//	limit = T + 1.1 b/U
//
// T is as many for each core as are served in a millisecond, but one at least: a
// second request that computes for longer only delays the first one. It is up to
// four where requests wait as well, as then they do not compute at regular times.
type demand struct {
	sense sense
	cores float64

	idle  float64       // b/U, smoothed
	asked time.Time     // when sense was asked for w
	read  time.Time     // when it was asked for the CPU time
	cpu   time.Duration // at that time
	use   float64       // U, smoothed
}

const (
	askEvery = time.Millisecond       // no sooner, since it takes 100 ns
	useEvery = 10 * time.Millisecond  // CPU time comes in steps of up to 4 ms
	stale    = 100 * time.Millisecond // a longer time includes one without load
	leastUse = 0.05                   // below, the quotient is noise
	firstUse = 0.25                   // before any has been measured
	margin   = 1.1                    // for background work that is counted as if requests wanted it
	short    = time.Millisecond       // a request that nobody notices behind another
	mostT    = 64                     // of short requests for each core
	guess    = 16                     // waiting requests for each core, before anything is known

	leastOver  = 8 * time.Millisecond // that it learns over
	mostOver   = 200 * time.Millisecond
	mostWeight = 1.0 / 8 // of what is seen at one moment
)

func newDemand(sense sense, cores int) demand {
	return demand{sense: sense, cores: float64(cores), idle: guess * float64(cores), use: firstUse}
}

// look learns from running requests, if it is time. It learns no faster than
// requests are served, since b shows at once what is let in, and U only when that
// has waited. most is the upper end of limits.
func (d *demand) look(now time.Time, running, most int, service time.Duration) {
	since := now.Sub(d.asked)
	if since < askEvery {
		return
	}
	d.asked = now
	d.lookAtUse(now)
	b := max(running-max(d.sense.wanting(), 0), 0)
	over := min(max(2*service, leastOver), mostOver)
	d.idle += (float64(b)/max(d.use, leastUse) - d.idle) * min(float64(since)/float64(over), mostWeight)
	d.idle = min(d.idle, float64(most)) // so that it comes down as fast as it went up
}

func (d *demand) lookAtUse(now time.Time) {
	since := now.Sub(d.read)
	if since < useEvery {
		return
	}
	before := d.cpu
	d.cpu, d.read = d.sense.cpu(), now
	use := min(float64(d.cpu-before)/(float64(since)*d.cores), 1)
	switch {
	case d.cpu == 0:
		d.use = 1 // not known on this system
	case since > stale:
		d.use = max(firstUse, use)
	default:
		d.use += (use - d.use) / 4
	}
}

// limit is how many may run, of which each computes and waits for service.
func (d *demand) limit(service time.Duration) int {
	each := 1 + 3*d.idle/(d.idle+d.cores)
	if service > 0 {
		each = max(each, min(float64(short)/float64(service), mostT))
	}
	return int(d.cores*each + margin*d.idle)
}
