package upstream_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/support-go/support/supporttest"
	"github.com/support-go/support/upstream"
)

// web starts an HTTP server and returns its address.
func web(t testing.TB, handler http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

func fetch(m *upstream.Manager, method, url string, body io.Reader) (int, string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		return 0, "", err
	}
	resp, err := m.Transport().RoundTrip(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b), err
}

func TestTransport(t *testing.T) {
	addr := web(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		_, _ = io.WriteString(w, r.Method+" "+r.Host+r.URL.String()+" "+string(b))
	})
	conf := at(addr)
	conf.Aliases = []string{"other"}
	m := manager(t, "shop", conf)
	for _, url := range []string{"http://shop/a?b=c", "http://shop:8080/a?b=c", "http://other/a?b=c"} {
		host := strings.Split(url, "/")[2]
		if status, body, err := fetch(m, "PUT", url, strings.NewReader("payload")); status != 200 || body != "PUT "+host+"/a?b=c payload" || err != nil {
			t.Errorf("%s: %d %q, %v", url, status, body, err)
		}
	}
	if n := m.State().Open; n != 1 {
		t.Errorf("%d connections", n)
	}
	for url, want := range map[string]error{"http://elsewhere/": upstream.ErrUnknown, "https://shop/": upstream.ErrScheme} {
		if _, _, err := fetch(m, "GET", url, nil); !errors.Is(err, want) {
			t.Errorf("%s: %v; want %v", url, err, want)
		}
	}
}

func TestTransportRepeats(t *testing.T) {
	tests := map[string]struct {
		method string
		header string
		bad    http.HandlerFunc // nil for an address at which nobody is
		status int              // of the answer; 0 for an error
		sent   int64            // how often the bad one may see it at most
	}{
		"GET, refused":         {"GET", "", nil, 200, 0},
		"POST, refused":        {"POST", "", nil, 200, 0},
		"GET, 503":             {"GET", "", status(503), 200, 1},
		"POST, 503":            {"POST", "", status(503), 503, 1},
		"POST, 503, with key":  {"POST", "Idempotency-Key", status(503), 200, 1},
		"GET, reset":           {"GET", "", hangUp, 200, 1},
		"POST, reset":          {"POST", "", hangUp, 0, 1},
		"POST, reset with key": {"POST", "Idempotency-Key", hangUp, 200, 2}, // http.Transport itself may send it again
		"GET, 500":             {"GET", "", status(500), 500, 1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var seen atomic.Int64
			bad := deadAddr(t)
			if test.bad != nil {
				bad = web(t, func(w http.ResponseWriter, r *http.Request) {
					seen.Add(1)
					test.bad(w, r)
				})
			}
			good := web(t, status(200))
			m := manager(t, "shop", upstream.Service{Tiers: []upstream.Tier{upstream.At(bad), upstream.At(good)}})
			req, _ := http.NewRequest(test.method, "http://shop/", strings.NewReader("payload"))
			if test.header != "" {
				req.Header.Set(test.header, "1")
			}
			resp, err := m.Transport().RoundTrip(req)
			if err == nil {
				defer resp.Body.Close()
			}
			if test.status == 0 != (err != nil) || err == nil && resp.StatusCode != test.status {
				t.Errorf("answer is %v, %v; want %d", resp, err, test.status)
			}
			var ne net.Error
			if err != nil && !errors.As(err, &ne) {
				t.Errorf("error is %T", err)
			}
			if seen.Load() > test.sent {
				t.Errorf("sent %d times; want at most %d", seen.Load(), test.sent)
			}
		})
	}
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

func hangUp(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

func TestTransportTLS(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Proto) }))
	s.EnableHTTP2 = true
	s.StartTLS()
	defer s.Close()
	conf := at(s.Listener.Addr().String())
	conf.TLS = &tls.Config{RootCAs: s.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs}
	m := manager(t, "secure", conf)
	for range 3 {
		if status, body, err := fetch(m, "GET", "https://secure/", nil); status != 200 || body != "HTTP/2.0" || err != nil {
			t.Errorf("answer is %d %q, %v", status, body, err)
		}
	}
	if n := m.State().Open; n != 1 {
		t.Errorf("%d connections", n)
	}
}

// TestU1BadHTTP has a server answer badly.
func TestU1BadHTTP(t *testing.T) {
	flood := "HTTP/1.1 100 Continue\r\nX: " + strings.Repeat("x", 1000) + "\r\n\r\n"
	tests := map[string]supporttest.Behaviour{
		"garbage":         supporttest.Say("garbage\n"),
		"half a header":   supporttest.SayAndClose("HTTP/1.1 200 OK\r\nX: "),
		"endless":         supporttest.Endless(),
		"header bomb":     supporttest.SayAndClose("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 1<<20) + "\r\n\r\n"),
		"flood of 1xx":    supporttest.SayAndClose(strings.Repeat(flood, 1000)),
		"nothing":         supporttest.Silent(),
		"half a body":     supporttest.SayAndClose("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"),
		"body that drips": supporttest.Drip(10*time.Millisecond, "HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n"+strings.Repeat("x", 10000)),
	}
	for name, behave := range tests {
		t.Run(name, func(t *testing.T) {
			u := supporttest.NewUpstream(t, nil, behave)
			conf := quick(at(u.Addr))
			conf.Timeouts.Call = 2 * time.Second
			m := manager(t, "evil", conf)
			start := time.Now()
			_, _, err := fetch(m, "GET", "http://evil/", nil)
			if err == nil || time.Since(start) > 20*time.Second {
				t.Errorf("error is %v after %v", err, time.Since(start))
			}
		})
	}
}

// TestTransportHedges has one answer in ten be slow.
func TestTransportHedges(t *testing.T) {
	var n atomic.Int64
	slowly := func(w http.ResponseWriter, r *http.Request) {
		if n.Add(1)%20 == 0 {
			select {
			case <-time.NewTimer(time.Minute).C:
			case <-r.Context().Done():
			}
		}
		_, _ = io.WriteString(w, "ok")
	}
	conf := at(web(t, slowly), web(t, slowly))
	conf.Retry.HedgeAt = 0.9
	conf.Retry.Budget = 1
	m := manager(t, "slow", conf)
	if err := warm(m); err != nil {
		t.Fatal(err)
	}
	for range 100 {
		if status, body, err := fetch(m, "GET", "http://slow/", nil); status != 200 || body != "ok" || err != nil {
			t.Fatalf("answer is %d %q, %v", status, body, err)
		}
	}
	hedges := 0
	for _, d := range m.State().Decisions {
		if d.Kind == upstream.DecideHedge {
			hedges++
		}
	}
	if hedges == 0 {
		t.Error("no hedges")
	}
}

// warm makes requests until it is known when to hedge.
func warm(m *upstream.Manager) error {
	for end := time.Now().Add(patience); time.Now().Before(end); {
		ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
		req, err := http.NewRequestWithContext(ctx, "GET", "http://slow/", nil)
		if err != nil {
			cancel()
			return err
		}
		if resp, err := m.Transport().RoundTrip(req); err == nil {
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
		}
		cancel()
		if m.State().Services[0].HedgeAfter > 0 {
			return nil
		}
	}
	return errors.New("it is never known")
}

// TestTransportPropagates has what is known of a request go with those made
// for it, every time they are sent, but not in place of what they say.
func TestTransportPropagates(t *testing.T) {
	type key struct{}
	var seen atomic.Int64
	addr := web(t, func(w http.ResponseWriter, r *http.Request) {
		if seen.Add(1) == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		_, _ = io.WriteString(w, r.Header.Get("X-Request-Id")+" "+r.Header.Get("Traceparent")+" "+r.Header.Get("Accept"))
	})
	m := manager(t, "shop", at(addr))
	m.Propagate = func(ctx context.Context, h http.Header) {
		if id, ok := ctx.Value(key{}).(string); ok {
			h.Set("X-Request-Id", id)
			h.Set("Traceparent", "theirs")
		}
	}
	tests := map[string]struct {
		id     string
		header http.Header
		want   string
	}{
		"id":       {"abc", http.Header{"Accept": {"text/plain"}}, "abc theirs text/plain"},
		"own":      {"abc", http.Header{"Traceparent": {"own"}}, "abc own "},
		"nothing":  {"", http.Header{}, "  "},
		"no match": {"", http.Header{"Accept": {"a/b"}}, "  a/b"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			before := test.header.Clone()
			ctx := context.Background()
			if test.id != "" {
				ctx = context.WithValue(ctx, key{}, test.id)
			}
			req := httptest.NewRequestWithContext(ctx, "GET", "http://shop/", nil)
			req.Header = test.header
			resp, err := m.Transport().RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if b, err := io.ReadAll(resp.Body); string(b) != test.want || err != nil {
				t.Errorf("upstream saw %q, %v; want %q", b, err, test.want)
			}
			if len(test.header) != len(before) {
				t.Errorf("the request's own header became %v", test.header)
			}
		})
	}
}
