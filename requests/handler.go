package requests

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"runtime/pprof"
)

// matcher is what an http.ServeMux can: find the route of a request.
type matcher interface {
	Handler(r *http.Request) (h http.Handler, pattern string)
}

type handler struct {
	recorder *Recorder
	next     http.Handler
	matcher  matcher // nil if next is no mux
}

// ServeHTTP records the request and hands it on.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v := h.recorder.pool.Get().(*visit)
	outer := r
	r = v.begin(h, w, r)
	defer v.returned()
	if r != outer { // what a mux and a form leave in it is for those outside, too
		defer func() { outer.Pattern, outer.MultipartForm = r.Pattern, r.MultipartForm }()
	}
	h.next.ServeHTTP(v.writer(), r)
	v.well = true
}

// begin makes v the record of r and shows it to the table. It returns the
// request that the handler gets.
func (v *visit) begin(h *handler, w http.ResponseWriter, r *http.Request) *http.Request {
	rec := v.recorder
	v.handler, v.inner = h, w
	v.reset()
	v.method, v.host, v.remote, v.proto = r.Method, r.Host, r.RemoteAddr, r.Proto
	v.path, v.rawPath = r.URL.Path, r.URL.RawPath
	v.uses++
	v.start = rec.now()
	if r.ProtoMajor > 1 {
		// The streams of a connection share its context, so each that is to
		// be cancelled alone needs its own.
		ctx, cancel := context.WithCancelCause(r.Context())
		v.cancel = cancel
		r = r.WithContext(ctx)
	}
	v.request = r
	if r.Body != nil && r.Body != http.NoBody {
		v.watchBody(r)
	}
	if v.chosen() {
		v.beginFollowing(r)
	} else if !rec.hooked.Load() || len(rec.config.Proxies) > 0 {
		rec.clients.Add(rec.clientOf(r))
	}
	v.label()
	v.state.Store(running)
	return r
}

// returned ends the record when the handler has returned, in whatever way.
func (v *visit) returned() {
	pprof.SetGoroutineLabels(context.Background()) // looking for others in the request's takes longer
	if v.well {
		v.settle()
		return
	}
	cause := recover() // nil if the handler called runtime.Goexit
	v.ending = aborted
	if cause != nil && cause != any(http.ErrAbortHandler) {
		v.ending, v.note = failed, describePanic(cause)
	}
	v.settle()
	if cause != nil {
		panic(cause)
	}
}

// describePanic is what a handler panicked with, in one short line.
func describePanic(cause any) (note string) {
	defer func() {
		if recover() != nil {
			note = "panic: " + reflect.TypeOf(cause).String() // whose Error or String panics
		}
	}()
	return "panic: " + clean(fmt.Sprint(cause), maxNote)
}

// reset forgets the last request.
func (v *visit) reset() {
	v.progress.store(handling, 0, 0)
	if v.named.Load() != nil {
		v.named.Store(nil)
	}
	if v.cancelled.Load() != nil {
		v.cancelled.Store(nil)
	}
	v.well, v.closes, v.ending, v.note = false, false, done, ""
}

// settle ends the record, unless a hijacked connection goes on.
func (v *visit) settle() {
	if taken := v.taken.Load(); taken != nil {
		if c := v.recorder.connOf(v.request); c != nil {
			c.cancel(nil) // as net/http does now with the request's
		}
		taken.release()
		return
	}
	cut := v.end()
	v.recycle()
	if cut {
		// The connection must not be used again, as its context has been
		// cancelled, and its answer is under way: there is no other way.
		panic(http.ErrAbortHandler)
	}
}
