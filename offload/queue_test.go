package offload_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/support-go/support/admit"
	"github.com/support-go/support/offload"
	"github.com/support-go/support/stats"
)

// level is the sum of a gauge over all functions.
func level(reg *stats.Registry, name string) (sum float64) {
	for _, s := range reg.Snapshot().Series {
		if l, ok := s.Value.(stats.Level); ok && s.Name == name {
			sum += float64(l)
		}
	}
	return sum
}

func (b *blocker) other(ctx context.Context) (int, error) { return b.job(ctx) }

func TestLevelsAreByFunction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reg := new(stats.Registry)
		pool := &offload.Pool{Name: "p", Size: 1, Stats: reg}
		b := newBlocker()
		var all sync.WaitGroup
		all.Go(func() { _, _ = offload.Do(t.Context(), pool, b.slowJob) })
		<-b.began
		for range 3 {
			all.Go(func() { _, _ = offload.Do(t.Context(), pool, b.other) })
		}
		synctest.Wait()
		for name, want := range map[string]map[string]float64{
			"offload.running": {"slowJob": 1, "other": 0},
			"offload.waiting": {"slowJob": 0, "other": 3},
		} {
			for function, n := range want {
				function = "offload_test.(*blocker)." + function
				if got := reg.Gauge(name, "function", function, "pool", "p").Value(); got != n {
					t.Errorf("%s of %s is %v, want %v", name, function, got, n)
				}
			}
		}
		close(b.release)
		all.Wait()
		if level(reg, "offload.running") != 0 || level(reg, "offload.waiting") != 0 {
			t.Error("at the end something runs or waits")
		}
	})
}

// job is what a pool runs.
type job func(context.Context) (int, error)

// steady is a pool of one lane that knows how long work takes.
func steady(t *testing.T, limits offload.Limits, work job) *offload.Pool {
	pool := &offload.Pool{Name: "p", Size: 1, Limits: limits}
	var all sync.WaitGroup
	for range 30 {
		all.Go(func() {
			if _, err := offload.Do(t.Context(), pool, work); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	return pool
}

// TestQueueIsAsShortAsItsJobsAreLong offers more than a lane can do: what would
// wait for too long is shed at once, and what is not has waited for less.
func TestQueueIsAsShortAsItsJobsAreLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const took = 100 * time.Millisecond
		work := func(context.Context) (int, error) {
			time.Sleep(took)
			return 1, nil
		}
		pool := steady(t, offload.Limits{Wait: 10 * time.Second, Queue: 1000}, work)
		var longest time.Duration
		var mu sync.Mutex
		var all sync.WaitGroup
		began, shed := time.Now(), 0
		for time.Since(began) < 30*time.Second {
			all.Go(func() {
				came := time.Now()
				_, err := offload.Do(t.Context(), pool, work)
				mu.Lock()
				defer mu.Unlock()
				waited := time.Since(came)
				switch {
				case errors.Is(err, offload.ErrShed) && waited > 0:
					t.Errorf("shed after %v: %v", waited, err)
				case errors.Is(err, offload.ErrShed):
					shed++
				case err != nil:
					t.Error(err)
				case time.Since(began) > 25*time.Second:
					longest = max(longest, waited)
				}
			})
			time.Sleep(took / 2) // twice what it can do
		}
		all.Wait()
		if shed < 200 || shed > 300 {
			t.Errorf("%d of 600 jobs were shed, want half of them", shed)
		}
		if longest > 2500*time.Millisecond { // a fifth of Wait, and the job itself
			t.Errorf("with a queue that stands a job took %v", longest)
		}
	})
}

func TestDeadlineThatCannotBeKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		work := func(context.Context) (int, error) {
			time.Sleep(time.Second / 10)
			return 1, nil
		}
		pool := steady(t, offload.Limits{}, work)
		var all sync.WaitGroup
		for range 5 {
			all.Go(func() { _, _ = offload.Do(t.Context(), pool, work) })
		}
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		began := time.Now()
		_, err := offload.Do(ctx, pool, work)
		if !errors.Is(err, offload.ErrShed) || !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != 0 {
			t.Errorf("got %v after %v, want to be shed at once", err, time.Since(began))
		}
		all.Wait()
	})
}

// TestLaneOfARequest has requests of two classes want one lane: those that matter
// go first, a request without a lane leaves its place to others, and one that is
// shed is answered as by the gate.
func TestLaneOfARequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := admit.New(admit.Limits{Running: 2, MaxWait: time.Minute, Burst: time.Minute}, nil, nil)
		pool := &offload.Pool{Name: "p", Size: 1, Limits: offload.Limits{Queue: 4}}
		b := newBlocker()
		var mu sync.Mutex
		var order []string
		handler := gate.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/small" {
				return
			}
			_, err := offload.Do(r.Context(), pool, func(ctx context.Context) (int, error) {
				mu.Lock()
				order = append(order, r.URL.Path)
				mu.Unlock()
				return b.job(ctx)
			})
			if admit.Refuse(w, r, err) {
				return
			}
			if err != nil {
				t.Errorf("%s: %v", r.URL.Path, err)
			}
		}), admit.Policy{Class: admit.Prefixes{"/login": admit.Critical}.Class})
		var all sync.WaitGroup
		ask := func(path string) *httptest.ResponseRecorder {
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, httptest.NewRequestWithContext(gate.NewContext(t.Context()), "GET", path, nil))
			return w
		}
		later := func(path string) {
			all.Go(func() { ask(path) })
			synctest.Wait()
		}
		for _, path := range []string{"/first", "/a", "/b", "/login", "/c"} { // the first has the lane
			later(path)
		}
		if s := gate.State(); s.Running != 1 || s.Waiting != 0 {
			t.Errorf("gate: %+v; want one that runs, the others wait for the lane", s)
		}
		if w := ask("/small"); w.Code != 200 {
			t.Errorf("a small request is answered %d", w.Code)
		}
		if w := ask("/d"); w.Code != 503 || w.Header().Get("Retry-After") == "" {
			t.Errorf("one too many is answered %d %v", w.Code, w.Header())
		}
		close(b.release)
		all.Wait()
		if got := strings.Join(order, " "); got != "/first /login /a /b /c" {
			t.Errorf("lanes went to %s", got)
		}
		if s := gate.State(); s.Running != 0 || s.Waiting != 0 {
			t.Errorf("at the end the gate has %+v", s)
		}
	})
}

func TestErrShedSaysWhatToDo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pool := &offload.Pool{Name: "thumbnails", Size: 1, Limits: offload.Limits{Wait: time.Second}}
		b := newBlocker()
		go func() { _, _ = offload.Do(t.Context(), pool, b.job) }()
		<-b.began
		_, err := offload.Do(t.Context(), pool, succeed)
		for _, part := range []string{"waited", "thumbnails", "1 jobs running", "raise Size"} {
			if !strings.Contains(fmt.Sprint(err), part) {
				t.Errorf("%v does not say %q", err, part)
			}
		}
		close(b.release)
	})
}
