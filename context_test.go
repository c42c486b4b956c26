package support_test

import (
	"context"
	"net"
	"net/http"
	"testing"

	"github.com/support-go/support"
)

// TestFromAndDraining asks in each place that belongs to a group, and in one
// that does not.
func TestFromAndDraining(t *testing.T) {
	if support.From(t.Context()) != nil || support.Draining(t.Context()) != nil {
		t.Error("a context that belongs to no group has one")
	}
	seen := make(chan context.Context, 1)
	tests := map[string]*support.Server{
		"handler": {Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen <- r.Context() })},
		"stream":  {Stream: func(ctx context.Context, _ net.Conn) error { seen <- ctx; return nil }},
		"serve": {Serve: func(ctx context.Context, ln net.Listener) error {
			seen <- ctx
			stop := context.AfterFunc(ctx, func() { _ = ln.Close() })
			defer stop()
			for {
				conn, err := ln.Accept()
				if err != nil {
					return nil
				}
				_ = conn.Close()
			}
		}},
	}
	for name, server := range tests {
		t.Run(name, func(t *testing.T) {
			group := support.New("whose")
			server.Listen = "127.0.0.1:0"
			if group.Add(server) != server {
				t.Error("Add returned another server")
			}
			if addr := server.Addr(); addr != nil {
				t.Errorf("Addr before Run: got %v, want nil", addr)
			}
			r := start(t, group)
			c := dial(t, server.Addr())
			if name == "handler" {
				c.get("/")
			}
			ctx := receive(t, "context", seen)
			if got := support.From(ctx); got != group {
				t.Errorf("From: got %v, want the group", got)
			}
			draining := support.Draining(ctx)
			select {
			case <-draining:
				t.Error("draining before the stop")
			default:
			}
			_ = c.Close()
			r.stop()
			receive(t, "drain", draining)
			r.endsQuietly()
			if server.Addr() == nil {
				t.Error("Addr is not known any more after Run")
			}
		})
	}
}
