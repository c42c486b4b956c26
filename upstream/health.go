package upstream

import (
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"
)

// kind tells what a failure says about an address.
type kind bool

const (
	hard kind = true  // no connection: nothing can be had there
	soft kind = false // a bad exchange: it may be the fault of what was asked
)

// condition is what an address is thought to be.
type condition int32

const (
	up    condition = iota
	trial           // connections succeed again; one call at a time is let through
	down
)

func (c condition) String() string { return [...]string{"up", "trial", "down"}[c] }

// health is what is known of an address's fitness. All but the atomic fields is
// guarded by endpoint.mu.
type health struct {
	now    atomic.Int32 // a condition
	uneasy atomic.Bool  // a success is worth telling
	ramp   atomic.Int64 // instant of its return, 0 once it has its full share
	softly atomic.Bool  // it is down, but connections succeed

	kind     kind    // of the last failure
	inRow    int     // failures since the last success
	firstRow instant // when the first of them was
	ok, bad  float64 // exchanges of late; both fade
	since    instant // of the condition
	retry    instant // when to probe
	times    int     // that it went down without having been up for long
	why      string
	probing  bool
}

func (h *health) condition() condition { return condition(h.now.Load()) }

// lateRow is how long answers must have been late before that counts.
const lateRow = 100 * time.Millisecond

// verdict says why an address that has just failed is to be marked down, or "".
// counts is 0 if it was merely late.
func (h *health) verdict(conf *Health, now instant, counts float64) string {
	last := now.since(h.firstRow)
	switch {
	case h.condition() == trial:
		return "failed its trial"
	case counts == 0 && last < lateRow:
		return ""
	case h.inRow >= conf.Failures, h.inRow >= 2 && last >= time.Second:
		return fmt.Sprintf("%d failures in a row", h.inRow)
	case h.isOften(conf):
		return fmt.Sprintf("%.0f of %.0f exchanges failed", h.bad, h.ok+h.bad)
	}
	return ""
}

// isOften tells whether too large a share of recent exchanges has failed.
func (h *health) isOften(conf *Health) bool {
	const enough = 20
	return h.ok+h.bad >= enough && h.bad >= conf.Share*(h.ok+h.bad)
}

// fell notes that the address is down.
func (h *health) fell(conf *Health, now instant, why string) {
	if ramp := instant(h.ramp.Load()); h.condition() == up && (ramp == 0 || now.since(ramp) > conf.Down) {
		h.times = 0 // it was well for some time
	}
	wait := conf.MaxDown
	if h.times < 20 {
		wait = min(wait, conf.Down<<h.times)
	}
	h.times++
	h.since, h.why = now, why
	h.retry = now.after(wait - time.Duration(rand.Float64()*float64(wait)/5))
	h.softly.Store(h.kind == soft)
	h.ok, h.bad = 0, 0
	h.uneasy.Store(true)
	h.now.Store(int32(down))
}

// rose notes that the address may serve again, wholly or on trial.
func (h *health) rose(conf *Health, now instant, to condition) {
	h.since, h.inRow, h.why = now, 0, ""
	h.ok, h.bad = 0, 0
	if to == up && conf.Ramp > 0 {
		h.ramp.Store(int64(now))
	}
	h.uneasy.Store(to != up)
	h.now.Store(int32(to))
}

// share returns which share of its load an address that has come back should
// have by now.
func (h *health) share(conf *Health, now instant) float64 {
	ramp := instant(h.ramp.Load())
	if ramp == 0 {
		return 1
	}
	part := float64(now.since(ramp)) / float64(conf.Ramp)
	if part >= 1 {
		h.ramp.CompareAndSwap(int64(ramp), 0)
	}
	return part
}

// fade forgets old exchanges. It is called each second.
func (h *health) fade() {
	const second = 0.9
	h.ok *= second
	h.bad *= second
}
