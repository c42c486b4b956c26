// Package access writes a record for each request that an http.Handler answers,
// gives each an id, and answers for handlers that panic.
//
//	log := &access.Log{}
//	http.ListenAndServe(":8888", log.Wrap(mux))
//
// A request that is slow, fails on our side or is shed is always recorded. Of
// those that are fast and fine there are as many each second as one can read;
// the attribute "skipped" says how many others have gone before.
//
//	2026-11-22T07:12:03.123456Z INFO  GET /users/{id}                 status=200 took=1.2ms bytes=14 path=/users/7 peer=127.0.0.1:51234 request=5f2a1c9e8b7d6a30
package access

import (
	"cmp"
	"context"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/support-go/support/logs"
	"github.com/support-go/support/stats"
)

// Log says how requests are recorded. Zero fields take the defaults. It must
// not change once Wrap has been called.
type Log struct {
	Logger *slog.Logger  // default that of the request's context, see logs.From
	Slow   time.Duration // from which a request is recorded in any case; default 1 s
	Fine   int           // records of fast and fine requests in a second; default 10; below 0 none

	// Common has lines in the common log format, one for each request, written
	// here instead of records. Requests write at the same time, each with a
	// single call of Write, and wait for it: put a sink.Writer in front.
	Common io.Writer

	// Levels has a request that brings a key in the header X-Log-Key recorded
	// at the level that Levels.SetKey has given to it.
	Levels *logs.Levels

	Stats *stats.Registry // counts http.panics by route

	mu    sync.Mutex // guards what follows
	since time.Time  // when the present second began
	fine  int        // records in it
	left  int        // requests without a record since the last that got one
}

// Wrap returns a handler that records what next does. It must be outside of a
// ServeMux, from which it learns the route.
//
// A panic of next is recorded with its stack. If nothing has been written, the
// answer is 500; else the connection is closed. http.ErrAbortHandler is passed
// on.
func (l *Log) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { l.serve(next, w, r) })
}

func (l *Log) serve(next http.Handler, w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	a := &answer{ResponseWriter: w, began: began}
	identify(&a.request, r)
	a.id[0] = a.request.ID
	w.Header()["X-Request-Id"] = a.id[:]
	ctx := logs.NewRequest(r.Context(), &a.request)
	if l.Levels != nil {
		if key := r.Header.Get("X-Log-Key"); key != "" {
			ctx = l.Levels.ForKey(ctx, key)
		}
	}
	outer := r
	r = r.WithContext(ctx)
	defer func() {
		p := recover()
		outer.Pattern, outer.MultipartForm = r.Pattern, r.MultipartForm // whose files net/http removes
		if p != nil {
			l.panicked(a, r, p)
		}
		l.record(a, r, began)
		if p != nil && (a.status != http.StatusInternalServerError || !a.ours) {
			panic(http.ErrAbortHandler) // the client must not take a part for the whole
		}
	}()
	next.ServeHTTP(a.forProtocol(r.ProtoMajor), r)
}

// Waited goes between what has requests wait, such as an admit.Gate, and their
// handler, all of them inside of Wrap: the time until a request comes here is
// its attribute "queued", if it is a millisecond or more.
func Waited(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a := answerOf(w); a != nil {
			a.queued = time.Since(a.began)
		}
		next.ServeHTTP(w, r)
	})
}

// panicked records a panic and answers for the handler if that is possible.
func (l *Log) panicked(a *answer, r *http.Request, p any) {
	if p == http.ErrAbortHandler { //nolint:errorlint // net/http compares so
		a.aborted = true
		return
	}
	l.Stats.Counter("http.panics", "route", route(r)).Add(1)
	l.logger(r).LogAttrs(r.Context(), slog.LevelError, "handler panicked",
		slog.String("route", route(r)), slog.Any("error", p), slog.String("stack", logs.Stack(2)))
	if a.status != 0 || a.hijacked {
		a.aborted = true
		return
	}
	a.ours = true
	http.Error(a, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
}

func (l *Log) logger(r *http.Request) *slog.Logger {
	if l.Logger != nil {
		return l.Logger
	}
	return logs.From(r.Context())
}

// record writes what there is to say about a request that has ended.
func (l *Log) record(a *answer, r *http.Request, began time.Time) {
	now := time.Now()
	took := now.Sub(began)
	if a.status == 0 && !a.hijacked && !a.aborted {
		a.status = http.StatusOK // which net/http writes for those that write nothing
	}
	if l.Common != nil {
		_, _ = l.Common.Write(commonLine(a, r, began)) // there is nobody to tell
		return
	}
	level, skipped := l.importance(a, took, now)
	if level < slog.LevelInfo {
		return
	}
	h := l.logger(r).Handler()
	if !h.Enabled(r.Context(), level) {
		return
	}
	record := slog.NewRecord(now, level, route(r), 0)
	if a.status != 0 {
		record.AddAttrs(slog.Int("status", a.status))
	}
	record.AddAttrs(slog.Duration("took", took.Round(time.Microsecond)), slog.Int64("bytes", a.bytes))
	if a.queued >= time.Millisecond { // less is what any middleware takes
		record.AddAttrs(slog.Duration("queued", a.queued.Round(time.Microsecond)))
	}
	record.AddAttrs(slog.String("path", r.URL.Path), slog.String("peer", r.RemoteAddr))
	switch {
	case a.hijacked:
		record.AddAttrs(slog.Bool("hijacked", true))
	case a.aborted:
		record.AddAttrs(slog.Bool("aborted", true))
	}
	if skipped > 0 {
		record.AddAttrs(slog.Int("skipped", skipped))
	}
	_ = h.Handle(r.Context(), record) // there is nobody to tell
}

// quiet is the level of what is not written.
const quiet = slog.LevelDebug

// importance is the level of a request's record, and how many requests before
// it have none.
func (l *Log) importance(a *answer, took time.Duration, now time.Time) (level slog.Level, skipped int) {
	switch {
	case a.status == http.StatusServiceUnavailable, a.aborted:
		return slog.LevelWarn, 0
	case a.status >= 500:
		return slog.LevelError, 0
	case took >= cmp.Or(l.Slow, time.Second) && !a.hijacked:
		return slog.LevelWarn, 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if now.Sub(l.since) >= time.Second {
		l.since, l.fine = now, 0
	}
	if l.fine >= cmp.Or(l.Fine, 10) {
		l.left++
		return quiet, 0
	}
	l.fine++
	skipped, l.left = l.left, 0
	return slog.LevelInfo, skipped
}

// route is the method, of those that are known, and the pattern that has
// matched; it does not grow with what clients send.
func route(r *http.Request) string {
	method := r.Method
	switch method {
	case "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "CONNECT", "OPTIONS", "TRACE":
	default:
		method = "OTHER"
	}
	pattern := r.Pattern
	if _, path, found := strings.Cut(pattern, " "); found {
		pattern = path
	}
	if pattern == "" {
		return method
	}
	return method + " " + pattern
}

// commonLine is what NCSA's httpd and all its heirs write.
func commonLine(a *answer, r *http.Request, began time.Time) []byte {
	host, _, found := strings.Cut(r.RemoteAddr, "]:") // of IPv6
	if !found {
		host = r.RemoteAddr[:max(0, strings.LastIndexByte(r.RemoteAddr, ':'))]
	}
	b := append([]byte(nil), cmp.Or(strings.Trim(host, "[]"), "-")...)
	b = began.AppendFormat(append(b, " - - ["...), "02/Jan/2006:15:04:05 -0700")
	b = append(b, `] `...)
	b = appendQuoted(b, r.Method+" "+r.URL.EscapedPath()+" "+r.Proto)
	return appendNumbers(b, a.status, a.bytes)
}

// Propagate writes the request of ctx into the header of one to another
// service: X-Request-Id, and traceparent if there is a trace.
func Propagate(ctx context.Context, h http.Header) {
	r := logs.RequestOf(ctx)
	if r == nil {
		return
	}
	if r.ID != "" {
		h.Set("X-Request-Id", r.ID)
	}
	if r.Trace != "" && r.Span != "" {
		h.Set("Traceparent", "00-"+r.Trace+"-"+r.Span+"-"+cmp.Or(r.Flags, "00"))
	}
}
