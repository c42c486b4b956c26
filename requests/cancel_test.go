package requests_test

import (
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/support-go/support/requests"
)

func discard() *log.Logger { return log.New(io.Discard, "", 0) }

// TestCancel cancels one of two requests at a time, whose handlers find out by
// their contexts or by their bodies.
func TestCancel(t *testing.T) {
	for name, http2 := range map[string]bool{"HTTP/1": false, "HTTP/2": true} {
		t.Run(name, func(t *testing.T) {
			causes := make(chan error, 1)
			goOn := make(chan struct{})
			mux := http.NewServeMux()
			mux.HandleFunc("/wait", func(w http.ResponseWriter, r *http.Request) {
				select {
				case <-r.Context().Done():
					causes <- context.Cause(r.Context())
					http.Error(w, "cancelled", http.StatusServiceUnavailable)
				case <-goOn:
					_, _ = io.WriteString(w, "all of it")
				}
			})
			mux.HandleFunc("/begun", func(w http.ResponseWriter, r *http.Request) {
				_ = http.NewResponseController(w).Flush()
				<-r.Context().Done()
				causes <- context.Cause(r.Context())
			})
			mux.HandleFunc("/read", func(_ http.ResponseWriter, r *http.Request) {
				_, err := io.Copy(io.Discard, r.Body)
				causes <- err
			})
			s := serve(t, requests.Config{}, mux)
			s.EnableHTTP2 = http2
			s.StartTLS()
			defer s.Close()
			other := s.start(t, http.MethodGet, "/wait?other", nil)
			kept := s.one(t, any1)
			for path, body := range map[string]io.Reader{"/wait": nil, "/begun": nil, "/read": blocked(t)} {
				answer := s.start(t, http.MethodPost, path, body)
				id := s.one(t, func(r requests.Running) bool { return r.Path == path && r.ID != kept.ID }).ID
				if err := s.recorder.Cancel(id, "ann"); err != nil {
					t.Fatal(err)
				}
				cause := <-causes
				var why *requests.CancelError
				if path != "/read" && (!errors.As(cause, &why) || why.ID != id || why.By != "ann") {
					t.Errorf("%s: the cause is %v", path, cause)
				}
				if path == "/read" && cause == nil {
					t.Error("the body could be read to its end")
				}
				<-answer // or that there is none
				s.summary(t, path, 1)
				if err := s.recorder.Cancel(id, "ann"); !errors.Is(err, requests.ErrNotRunning) {
					t.Errorf("cancelled again: %v", err)
				}
			}
			close(goOn)
			if text := <-other; text != "all of it" {
				t.Errorf("the other request got %q", text)
			}
			if sum := s.summary(t, "/begun", 1); sum.Cancelled != 1 {
				t.Errorf("%d counted as cancelled, want 1", sum.Cancelled)
			}
			if text := s.get(t, "/nothing"); !strings.Contains(text, "not found") {
				t.Errorf("the next request got %q", text)
			}
		})
	}
}

// blocked is a body that gives nothing until the test is over.
func blocked(t *testing.T) io.Reader {
	r, w := io.Pipe()
	t.Cleanup(func() { _ = w.Close() })
	return r
}

func TestCancelNeedsHook(t *testing.T) {
	rec := requests.New(requests.Config{}, nil)
	rec.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		id := rec.Running().Running[0].ID
		if err := rec.Cancel(id, "ann"); !errors.Is(err, requests.ErrNotHooked) {
			t.Errorf("got %v, want ErrNotHooked", err)
		}
	})).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil))
	if err := rec.Cancel(12345, "ann"); !errors.Is(err, requests.ErrNotRunning) {
		t.Errorf("got %v, want ErrNotRunning", err)
	}
}

// TestStacks finds the handler of a request among others, and what it has
// started.
func TestStacks(t *testing.T) {
	goOn := make(chan struct{})
	s := serve(t, requests.Config{}, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/two" {
			waitHere(goOn)
			return
		}
		child := make(chan struct{})
		go func() {
			defer close(child)
			workHere(goOn)
		}()
		<-child
	}))
	s.Start()
	defer s.Close()
	for _, path := range []string{"/one", "/two"} {
		answer := s.start(t, http.MethodGet, path, nil)
		defer func() { <-answer }()
	}
	defer close(goOn)
	find := func(path string) requests.ID {
		return s.one(t, func(r requests.Running) bool { return r.Path == path }).ID
	}
	until(t, "stacks with all frames", func() bool {
		one, err := s.recorder.Stacks(find("/one"))
		if err != nil {
			t.Fatal(err)
		}
		two, err := s.recorder.Stacks(find("/two"))
		if err != nil {
			t.Fatal(err)
		}
		return len(one) == 2 && one[0].Handler && !one[1].Handler && has(one[1], "workHere") &&
			len(two) == 1 && two[0].Handler && has(two[0], "waitHere")
	})
	if _, err := s.recorder.Stacks(1 << 60); !errors.Is(err, requests.ErrNotRunning) {
		t.Errorf("got %v, want ErrNotRunning", err)
	}
}

func has(s requests.Stack, function string) bool {
	for _, f := range s.Frames {
		if strings.HasSuffix(f.Function, function) && f.Line > 0 && strings.HasSuffix(f.File, "cancel_test.go") {
			return true
		}
	}
	return false
}

//go:noinline
func waitHere(goOn <-chan struct{}) { <-goOn }

//go:noinline
func workHere(goOn <-chan struct{}) { <-goOn }
