package logs

import (
	"context"
	"log/slog"

	"github.com/support-go/support/stats"
)

// scope is what a context says about where to log and to count.
type scope struct {
	log   *slog.Logger
	tally *tally
}

type (
	scopeKey   struct{}
	requestKey struct{}
	actionKey  struct{}
)

// NewContext returns a context in which From gives log, and in which actions
// are counted in reg. Either may be nil: From gives slog.Default then, and
// actions are not counted.
func NewContext(ctx context.Context, log *slog.Logger, reg *stats.Registry) context.Context {
	s := &scope{log: log}
	if reg != nil {
		s.tally = &tally{registry: reg}
	}
	return context.WithValue(ctx, scopeKey{}, s)
}

// From returns the logger of ctx, or slog.Default.
func From(ctx context.Context) *slog.Logger {
	if s, _ := ctx.Value(scopeKey{}).(*scope); s != nil && s.log != nil {
		return s.log
	}
	return slog.Default()
}

// Request says in which request something happens. It must not change once it
// is part of a context.
type Request struct {
	ID     string // as X-Request-Id has it
	Trace  string // 32 hexadecimal digits, as traceparent has them; or ""
	Span   string // 16 hexadecimal digits: that of this process; or ""
	Parent string // the span that has sent the request; or ""
	Flags  string // two hexadecimal digits: of traceparent; or ""
}

// NewRequest returns a context in which every record names the request.
func NewRequest(ctx context.Context, r *Request) context.Context {
	return context.WithValue(ctx, requestKey{}, r)
}

// RequestOf returns the request of ctx, or nil.
func RequestOf(ctx context.Context) *Request {
	r, _ := ctx.Value(requestKey{}).(*Request)
	return r
}
