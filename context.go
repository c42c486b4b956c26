package support

import "context"

// scope is what a context says about where it runs.
type scope struct {
	process *process
	server  *Server
}

type scopeKey struct{}

func scopeOf(ctx context.Context) *scope {
	s, _ := ctx.Value(scopeKey{}).(*scope)
	return s
}

// From returns the group that serves the request, connection or Setup to
// which ctx belongs, or nil.
func From(ctx context.Context) *Group {
	if s := scopeOf(ctx); s != nil {
		return s.process.group
	}
	return nil
}

// Draining returns a channel that is closed when the process begins to drain:
// a handler that lasts, such as one that streams events or has hijacked its
// connection, should come to an end then. It has the grace time for that; then
// ctx ends and the connection is closed. Outside of a group the channel is nil,
// which never closes.
func Draining(ctx context.Context) <-chan struct{} {
	if s := scopeOf(ctx); s != nil {
		return s.process.draining
	}
	return nil
}
