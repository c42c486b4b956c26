package meta_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/support-go/support/meta"
	"github.com/support-go/support/meta/pages"
	"github.com/support-go/support/requests"
)

// TestTenMegabytesOfQuery: the address is refused long before it has been read,
// and others are answered meanwhile.
func TestTenMegabytesOfQuery(t *testing.T) {
	f := start(t, nil)
	conn, err := net.Dial("tcp", strings.TrimPrefix(f.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	sent := make(chan int)
	go func() {
		n, _ := io.WriteString(conn, "GET /stats?q="+strings.Repeat("x", 10<<20)+" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n") // it ends when the server hangs up
		sent <- n
	}()
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err == nil { // else it has hung up before it was read
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusRequestHeaderFieldsTooLarge && resp.StatusCode != http.StatusRequestURITooLong {
			t.Errorf("10 MB of query: %s, want 431 or 414", resp.Status)
		}
	}
	_ = conn.Close()
	if n := <-sent; n > 9<<20 {
		t.Errorf("%d bytes of the address were read", n)
	}
	for _, size := range []int{4 << 10, 4<<10 + 1, 500 << 10} {
		if got := f.ask(t, "GET", "/stats?"+strings.Repeat("q", size), viewerToken).StatusCode; (got == http.StatusRequestURITooLong) != (size > 4<<10) {
			t.Errorf("%d bytes of query: %d", size, got)
		}
	}
}

// TestTenMegabytesOfForm: what a form may hold is bounded too.
func TestTenMegabytesOfForm(t *testing.T) {
	f := start(t, nil)
	got := f.give(t, "tidy", operatorToken, url.Values{"how": {strings.Repeat("x", 10<<20)}})
	if got.StatusCode != http.StatusBadRequest || len(f.done) != 0 || len(got.text) > 1000 {
		t.Errorf("10 MB of form: %s, %d bytes of answer, done %v; want 400", got.Status, len(got.text), f.done)
	}
}

// TestValuesThatHoldThemselves: such a page says so, or shows what is not round;
// others go on.
func TestValuesThatHoldThemselves(t *testing.T) {
	type ring struct {
		Name string
		Next *ring
	}
	round := &ring{Name: "first"}
	round.Next = &ring{Name: "second", Next: round}
	self := map[string]any{"name": "self"}
	self["self"] = self
	list := make([]any, 1)
	list[0] = list
	f := start(t, func(h *meta.Handler) {
		for path, v := range map[string]any{"ring": round, "map": self, "list": list, "function": func() {}, "channel": make(chan int), "rings": []*ring{round}} {
			h.Pages = append(h.Pages, meta.Page{Path: path, Title: path, Run: func(context.Context, url.Values) (any, error) { return v, nil }})
		}
	})
	for _, path := range []string{"ring", "map", "list", "function", "channel", "rings", "stats"} {
		for _, form := range []string{"text/html", "application/json"} {
			got := f.ask(t, "GET", "/"+path, viewerToken, "Accept", form)
			if got.StatusCode != http.StatusOK || len(got.text) > 1<<20 {
				t.Errorf("GET /%s as %s: %s with %d bytes", path, form, got.Status, len(got.text))
			}
		}
	}
}

// visited is a server whose requests are recorded and shown, and that believes
// what its peers say of others.
func visited(t *testing.T) (f *fixture, server *httptest.Server, arrived, held chan struct{}) {
	recorder := requests.New(requests.Config{Server: "shop", Proxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}, nil)
	arrived, held = make(chan struct{}, 1), make(chan struct{})
	mux := http.NewServeMux()
	mux.HandleFunc("/{path...}", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if r.URL.Query().Has("hold") {
			arrived <- struct{}{}
			<-held
		}
		w.WriteHeader(http.StatusInternalServerError)
	})
	server = httptest.NewServer(recorder.Handler(mux))
	t.Cleanup(server.Close)
	f = start(t, func(h *meta.Handler) {
		h.Pages = append(h.Pages, pages.Requests(func() []*requests.Recorder { return []*requests.Recorder{recorder} })...)
	})
	return f, server, arrived, held
}

// crawl returns all pages that are to be had, in both forms.
func (f *fixture) crawl(t *testing.T, token string) string {
	t.Helper()
	var all strings.Builder
	for _, route := range f.handler.Routes() {
		path, isGet := strings.CutPrefix(route, "GET ")
		if !isGet || strings.HasPrefix(path, "static") {
			continue
		}
		for _, form := range []string{"text/html", "application/json"} {
			all.WriteString(f.ask(t, "GET", "/"+path, token, "Accept", form).text)
		}
	}
	return all.String()
}

// TestM7NothingThatClientsSendIsKept: what passes in bodies, headers, cookies
// and questions is on no page; there is no recorder of traffic to be turned on.
func TestM7NothingThatClientsSendIsKept(t *testing.T) {
	const canary = "canary-9c41"
	f, server, arrived, held := visited(t)
	var waiting sync.WaitGroup
	for _, hold := range []string{"", "hold=1&"} {
		r, err := http.NewRequest(http.MethodPost, server.URL+"/pay?"+hold+"card="+canary, strings.NewReader("body="+canary))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"Authorization", "Cookie", "X-Api-Key", "User-Agent", "Referer", "Traceparent"} {
			r.Header.Set(name, "a="+canary)
		}
		waiting.Go(func() {
			resp, err := http.DefaultClient.Do(r)
			if err == nil {
				_ = resp.Body.Close()
			}
		})
		if hold == "" {
			waiting.Wait()
		}
	}
	<-arrived
	_, rest, _ := strings.Cut(f.ask(t, "GET", "/inflight.json", viewerToken).text, `"?open=`)
	id, _, _ := strings.Cut(rest, `"`)
	seen := f.crawl(t, viewerToken) + f.ask(t, "GET", "/inflight?open="+id, viewerToken, "Accept", "text/html").text
	if !strings.Contains(seen, `"/pay"`) || !strings.Contains(seen, "Cancel this request") {
		t.Error("the requests are on no page: the test looks in the wrong place")
	}
	close(held)
	waiting.Wait()
	if strings.Contains(seen, canary) {
		i := strings.Index(seen, canary)
		t.Errorf("what a client has sent is shown: …%s", seen[max(0, i-200):i+len(canary)])
	}
}

// TestPeersCannotMark: paths, methods, and headers by which peers name
// themselves are text, whatever is in them.
func TestPeersCannotMark(t *testing.T) {
	f, server, _, held := visited(t)
	close(held)
	for i, name := range naughty() {
		r, err := http.NewRequest(http.MethodGet, server.URL+"/"+url.PathEscape(name), http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.Method = []string{"GET", "<B>", "POST"}[i%3]
		for _, header := range []string{"X-Forwarded-For", "Forwarded", "User-Agent", "X-Request-Id", "Referer"} {
			r.Header.Set(header, strings.Map(func(c rune) rune { return map[bool]rune{true: c, false: -1}[c >= ' ' && c < 127] }, name))
		}
		if resp, err := http.DefaultClient.Do(r); err == nil {
			_ = resp.Body.Close()
		}
	}
	all := f.crawl(t, viewerToken)
	for _, bad := range []string{"<script>alert", "<img", "<svg onload", ` onmouseover="`, `href="javascript:`, "<B>"} {
		if html := strings.ReplaceAll(all, `\u003c`, "&lt;"); strings.Contains(html, bad) {
			i := strings.Index(html, bad)
			t.Errorf("a page has %q: %s", bad, html[max(0, i-150):i+50])
		}
	}
}

// TestM11HeaviestCalls asks for the most costly pages from a hundred sides at
// once: some are refused, all are answered, and memory stays bounded.
func TestM11HeaviestCalls(t *testing.T) {
	f := start(t, nil)
	for i := range 1000 {
		f.reg.Distribution(fmt.Sprintf("shop.d%d_seconds", i)).Add(float64(i))
	}
	release := make(chan struct{})
	var crowd sync.WaitGroup
	for range 5000 {
		crowd.Go(func() { <-release })
	}
	defer crowd.Wait()
	defer close(release)
	paths := []string{"/goroutines", "/memory", "/stats", "/stats.json", "/requests", "/api", "/search?q=shop"}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	codes := make([]int, 100)
	var all sync.WaitGroup
	for i := range codes {
		all.Go(func() { codes[i] = f.ask(t, "GET", paths[i%len(paths)], viewerToken, "Accept", "text/html").StatusCode })
	}
	all.Wait()
	runtime.GC()
	runtime.ReadMemStats(&after)
	count := map[int]int{}
	for _, code := range codes {
		count[code]++
	}
	if count[200] == 0 || count[200]+count[429]+count[503] != len(codes) {
		t.Errorf("answers %v, want 200, 429 and 503 alone", count)
	}
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 64<<20 {
		t.Errorf("%d MiB are kept afterwards, want less than 64", grown>>20)
	}
	if got := f.ask(t, "GET", "/stats", viewerToken).StatusCode; got != http.StatusOK {
		t.Errorf("afterwards: %d", got)
	}
}
