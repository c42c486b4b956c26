package support_test

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"

	"github.com/support-go/support"
)

// serveGRPC runs a gRPC server as Server.Serve wants it.
func serveGRPC(server *grpc.Server) func(context.Context, net.Listener) error {
	return func(ctx context.Context, ln net.Listener) error {
		stop := context.AfterFunc(ctx, server.GracefulStop)
		defer stop()
		return server.Serve(ln)
	}
}

// TestGRPC stops a group with one RPC under way.
func TestGRPC(t *testing.T) {
	const rpc = "/grpc.health.v1.Health/Check"
	group := support.New("grpc")
	group.Drain = support.Drain{LameDuck: never, Grace: never}
	begins := noteDrain(group)
	arrived, release := make(chan struct{}), make(chan struct{})
	var slow sync.Once
	backend := grpc.NewServer(grpc.UnaryInterceptor(
		func(ctx context.Context, request any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
			slow.Do(func() { close(arrived); <-release })
			if info.FullMethod != rpc {
				t.Errorf("got a call of %s", info.FullMethod)
			}
			return handle(ctx, request)
		}))
	grpc_health_v1.RegisterHealthServer(backend, health.NewServer())
	server := group.Add(&support.Server{Listen: "127.0.0.1:0", Serve: serveGRPC(backend)})
	r := start(t, group)
	conn, err := grpc.NewClient(server.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	answered := make(chan error, 1)
	go func() {
		answer, err := grpc_health_v1.NewHealthClient(conn).Check(t.Context(), &grpc_health_v1.HealthCheckRequest{})
		if err == nil && answer.GetStatus() != grpc_health_v1.HealthCheckResponse_SERVING {
			err = errors.New(answer.String())
		}
		answered <- err
	}()
	receive(t, "call", arrived)
	r.stop()
	receive(t, "drain", begins)
	close(release)
	if err := receive(t, "answer", answered); err != nil {
		t.Errorf("the call that was under way: %v", err)
	}
	r.endsQuietly()
}

// TestServe looks at what a custom server gets, and at how it can fail.
func TestServe(t *testing.T) {
	failure := errors.New("no more")
	tests := map[string]struct {
		serve func(ctx context.Context, ln net.Listener) error
		stop  bool
		want  string // in the error of Run
	}{
		"ends when told": {func(ctx context.Context, ln net.Listener) error {
			stop := context.AfterFunc(ctx, func() { _ = ln.Close() })
			defer stop()
			_, err := ln.Accept()
			if ctx.Err() == nil || !errors.Is(err, net.ErrClosed) {
				t.Errorf("ctx says %v and Accept %v; want both to have ended", ctx.Err(), err)
			}
			return nil
		}, true, ""},
		"learns of the stop from its listener": {func(ctx context.Context, ln net.Listener) error {
			_, err := ln.Accept()
			if ctx.Err() == nil {
				t.Error("the listener gave out before ctx ended")
			}
			return err
		}, true, ""},
		"fails": {func(_ context.Context, ln net.Listener) error {
			go func() { _, _ = ln.Accept() }()
			return failure
		}, false, "server custom ended: in Serve: no more"},
		"fails before it accepts": {func(context.Context, net.Listener) error { return failure }, false, "server custom ended: in Serve: no more"},
		"returns too early":       {func(context.Context, net.Listener) error { return nil }, false, "server custom ended: it returned before it was told to"},
		"panics":                  {func(context.Context, net.Listener) error { panic("oh") }, false, "server custom ended: panic in Serve: oh"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			group := support.New("custom")
			group.Add(&support.Server{Name: "custom", Listen: "127.0.0.1:0", Serve: test.serve})
			if test.stop {
				r := start(t, group)
				r.stop()
				r.endsQuietly()
				return
			}
			wantError(t, group.Run(t.Context()), test.want)
		})
	}
}
