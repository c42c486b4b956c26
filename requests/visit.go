package requests

import (
	"context"
	"math/rand/v2"
	"net/http"
	"runtime"
	"runtime/pprof"
	"sync/atomic"
)

// visit is one request while it runs. Visits are used again and again, so that
// a request allocates nothing; the table knows them between two uses as well.
type visit struct {
	recorder *Recorder
	slot     uint32 // tells visits apart
	uses     uint32 // and this their requests
	dice     uint64 // for chosen
	label    func() // marks the calling goroutine as that of this visit

	// state says who may touch what stands between here and the atomic fields.
	// It is written while the visit is idle, and not changed until it is idle
	// again. A reader takes the visit from running to shown, and back.
	state atomic.Uint32

	handler              *handler
	request              *http.Request
	inner                http.ResponseWriter
	method, host, remote string
	proto, path, rawPath string
	start                int64
	cancel               context.CancelCauseFunc // of a request whose context is its own
	body                 *body                   // nil if the request has none

	named     atomic.Pointer[route]       // what SetRoute has said
	progress  progress                    // of the answer
	cancelled atomic.Pointer[CancelError] // what Cancel has said
	taken     atomic.Pointer[hijacked]    // the connection that the handler has taken over

	// The rest is the handler's own.
	well     bool    // the handler has returned
	closes   bool    // the client has been asked to close the connection
	ending   outcome // so far
	note     string  // what it panicked with
	followed *follow // nil if it is not

	one  http1Writer
	two  http2Writer
	some flushWriter
	bare plainWriter
}

// The states of a visit.
const (
	idle uint32 = iota
	running
	shown // running, and somebody reads it
)

// outcome is how a request ended.
type outcome uint8

const (
	done outcome = iota
	failed
	aborted
	stopped // by Cancel
	outcomes
)

func (o outcome) String() string {
	return [outcomes]string{"done", "failed", "aborted", "cancelled"}[o]
}

func (rec *Recorder) newVisit() *visit {
	v := &visit{recorder: rec, dice: rand.Uint64() | 1}
	v.one.visit, v.two.visit, v.some.visit, v.bare.visit = v, v, v, v
	rec.visits.add(v)
	ctx := pprof.WithLabels(context.Background(), pprof.Labels(slotLabel, rec.slotName(v.slot)))
	v.label = func() { pprof.SetGoroutineLabels(ctx) }
	return v
}

// id is that of the present request.
func (v *visit) id() ID { return ID(v.slot)<<32 | ID(v.uses) }

// show calls read while the visit is running and cannot end. It reports
// whether it is running.
func (v *visit) show(read func()) bool {
	for !v.state.CompareAndSwap(running, shown) {
		if v.state.Load() == idle {
			return false
		}
		runtime.Gosched() // another reader, who needs a microsecond
	}
	defer v.state.Store(running)
	read()
	return true
}

// end takes the visit out of the table and counts it. It reports whether the
// connection has to be cut.
func (v *visit) end() (cut bool) {
	rec := v.recorder
	now := rec.now()
	for !v.state.CompareAndSwap(running, idle) {
		runtime.Gosched()
	}
	f := finish{now: now, took: now - v.start}
	_, f.status, f.sent = v.progress.load()
	if v.body != nil {
		f.received = v.body.read.Load()
	}
	if h := v.taken.Load(); h != nil {
		f.status, f.received, f.sent = http.StatusSwitchingProtocols, h.received.Load(), h.sent.Load()
	}
	if f.status == 0 {
		f.status = http.StatusOK // which net/http sends for a handler that says nothing
		if v.ending == failed {
			f.status = http.StatusInternalServerError // what there would have been to say
		}
	}
	f.ending = v.outcome(f.status)
	at := v.route()
	at.count(v, &f)
	if v.followed != nil {
		v.endFollowing(at, &f)
	}
	if f.ending != stopped || v.cancel != nil || !v.well || v.taken.Load() != nil {
		return false
	}
	if !v.progress.begun() {
		v.askToClose()
	}
	return !v.closes
}

// route is that of a request which has been routed.
func (v *visit) route() *route {
	if named := v.named.Load(); named != nil {
		return named
	}
	return v.recorder.routes.of(v.request.Pattern)
}

// finish is how a request ended.
type finish struct {
	now, took int64
	status    int
	sent      int64
	received  int64
	ending    outcome
}

func (v *visit) outcome(status int) outcome {
	switch {
	case v.cancelled.Load() != nil:
		return stopped
	case v.ending != done:
		return v.ending
	case v.taken.Load() == nil && v.request.Context().Err() != nil:
		return aborted // net/http ends the context of a hijacked connection itself
	case status >= http.StatusInternalServerError:
		return failed
	}
	return done
}

// recycle makes the visit ready for its next use.
func (v *visit) recycle() {
	v.handler, v.request, v.inner, v.cancel, v.body = nil, nil, nil, nil, nil
	v.recorder.pool.Put(v)
}
