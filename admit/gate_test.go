package admit_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/support-go/support/admit"
	"github.com/support-go/support/stats"
)

// busy is a gate of a process with one core, on which what runs computes.
func busy(limits admit.Limits, reg *stats.Registry) *admit.Gate {
	limits.Running = max(limits.Running, 1)
	return newWorld(1).gate(limits, reg)
}

func acquire(t *testing.T, g *admit.Gate, class admit.Class) *admit.Permit {
	t.Helper()
	p, err := g.Acquire(t.Context(), class)
	if err != nil {
		t.Fatalf("Acquire: %v", err)
	}
	return p
}

// served has one request of a class wait, and notes its turn.
type served struct {
	mu    sync.Mutex
	order []string
	all   sync.WaitGroup
}

func (s *served) add(g *admit.Gate, name string, class admit.Class) {
	s.all.Go(func() {
		p, err := g.Acquire(context.Background(), class)
		s.mu.Lock()
		defer s.mu.Unlock()
		if err != nil {
			s.order = append(s.order, name+": "+err.Error())
			return
		}
		s.order = append(s.order, name)
		p.Release()
	})
	synctest.Wait()
}

func TestOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := busy(admit.Limits{}, nil)
		running := acquire(t, g, admit.Default)
		var s served
		s.add(g, "sheddable 1", admit.Sheddable)
		s.add(g, "default 1", admit.Default)
		s.add(g, "critical 1", admit.Critical)
		s.add(g, "default 2", admit.Default)
		s.add(g, "critical 2", 7) // out of range is the nearest
		running.Release()
		running.Release() // does nothing
		s.all.Wait()
		want := []string{"critical 1", "critical 2", "default 1", "default 2", "sheddable 1"}
		for i := range want {
			if i >= len(s.order) || s.order[i] != want[i] {
				t.Fatalf("served %q, want %q", s.order, want)
			}
		}
		if state := g.State(); state.Running != 0 || state.Waiting != 0 {
			t.Errorf("at the end %+v, want nothing running or waiting", state)
		}
	})
}

func TestReasons(t *testing.T) {
	tests := map[string]struct {
		limits admit.Limits
		shed   func(t *testing.T, g *admit.Gate) error
		want   admit.Reason
	}{
		"no room": {admit.Limits{}, func(t *testing.T, g *admit.Gate) error {
			for range 16 { // as long as no service time is known
				go func() { _, _ = g.Acquire(t.Context(), admit.Default) }()
			}
			synctest.Wait()
			if room := g.Room(); room != 0 {
				t.Errorf("room for %d, want none", room)
			}
			_, err := g.Acquire(t.Context(), admit.Default)
			return err
		}, admit.Full},
		"no end": {admit.Limits{MaxWait: time.Second}, func(t *testing.T, g *admit.Gate) error {
			start := time.Now()
			_, err := g.Acquire(t.Context(), admit.Default)
			if took := time.Since(start); took != time.Second {
				t.Errorf("waited for %v, want 1s", took)
			}
			return err
		}, admit.Waited},
		"client's time is over": {admit.Limits{}, func(t *testing.T, g *admit.Gate) error {
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
			defer cancel()
			_, err := g.Acquire(ctx, admit.Default)
			return err
		}, admit.Deadline},
		"not favoured": {admit.Limits{}, func(t *testing.T, g *admit.Gate) error {
			g.Favour(admit.Critical)
			if room := g.Room(); room != 0 {
				t.Errorf("room for %d, want none", room)
			}
			_, err := g.Acquire(t.Context(), admit.Default)
			return err
		}, admit.Pressure},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				reg := new(stats.Registry)
				g := busy(test.limits, reg)
				running := acquire(t, g, admit.Default)
				defer running.Release()
				err := test.shed(t, g)
				var shed *admit.Error
				if !errors.Is(err, admit.ErrShed) || !errors.As(err, &shed) || shed.Reason != test.want {
					t.Fatalf("got %v, want shed: %v", err, test.want)
				}
				n := reg.Counter("admit.shed", "reason", test.want.String(), "class", "default").Value()
				d := g.Decisions()
				if n != 1 || len(d) != 1 || d[0].Reason != test.want || d[0].Running != 1 || d[0].Limit != 1 {
					t.Errorf("counted %d, recorded %+v; want 1 of %v, with 1 running of 1", n, d, test.want)
				}
			})
		})
	}
}

// TestGone has a client leave while it waits: nothing was shed, and nothing is
// left of it.
func TestGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reg := new(stats.Registry)
		g := busy(admit.Limits{}, reg)
		running := acquire(t, g, admit.Default)
		ctx, leave := context.WithCancelCause(t.Context())
		cause := errors.New("client has gone")
		go leave(cause)
		if _, err := g.Acquire(ctx, admit.Default); !errors.Is(err, cause) {
			t.Errorf("got %v, want %v", err, cause)
		}
		if n := reg.Counter("admit.gone").Value(); n != 1 || len(g.Decisions()) != 0 {
			t.Errorf("%d gone, %d shed; want 1, 0", n, len(g.Decisions()))
		}
		running.Release()
		if state := g.State(); state.Running != 0 || state.Waiting != 0 {
			t.Errorf("left behind: %+v", state)
		}
	})
}

// TestLasting has requests that never end: they give their place back.
func TestLasting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := busy(admit.Limits{Running: 2, Lasting: time.Second, MaxWait: time.Minute}, nil)
		stuck := []*admit.Permit{acquire(t, g, admit.Default), acquire(t, g, admit.Default)}
		start := time.Now()
		third := acquire(t, g, admit.Default)
		if took := time.Since(start); took < time.Second || took > 2*time.Second+100*time.Millisecond {
			t.Errorf("two that lasted gave way after %v, want 1 s to 2 s", took)
		}
		if state := g.State(); state.Running != 3 || state.Lasting != 2 {
			t.Errorf("%+v: want 3 running, 2 of them lasting", state)
		}
		for _, p := range stuck {
			p.Release()
		}
		third.Release()
		if state := g.State(); state.Running != 0 || state.Lasting != 0 {
			t.Errorf("%+v: want nothing left", state)
		}
	})
}

// TestRecords keeps the latest 256 of many.
func TestRecords(t *testing.T) {
	g := busy(admit.Limits{}, nil)
	g.Favour(admit.Critical)
	const many = 1000
	for i := range many {
		class := admit.Default
		if i == many-256 {
			class = admit.Sheddable
		}
		if _, err := g.Acquire(t.Context(), class); err == nil {
			t.Fatal("let in what is not favoured")
		}
	}
	d := g.Decisions()
	if len(d) != 256 || d[0].Class != admit.Sheddable || d[255].At.Before(d[0].At) {
		t.Errorf("%d records, the first of class %v; want 256, sheddable, oldest first", len(d), d[0].Class)
	}
}

// TestManyAtOnce lets goroutines fight for a place with the real clock.
func TestManyAtOnce(t *testing.T) {
	const most = 3
	g := admit.New(admit.Limits{Cores: 1, Running: most, MaxWait: time.Minute, Standing: time.Hour, Burst: time.Hour}, nil, quiet())
	var mu sync.Mutex
	running, highest, shed := 0, 0, 0
	count := func(n int) {
		mu.Lock()
		defer mu.Unlock()
		running += n
		highest = max(highest, running)
	}
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			for range 200 {
				p, err := g.Acquire(context.Background(), admit.Default)
				if err != nil {
					mu.Lock()
					shed++
					mu.Unlock()
					continue
				}
				count(1)
				count(-1)
				p.Release()
			}
		})
	}
	all.Wait()
	if highest > most || shed == 50*200 {
		t.Errorf("%d ran at once, want at most %d; %d shed", highest, most, shed)
	}
	if s := g.State(); s.Running != 0 || s.Waiting != 0 {
		t.Errorf("at the end %+v, want nothing running or waiting", s)
	}
}
