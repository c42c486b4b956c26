package upstream_test

import (
	"context"
	"sync"
	"testing"

	"github.com/support-go/support/supporttest"
	"github.com/support-go/support/upstream"
)

func BenchmarkGetRelease(b *testing.B) {
	u := supporttest.NewUpstream(b, nil, supporttest.Lines(echo))
	other := supporttest.NewUpstream(b, nil, supporttest.Lines(echo))
	for name, conf := range map[string]upstream.Service{"one": at(u.Addr), "two": at(u.Addr, other.Addr)} {
		b.Run(name, func(b *testing.B) {
			m := manager(b, "echo", conf)
			for range 100 { // both have a connection
				if _, err := upstream.Call(context.Background(), m, "echo", plainAsk); err != nil {
					b.Fatal(err)
				}
			}
			ctx := context.Background()
			b.ReportAllocs()
			for b.Loop() {
				conn, err := m.Get(ctx, "echo")
				if err != nil {
					b.Fatal(err)
				}
				_ = conn.Release()
			}
		})
	}
}

func BenchmarkCall(b *testing.B) {
	u := supporttest.NewUpstream(b, nil, supporttest.Lines(echo))
	m := manager(b, "echo", at(u.Addr))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := upstream.Call(context.Background(), m, "echo", ask); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkFloor is what a pool costs that knows nothing: a stack under a mutex.
func BenchmarkFloor(b *testing.B) {
	var mu sync.Mutex
	stack := []*int{new(int)}
	for b.Loop() {
		mu.Lock()
		top := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		mu.Unlock()
		mu.Lock()
		stack = append(stack, top)
		mu.Unlock()
	}
}

// plainAsk is ask without a buffer.
func plainAsk(_ context.Context, conn *upstream.Conn) (int, error) {
	if _, err := conn.Write([]byte("ping\n")); err != nil {
		return 0, err
	}
	var answer [64]byte
	return conn.Read(answer[:])
}
