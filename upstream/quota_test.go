package upstream

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// TestQuotaSeesWhatBecomesIdle has a connection come back after its pool was
// asked for an idle one and before anybody can see that a place is wanted.
func TestQuotaSeesWhatBecomesIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := &quota{n: 1, most: 1}
		looks := 0
		cull := func() bool {
			if looks++; looks == 1 {
				return false
			}
			q.release()
			return true
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := q.acquire(ctx, cull); err != nil {
			t.Errorf("a connection is idle, and: %v", err)
		}
		if n, _ := q.count(); n != 1 || q.short() {
			t.Errorf("%d places are taken, wanting %v; want 1, false", n, q.short())
		}
	})
}

// TestQuotaPassesOn has a place come free as the one who waits for it gives up.
func TestQuotaPassesOn(t *testing.T) {
	none := func() bool { return false }
	for range 200 {
		q := &quota{n: 1, most: 1}
		ctx, cancel := context.WithCancel(context.Background())
		first, second := make(chan error, 1), make(chan error, 1)
		go func() { first <- q.acquire(ctx, none) }()
		go func() { second <- q.acquire(context.Background(), none) }()
		go cancel()
		q.release()
		if <-first == nil {
			q.release()
		}
		if err := <-second; err != nil {
			t.Fatal(err)
		}
		if n, _ := q.count(); n != 1 {
			t.Fatalf("%d places are taken; want 1", n)
		}
		cancel()
	}
}
