package access_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/support-go/support/logs"
	"github.com/support-go/support/logs/access"
	"github.com/support-go/support/stats"
)

// book has the records that have been written.
type book struct {
	mu  sync.Mutex
	all []map[string]any
}

func (b *book) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	r, err := logs.Parse(string(p))
	if err != nil {
		return 0, err
	}
	m := map[string]any{"msg": r.Message, "level": r.Level}
	r.Attrs(func(a slog.Attr) bool { m[a.Key] = a.Value.Any(); return true })
	b.all = append(b.all, m)
	return len(p), nil
}

func (b *book) records() []map[string]any {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.all
}

// serve sends one request to a server with the log in front.
func serve(t *testing.T, l *access.Log, pattern string, h http.HandlerFunc, request string) (status int, header http.Header, err error) {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc(pattern, h)
	wrapped := l.Wrap(mux)
	ended := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(ended)
		wrapped.ServeHTTP(w, r)
	}))
	defer server.Close()
	method, path, _ := strings.Cut(request, " ")
	req, err := http.NewRequest(method, server.URL+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	<-ended
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	_, err = io.ReadAll(resp.Body)
	return resp.StatusCode, resp.Header, err
}

func TestRecord(t *testing.T) {
	tests := map[string]struct {
		handler http.HandlerFunc
		level   slog.Level
		want    map[string]any
	}{
		"fine":    {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") }, slog.LevelInfo, map[string]any{"status": int64(200), "bytes": int64(5)}},
		"silent":  {func(http.ResponseWriter, *http.Request) {}, slog.LevelInfo, map[string]any{"status": int64(200), "bytes": int64(0)}},
		"missing": {http.NotFound, slog.LevelInfo, map[string]any{"status": int64(404)}},
		"failing": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(502) }, slog.LevelError, map[string]any{"status": int64(502)}},
		"shed":    {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) }, slog.LevelWarn, map[string]any{"status": int64(503)}},
		"hints": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusEarlyHints)
			w.WriteHeader(201)
			w.(http.Flusher).Flush()
		}, slog.LevelInfo, map[string]any{"status": int64(201)}},
		"copied": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.Copy(w, struct{ io.Reader }{strings.NewReader("hello")})
		}, slog.LevelInfo, map[string]any{"status": int64(200), "bytes": int64(5)}},
		"hijacked": {func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				panic(err)
			}
			fmt.Fprint(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
			_ = conn.Close()
		}, slog.LevelInfo, map[string]any{"hijacked": true, "status": nil}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			b := new(book)
			l := &access.Log{Logger: slog.New(logs.NewHandler(b, logs.Options{}))}
			_, header, err := serve(t, l, "GET /users/{id}", test.handler, "GET /users/7?token=geheim")
			if err != nil {
				t.Fatal(err)
			}
			all := b.records()
			if len(all) != 1 {
				t.Fatalf("%d records: %v", len(all), all)
			}
			got := all[0]
			for k, v := range test.want {
				if got[k] != v {
					t.Errorf("%s is %v, want %v", k, got[k], v)
				}
			}
			if got["msg"] != "GET /users/{id}" || got["path"] != "/users/7" || got["level"] != test.level || !strings.HasPrefix(fmt.Sprint(got["peer"]), "127.0.0.1:") {
				t.Errorf("got %v", got)
			}
			if id := header.Get("X-Request-Id"); name != "hijacked" && (len(id) != 16 || got["request"] != id) {
				t.Errorf("the id is %q in the answer, %v in the record", id, got["request"])
			}
		})
	}
}

func TestPanic(t *testing.T) {
	for name, test := range map[string]struct {
		handler http.HandlerFunc
		status  int // 0 is a broken connection
		records int
	}{
		"nothing written": {func(http.ResponseWriter, *http.Request) { panic("oh") }, 500, 2},
		"something written": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			fmt.Fprint(w, "half")
			w.(http.Flusher).Flush()
			panic("oh")
		}, 0, 2},
		"a wish to abort": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, 0, 1},
		"a panicking 500": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(500)
			panic("oh")
		}, 0, 2},
	} {
		t.Run(name, func(t *testing.T) {
			b, reg := new(book), new(stats.Registry)
			l := &access.Log{Logger: slog.New(logs.NewHandler(b, logs.Options{})), Stats: reg}
			status, _, err := serve(t, l, "/a", test.handler, "GET /a")
			if test.status == 0 && err == nil || test.status > 0 && (err != nil || status != test.status) {
				t.Errorf("the client has got %d, %v", status, err)
			}
			all := b.records()
			if len(all) != test.records {
				t.Fatalf("%d records: %v", len(all), all)
			}
			if stack, _ := all[0]["stack"].(string); test.records == 2 && !strings.HasPrefix(stack, "access_test.TestPanic") {
				t.Errorf("the stack is %q", stack)
			}
			if n := reg.Counter("http.panics", "route", "GET /a").Value(); n != int64(test.records-1) {
				t.Errorf("%d panics counted", n)
			}
		})
	}
}

func get(l *access.Log, h http.HandlerFunc, header http.Header) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", "/a", http.NoBody)
	r.Header = header
	w := httptest.NewRecorder()
	l.Wrap(h).ServeHTTP(w, r)
	return w
}

func TestSampling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := new(book)
		l := &access.Log{Logger: slog.New(logs.NewHandler(b, logs.Options{}))}
		for range 100 {
			get(l, func(http.ResponseWriter, *http.Request) {}, http.Header{})
		}
		get(l, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }, http.Header{})
		get(l, func(http.ResponseWriter, *http.Request) { time.Sleep(time.Second) }, http.Header{})
		if n := len(b.records()); n != 12 {
			t.Errorf("%d records, want 10 of fine requests, one failed and one slow", n)
		}
		get(l, func(http.ResponseWriter, *http.Request) {}, http.Header{})
		all := b.records()
		if last := all[len(all)-1]; last["skipped"] != int64(90) {
			t.Errorf("the next fine one says %v", last)
		}
	})
}

func TestWaited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := new(book)
		l := &access.Log{Logger: slog.New(logs.NewHandler(b, logs.Options{}))}
		for _, wait := range []time.Duration{time.Second, time.Microsecond} {
			inner := access.Waited(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { time.Sleep(time.Minute) }))
			get(l, func(w http.ResponseWriter, r *http.Request) {
				time.Sleep(wait)
				inner.ServeHTTP(w, r)
			}, http.Header{})
		}
		if all := b.records(); all[0]["queued"] != time.Second || all[1]["queued"] != nil {
			t.Errorf("got %v", all)
		}
	})
}

func TestIdentity(t *testing.T) {
	trace, parent := strings.Repeat("ab", 16), strings.Repeat("cd", 8)
	tests := map[string]struct {
		header http.Header
		id     string // "" is one of our own
		trace  string
	}{
		"none":         {http.Header{}, "", ""},
		"given":        {http.Header{"X-Request-Id": {"a-B_1"}}, "a-B_1", ""},
		"two":          {http.Header{"X-Request-Id": {"a", "b"}}, "", ""},
		"escape":       {http.Header{"X-Request-Id": {"a\x1b[2J"}}, "", ""},
		"long":         {http.Header{"X-Request-Id": {strings.Repeat("a", 129)}}, "", ""},
		"trace":        {http.Header{"Traceparent": {"00-" + trace + "-" + parent + "-01"}}, "", trace},
		"later":        {http.Header{"Traceparent": {"01-" + trace + "-" + parent + "-01-more"}}, "", trace},
		"too much":     {http.Header{"Traceparent": {"00-" + trace + "-" + parent + "-01-more"}}, "", ""},
		"upper case":   {http.Header{"Traceparent": {"00-" + strings.ToUpper(trace) + "-" + parent + "-01"}}, "", ""},
		"zeros":        {http.Header{"Traceparent": {"00-" + strings.Repeat("0", 32) + "-" + parent + "-01"}}, "", ""},
		"short":        {http.Header{"Traceparent": {"00-ab"}}, "", ""},
		"bad version":  {http.Header{"Traceparent": {"ff-" + trace + "-" + parent + "-01"}}, "", ""},
		"no separator": {http.Header{"Traceparent": {"00x" + trace + "-" + parent + "-01"}}, "", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			onward := http.Header{}
			var seen logs.Request
			w := get(&access.Log{Logger: slog.New(slog.DiscardHandler)}, func(_ http.ResponseWriter, r *http.Request) {
				seen = *logs.RequestOf(r.Context())
				access.Propagate(r.Context(), onward)
			}, test.header)
			if test.id != "" && seen.ID != test.id || test.id == "" && len(seen.ID) != 16 || seen.Trace != test.trace {
				t.Errorf("seen as %+v", seen)
			}
			if w.Header().Get("X-Request-Id") != seen.ID || onward.Get("X-Request-Id") != seen.ID {
				t.Errorf("answered %q, handed on %q", w.Header().Get("X-Request-Id"), onward.Get("X-Request-Id"))
			}
			if want := "00-" + trace + "-" + seen.Span + "-01"; test.trace != "" && (onward.Get("Traceparent") != want || seen.Span == parent || seen.Parent != parent) {
				t.Errorf("traceparent handed on is %q, want %q", onward.Get("Traceparent"), want)
			}
		})
	}
	access.Propagate(context.Background(), nil) // without a request it touches nothing
}

func TestLogKey(t *testing.T) {
	var levels logs.Levels
	levels.SetKey("k1", slog.LevelDebug, time.Hour)
	for key, want := range map[string]int{"k1": 2, "k2": 1} {
		b := new(book)
		log := slog.New(levels.Handler(logs.NewHandler(b, logs.Options{})))
		get(&access.Log{Logger: log, Levels: &levels}, func(_ http.ResponseWriter, r *http.Request) {
			log.DebugContext(r.Context(), "looked up")
		}, http.Header{"X-Log-Key": {key}})
		if n := len(b.records()); n != want {
			t.Errorf("key %s: %d records, want %d", key, n, want)
		}
	}
}

func TestOddMethod(t *testing.T) {
	b := new(book)
	l := &access.Log{Logger: slog.New(logs.NewHandler(b, logs.Options{}))}
	r := httptest.NewRequest("BREW", "/", http.NoBody)
	l.Wrap(http.HandlerFunc(http.NotFound)).ServeHTTP(httptest.NewRecorder(), r)
	if got := b.records()[0]["msg"]; got != "OTHER" {
		t.Errorf("the message is %q", got)
	}
}

// FuzzCommon wants one line without anything a terminal would obey.
func FuzzCommon(f *testing.F) {
	f.Add("GET", "/a b")
	f.Add("G\x1b[", "/\"\n")
	f.Fuzz(func(t *testing.T, method, path string) {
		var out bytes.Buffer
		r := httptest.NewRequest("GET", "/", http.NoBody)
		r.Method, r.URL.Path, r.RemoteAddr = method, path, "192.0.2.1:80"
		(&access.Log{Common: &out}).Wrap(http.HandlerFunc(http.NotFound)).ServeHTTP(httptest.NewRecorder(), r)
		if text := out.String(); strings.Count(text, "\n") != 1 || strings.ContainsFunc(text[:len(text)-1], func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Errorf("%q", text)
		}
	})
}

func BenchmarkNotRecorded(b *testing.B) {
	l := &access.Log{Fine: -1, Logger: slog.New(slog.DiscardHandler)}
	h := l.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	r, w := httptest.NewRequest("GET", "/a", http.NoBody), httptest.NewRecorder()
	b.ReportAllocs()
	for b.Loop() {
		h.ServeHTTP(w, r)
	}
}

func ExampleLog() {
	var lines strings.Builder
	l := &access.Log{Common: &lines}
	h := l.Wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") }))
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", http.NoBody))
	before, after, _ := strings.Cut(lines.String(), "[")
	_, after, _ = strings.Cut(after, "]")
	fmt.Print(before, "[...]", after)
	// Output: 192.0.2.1 - - [...] "GET / HTTP/1.1" 200 5
}

// TestFormsAreRemoved: net/http removes the files of a form that it finds in its
// own request, of which the handler has a copy.
func TestFormsAreRemoved(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	server := httptest.NewServer((&access.Log{Logger: slog.New(slog.DiscardHandler)}).Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseMultipartForm(1); err != nil {
			t.Error(err)
		}
	})))
	defer server.Close()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("file", "name")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = part.Write(make([]byte, 11<<20)) // more than a form may have in memory
	_ = form.Close()
	answer, err := http.Post(server.URL, form.FormDataContentType(), &body)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	server.Close() // waits for what net/http does after the answer
	if left, err := os.ReadDir(os.TempDir()); err != nil || len(left) > 0 {
		t.Errorf("%d files are left, %v", len(left), err)
	}
}
