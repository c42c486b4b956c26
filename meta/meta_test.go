package meta_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/support-go/support/meta"
	"github.com/support-go/support/meta/data"
	"github.com/support-go/support/meta/pages"
	"github.com/support-go/support/stats"
)

// The tokens of the tests. Real ones are random.
const (
	viewerToken   = "viewer-0123456789abcdef0123456789abcdef"
	operatorToken = "operator-0123456789abcdef0123456789abcdef"
)

// fixture is a program that shows itself, with a log that can be read.
type fixture struct {
	*httptest.Server
	handler *meta.Handler
	reg     *stats.Registry
	log     *bytes.Buffer
	done    []string // actions carried out
}

func start(t *testing.T, change func(*meta.Handler)) *fixture {
	t.Helper()
	f := &fixture{reg: new(stats.Registry), log: new(bytes.Buffer)}
	f.reg.Counter("shop.orders").Add(7)
	f.reg.Distribution("http.request_seconds", "route", "GET /").Add(0.25)
	f.reg.Top("shop.customers").Add("ada")
	f.handler = &meta.Handler{
		Name: "shop", Stats: meta.Of(f.reg), Pages: pages.Process(),
		Access: meta.Access{Tokens: []meta.Token{
			{Name: "vera", Role: meta.Viewer, Hash: meta.HashToken(viewerToken)},
			{Name: "oskar", Role: meta.Operator, Hash: meta.HashToken(operatorToken)},
		}},
		Console: meta.Console{Commands: []meta.Command{{
			Name: "tidy", Help: "Removes what nobody needs.", Button: &meta.Button{Title: "Tidy up"},
			Inputs: []data.Input{{Name: "how", Title: "How", Choices: []string{"well", "badly"}, Value: "well"}},
			Run: func(_ context.Context, call meta.Call) (any, error) {
				f.done = append(f.done, call.Text("how"))
				return "tidied " + call.Text("how"), nil
			},
		}}},
		Log: slog.New(slog.NewTextHandler(f.log, nil)),
	}
	if change != nil {
		change(f.handler)
	}
	f.Server = httptest.NewServer(f.handler)
	t.Cleanup(f.Close)
	return f
}

// ask sends a request as the holder of a token, or nobody.
func (f *fixture) ask(t *testing.T, method, path, token string, header ...string) answer {
	t.Helper()
	r, err := http.NewRequest(method, f.URL+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i+1 < len(header); i += 2 {
		if header[i] == "Host" {
			r.Host = header[i+1]
			continue
		}
		r.Header.Set(header[i], header[i+1])
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return send(t, client, r)
}

// answer is a response that has been read.
type answer struct {
	StatusCode int
	Status     string
	Header     http.Header
	text       string
}

func send(t *testing.T, client *http.Client, r *http.Request) answer {
	t.Helper()
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Status, resp.Header, string(b)}
}

// post sends a form.
func post(t *testing.T, client *http.Client, to string, form url.Values) answer {
	t.Helper()
	r, err := http.NewRequest(http.MethodPost, to, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return send(t, client, r)
}

// browser logs in by the form, and keeps cookies.
func (f *fixture) browser(t *testing.T, token string) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Jar: jar}
	resp, err := client.PostForm(f.URL+"/login", url.Values{"token": {token}})
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK || resp.Request.URL.Path != "/" {
		t.Fatalf("login: %s at %s, want the first page", resp.Status, resp.Request.URL)
	}
	return client
}

func TestPagesAnswerInThreeForms(t *testing.T) {
	f := start(t, nil)
	tests := map[string]struct {
		path, accept, kind, contains string
	}{
		"overview":         {"/", "text/html", "text/html", "Overview"},
		"as json":          {"/overview.json", "", "application/json", `"version": 1`},
		"by accept":        {"/stats", "application/json", "application/json", "shop.orders"},
		"stats":            {"/stats", "text/html", "text/html", "shop.orders"},
		"an instrument":    {"/stats/shop.orders", "text/html", "text/html", "Total"},
		"with labels":      {"/stats/http.request_seconds?l.route=GET+%2F", "text/html", "text/html", "Histogram"},
		"no instrument":    {"/stats/shop.oders", "text/html", "text/html", "There is no such instrument"},
		"talkers":          {"/talkers", "text/html", "text/html", "ada"},
		"goroutines":       {"/goroutines", "text/html", "text/html", "testing"},
		"memory":           {"/memory", "text/html", "text/html", "Heap"},
		"runtime":          {"/runtime", "text/html", "text/html", "GOMAXPROCS"},
		"actions":          {"/actions", "text/html", "text/html", "Tidy up"},
		"api":              {"/api.json", "", "application/json", "do/tidy"},
		"search":           {"/search?q=orders", "text/html", "text/html", "shop.orders"},
		"filtered":         {"/stats.json?q=orders", "", "application/json", "shop.orders"},
		"nothing filtered": {"/stats?q=nosuchthing", "text/html", "text/html", "Nothing matches"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			resp := f.ask(t, "GET", test.path, viewerToken, "Accept", test.accept)
			got := resp.text
			if resp.StatusCode != http.StatusOK || !strings.HasPrefix(resp.Header.Get("Content-Type"), test.kind) || !strings.Contains(got, test.contains) {
				t.Errorf("GET %s: %s, %s, %.300s; want 200, %s with %q", test.path, resp.Status, resp.Header.Get("Content-Type"), got, test.kind, test.contains)
			}
		})
	}
}

// TestNoSuchPage: programs are answered in a line, and people with a page.
func TestNoSuchPage(t *testing.T) {
	f := start(t, func(h *meta.Handler) { h.Access.Anybody = meta.Viewer })
	for path, kind := range map[string]string{"/nothing": "text/html", "/nothing.json": "text/plain"} {
		resp := f.ask(t, "GET", path, "")
		if resp.StatusCode != http.StatusNotFound || !strings.HasPrefix(resp.Header.Get("Content-Type"), kind) || !strings.Contains(resp.text, "There is no such page") {
			t.Errorf("GET %s: %s, %s; want 404, %s", path, resp.Status, resp.Header.Get("Content-Type"), kind)
		}
	}
}

// TestMenuCountsWhatPagesShow: not the requests of those who look at them.
func TestMenuCountsWhatPagesShow(t *testing.T) {
	f := start(t, func(h *meta.Handler) {
		h.Pages = append(h.Pages, meta.Page{Path: "inflight", Title: "In flight", Section: meta.Serves, Run: h.Pages[0].Run}, meta.Page{Path: "connections", Title: "Connections", Section: meta.Serves, Run: h.Pages[0].Run})
		h.Group = func(context.Context) (meta.Group, error) {
			return meta.Group{Processes: []meta.Process{{Name: "w1", Serves: true, Running: 3, Open: 5}, {Name: "meta", Running: 1, Open: 2}}}, nil
		}
	})
	got := f.ask(t, "GET", "/stats", viewerToken, "Accept", "text/html").text
	for _, want := range []string{`In flight<span class="n">3</span>`, `Connections<span class="n">5</span>`} {
		if !strings.Contains(got, want) {
			t.Errorf("the menu has no %s", want)
		}
	}
}

func TestSilentWorkers(t *testing.T) {
	panics := func(context.Context, url.Values) (any, error) { panic("index out of range [7]") }
	f := start(t, func(h *meta.Handler) {
		good := []meta.Page{{Path: "orders", Title: "Orders", Run: func(context.Context, url.Values) (any, error) {
			return []data.Field{{Name: "open", Merge: data.Sum, Cell: data.Cell{Value: 3}}}, nil
		}}}
		bad := []meta.Page{{Path: "orders", Title: "Orders", Run: panics}}
		h.Pages = good
		h.Sources = func(context.Context) []meta.Source {
			return []meta.Source{source(t, "w1", good), source(t, "w2", good), source(t, "w3", bad)}
		}
	})
	got := f.ask(t, "GET", "/orders", viewerToken, "Accept", "text/html").text
	for _, want := range []string{"2 of 3", "w3 did not answer", "index out of range", "6"} {
		if !strings.Contains(got, want) {
			t.Errorf("the page does not say %q:\n%s", want, got)
		}
	}
	if got := f.ask(t, "GET", "/orders.json?worker=w2", viewerToken).text; !strings.Contains(got, `"value": 3`) {
		t.Errorf("one worker alone: %s, want its 3", got)
	}
	if got := f.ask(t, "GET", "/orders?side=1", viewerToken, "Accept", "text/html").text; !strings.Contains(got, ">w1<") || !strings.Contains(got, ">w2<") {
		t.Errorf("side by side: no column for each worker:\n%s", got)
	}
}

// TestPicksAndVerdicts has pages that sort by themselves, and say what they mean.
func TestPicksAndVerdicts(t *testing.T) {
	asked := func(_ context.Context, q url.Values) (any, error) { return q.Encode(), nil }
	says := func(v data.View) *data.Verdict {
		if v.Title != "Some" {
			panic("a verdict panics")
		}
		return &data.Verdict{State: data.Wrong, Word: "Down", Sentence: data.Words("All of it.")}
	}
	f := start(t, func(h *meta.Handler) {
		h.Pages = []meta.Page{
			{Path: "all", Title: "All", Run: asked, Verdict: says}, {Path: "some", Title: "Some", Run: asked, Verdict: says, Picks: true},
		}
	})
	for path, want := range map[string][]string{
		"/some.json?sort=-age&q=x&worker=this&n=5": {`"n=5\u0026q=x\u0026sort=-age"`, `"Down"`},
		"/all.json?sort=-age&q=x&worker=this&n=5":  {`"n=5"`, "a verdict panics"},
	} {
		got := f.ask(t, "GET", path, viewerToken)
		for _, text := range want {
			if !strings.Contains(got.text, text) {
				t.Errorf("GET %s: %s, %s; want %s", path, got.Status, got.text, text)
			}
		}
	}
}

// source serves pages over a socket, as a worker does.
func source(t *testing.T, name string, pages []meta.Page) meta.Source {
	server := httptest.NewServer(meta.Serve(pages))
	t.Cleanup(server.Close)
	return meta.Source{Name: name, Fetch: func(ctx context.Context, path, query string) (io.ReadCloser, error) {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+"/"+path+"?"+query, http.NoBody)
		if err != nil {
			return nil, err
		}
		resp, err := server.Client().Do(r)
		if err != nil {
			return nil, err
		}
		if resp.StatusCode != http.StatusOK {
			defer resp.Body.Close()
			b, _ := io.ReadAll(resp.Body)
			return nil, &failed{strings.TrimSpace(string(b))}
		}
		return resp.Body, nil
	}}
}

type failed struct{ what string }

func (f *failed) Error() string { return f.what }

// TestLastKnown has a worker that falls silent, and one that goes.
func TestLastKnown(t *testing.T) {
	var silent, gone atomic.Bool
	orders := func(name string, open int) []meta.Page {
		return []meta.Page{{Path: "orders", Title: "Orders", Run: func(context.Context, url.Values) (any, error) {
			if name == "w2" && silent.Load() {
				return nil, &failed{"it hangs"}
			}
			table := data.Table{Columns: []data.Column{{Name: "name"}}}
			table.Add(name + " <b>order").Detail = []data.Block{{Form: &data.Form{Action: "do/tidy"}}}
			return data.View{Blocks: []data.Block{
				{Name: "figures", Figures: []data.Field{{Name: "open", Merge: data.Sum, Cell: data.Cell{Value: open}}}},
				{Name: "orders", Table: &table}, {Form: &data.Form{Action: "do/tidy", Button: "Tidy"}},
			}}, nil
		}}}
	}
	f := start(t, func(h *meta.Handler) {
		h.Pages = orders("", 0)
		one, two := source(t, "w1", orders("w1", 3)), source(t, "w2", orders("w2", 4))
		h.Sources = func(context.Context) []meta.Source {
			if gone.Load() {
				return []meta.Source{one}
			}
			return []meta.Source{one, two}
		}
	})
	see := func(path string) string { return f.ask(t, "GET", path, viewerToken).text }
	if got := see("/orders.json"); !strings.Contains(got, `"value": 7`) || strings.Contains(got, "stale") {
		t.Fatalf("of both: %s", got)
	}
	see("/orders.json?worker=w2")
	silent.Store(true)
	for path, want := range map[string][]string{
		"/orders.json":           {`"value": 3`, "1 of 2", "it hangs", `"last_answer"`, `"stale": true`, "w2 \\u003cb\\u003eorder", `"value": 4`, "is below"},
		"/orders.json?worker=w2": {"0 of 1", "it hangs", `"last_answer"`, `"stale": true`, `"value": 4`},
	} {
		got := see(path)
		for _, text := range want {
			if !strings.Contains(got, text) {
				t.Errorf("GET %s: no %s in %s", path, text, got)
			}
		}
		if most := 2 * strings.Count(got, `w1 \u003cb`); strings.Count(got, "do/tidy") != most {
			t.Errorf("GET %s: something can be done to one that is silent: %s", path, got)
		}
	}
	html := f.ask(t, "GET", "/orders", viewerToken, "Accept", "text/html").text
	if !strings.Contains(html, `class="stale"`) || strings.Contains(html, "<b>order") {
		t.Errorf("the rows of w2 are not marked, or not escaped: %s", html)
	}
	gone.Store(true)
	if got := see("/orders.json?worker=w2"); !strings.Contains(got, "Nobody to ask") || !strings.Contains(got, `"value": 4`) {
		t.Errorf("of one that has gone: %s, want what it has said last", got)
	}
	if got := see("/orders.json?worker=w3"); !strings.Contains(got, "Nobody to ask") || strings.Contains(got, "stale") {
		t.Errorf("of one that there never was: %s", got)
	}
	silent.Store(false)
	gone.Store(false)
	if got := see("/orders.json"); !strings.Contains(got, `"value": 7`) || strings.Contains(got, "stale") {
		t.Errorf("of both, again: %s", got)
	}
}

func TestLastAnswersAreBounded(t *testing.T) {
	tests := map[string]struct {
		n, size      int
		count, bytes int
		first, last  bool
	}{
		"few":      {10, 1000, 10, 10_000, true, true},
		"many":     {600, 10, 512, 5120, false, true},
		"large":    {20, 1 << 20, 8, 8 << 20, false, true},
		"too long": {2, 1<<20 + 1, 2, 0, false, false},
		"old":      {4000, 4 << 10, 512, 2 << 20, false, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			count, bytes, first, last := meta.LastAnswers(test.n, test.size)
			if count != test.count || bytes != test.bytes || first != test.first || last != test.last {
				t.Errorf("%d answers of %d bytes: %d of %d bytes are kept, the first %t, the last %t; want %d, %d, %t, %t",
					test.n, test.size, count, bytes, first, last, test.count, test.bytes, test.first, test.last)
			}
		})
	}
}

// TestPagesThatMisbehave has pages that block, panic late, or have no end; the
// others go on.
func TestPagesThatMisbehave(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	self := &data.Table{Columns: []data.Column{{Name: "name"}}}
	self.Add("around").Detail = []data.Block{{Table: self}}
	late := &data.Table{Columns: []data.Column{{Name: "name"}}}
	late.Add("row").Detail = []data.Block{{Fields: []data.Field{{Name: "late", Cell: data.Cell{Value: panicky{}}}}}}
	web := make(map[string]any)
	for i := range 200 {
		web[fmt.Sprint(i)] = web
	}
	page := func(path string, value any) meta.Page {
		return meta.Page{Path: path, Title: path, Run: func(context.Context, url.Values) (any, error) { return value, nil }}
	}
	all := []meta.Page{
		{Path: "blocks", Title: "Blocks", Run: func(context.Context, url.Values) (any, error) { <-release; return nil, nil }},
		page("around", self), page("late", late), page("web", web), page("well", "all is well"),
	}
	worker := source(t, "w1", all)
	for name, sources := range map[string]func(context.Context) []meta.Source{
		"alone": nil,
		"asked": func(context.Context) []meta.Source { return []meta.Source{worker} },
	} {
		t.Run(name, func(t *testing.T) {
			f := start(t, func(h *meta.Handler) { h.Pages, h.Sources = all, sources })
			var looks sync.WaitGroup
			var busy atomic.Int32
			for range 20 {
				looks.Go(func() {
					got := f.ask(t, "GET", "/blocks.json", viewerToken)
					if got.StatusCode != http.StatusOK || !strings.Contains(got.text, "did not answer") {
						t.Errorf("a page that blocks: %s, %s", got.Status, got.text)
					}
					if strings.Contains(got.text, "have not ended") {
						busy.Add(1)
					}
				})
			}
			looks.Wait()
			if busy.Load() == 0 {
				t.Error("any number of looks at a page that blocks are waited for")
			}
			for path, want := range map[string]string{
				"/well.json": "all is well", "/around.json": "around", "/late.json": "it panicked: too late", "/web.json": "more parts are not shown",
			} {
				if got := f.ask(t, "GET", path, viewerToken); got.StatusCode != http.StatusOK || !strings.Contains(got.text, want) {
					t.Errorf("GET %s: %s, %.2000s; want 200 with %q", path, got.Status, got.text, want)
				}
			}
		})
	}
}

// panicky panics when it is shown.
type panicky struct{}

func (panicky) String() string { panic("too late") }
