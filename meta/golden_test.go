package meta_test

import (
	"bytes"
	"context"
	"flag"
	"io"
	"maps"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/support-go/support/meta"
	"github.com/support-go/support/meta/console"
	"github.com/support-go/support/meta/data"
	"github.com/support-go/support/meta/objects"
	"github.com/support-go/support/stats"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestGoldenPages renders every page that package meta has, of fixed data at a
// fixed time, for people and for programs.
func TestGoldenPages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := fixed(t, func() { time.Sleep(5 * time.Second) })
		all := map[string]string{
			"overview": "/", "requests": "/requests", "route": "/requests/" + url.PathEscape("POST /pay"), "stats": "/stats", "stats_filtered": "/stats?q=orders&sort=-total",
			"counter": "/stats/shop.orders", "gauge": "/stats/shop.open", "distribution": "/stats/shop.wait_seconds", "rate": "/stats/shop.ticks", "states": "/stats/shop.states", "top": "/stats/shop.customers",
			"cardinality": "/stats/shop.visitors", "no_instrument": "/stats/shop.oders", "talkers": "/talkers", "config": "/config", "api": "/api", "search": "/search?q=order", "nothing_found": "/search?q=nosuchthing",
			"actions": "/actions", "confirm": "/actions?confirm=tidy", "console": "/console", "console_command": "/console?line=" + url.QueryEscape("tidy how=badly"),
			"console_expression": "/console?line=" + url.QueryEscape(`map(filter(stats.instruments, .kind == "counter"), {name: .name, total: .total})`), "console_error": "/console?line=" + url.QueryEscape("nosuchroot.x"),
			"things": "/things", "things_w2": "/things?worker=w2", "things_side": "/things?side=1", "things_open": "/things?open=bolt", "panics": "/panics", "objects": "/objects", "object": "/objects/config?at=Sizes&worker=w1",
			"schema": "/schema/things", "schema_command": "/schema/do/tidy",
		}
		for _, name := range slices.Sorted(maps.Keys(all)) { // what one look has learned, the next one shows
			golden(t, h, name, "html", all[name], "text/html")
			golden(t, h, name, "json", all[name], "application/json")
		}
		golden(t, h, "login", "html", "/login", "text/html")
		golden(t, h, "not_found", "html", "/nothing", "text/html")
	})
}

// fixed is a group of two workers that has run for a minute.
func fixed(t *testing.T, wait func()) *meta.Handler {
	t.Helper()
	reg := &stats.Registry{Secret: [16]byte{1}}
	began := time.Now()
	h := &meta.Handler{
		Name: "shop", Stats: meta.Of(reg), Access: meta.Access{Anybody: meta.Operator, Tokens: []meta.Token{{Name: "ops", Role: meta.Operator}}, Hint: "The operator's token is in a file."},
		Console: meta.Console{On: true, Evaluate: console.Evaluate, Commands: []meta.Command{{
			Name: "tidy", Help: "Removes what nobody needs.", DryRun: true, Button: &meta.Button{Title: "Tidy up", Danger: true},
			Inputs: []data.Input{{Name: "how", Title: "How", Choices: []string{"well", "badly"}, Value: "well"}, {Name: "limit", Title: "At most", Kind: data.WholeNumber, Least: 1, Most: 9}},
			Run:    func(context.Context, meta.Call) (any, error) { return "tidied", nil },
		}}},
		Group: func(context.Context) (meta.Group, error) { return fixedGroup(began), nil },
	}
	h.Pages = fixedPages("w1", 3)
	h.Sources = func(context.Context) []meta.Source {
		return []meta.Source{inside("w1", fixedPages("w1", 3)), inside("w2", fixedPages("w2", 500))}
	}
	count(t, reg, h, wait)
	return h
}

// count has a minute pass, in which something happens.
func count(t *testing.T, reg *stats.Registry, h *meta.Handler, wait func()) {
	reg.Describe("shop.orders", "Orders that were taken.")
	visitors, states := reg.Cardinality("shop.visitors"), reg.States("shop.states")
	visit := states.Enter(states.State("waiting"))
	for n := range 13 {
		h.Look(t.Context(), time.Now(), n)
		reg.Counter("shop.orders").Add(10)
		reg.Counter("shop.orders_by", "kind", "<b>large</b>").Add(1)
		reg.Gauge("shop.open").Set(float64(n))
		reg.Distribution("shop.wait_seconds").Add(0.01 * float64(n+1))
		for _, route := range []string{"GET /", "POST /pay"} {
			reg.Distribution("http.request_seconds", "route", route, "server", "front").Add(0.02 * float64(n+1))
		}
		reg.Rate("shop.ticks").Tick()
		reg.Top("shop.customers").Add([]string{"ada", "grace", "ada"}[n%3])
		visitors.Add([]string{"ada", "grace", "edsger"}[n%3])
		wait()
		h.Forget()
	}
	visit.Leave()
}

func fixedGroup(began time.Time) meta.Group {
	worker := func(name string, pid int, state data.State, word, why string) meta.Process {
		return meta.Process{Name: name, Serves: true, PID: pid, Generation: 2, State: state, Word: word, Why: why, Started: began, Heard: time.Now(), Requests: 260, Running: 3, Open: 7, Last: "never"}
	}
	return meta.Group{
		Phase: "serving", State: data.OK, Generation: 2, Started: began,
		Processes: []meta.Process{
			{Name: "supervisor", PID: 100, State: data.OK, Word: "watching", Started: began, Heard: time.Now()},
			worker("w1", 101, data.OK, "serving", ""), worker("w2", 102, data.Look, "serving", "p99 is 5.6 × that of the others"),
		},
		Events:   []data.Event{{At: began.Add(30 * time.Second), Mark: "a", Text: data.Words("Worker 2 ended"), Reason: data.Words("exit code 3")}},
		Findings: []data.Event{{State: data.Look, Text: data.Words("No time-out <i>anywhere</i>"), Where: "client.go:41"}},
		Config:   []meta.Block{{Name: "config Group", Title: "Group", Table: &meta.Table{Key: "setting", Columns: []meta.Column{{Name: "setting"}, {Name: "value"}, {Name: "from"}}, Rows: []data.Row{{Cells: []data.Cell{{Value: "Workers"}, {Value: "2"}, {Value: "set"}}}}}}},
	}
}

func fixedPages(worker string, bolts int) []meta.Page {
	things := func(context.Context, url.Values) (any, error) {
		table := &meta.Table{Key: "thing", Filter: true, Columns: []meta.Column{
			{Name: "thing", Title: "Thing"}, {Name: "count", Title: "Count", Merge: data.Sum}, {Name: "wait", Title: "Wait", Unit: data.UnitSeconds, Merge: data.Max},
			{Name: "size", Title: "Size", Unit: data.UnitBytes}, {Name: "seen", Title: "Seen", Unit: data.UnitTime},
		}}
		table.Add("bolt", bolts, 0.25, 1<<20, time.Now().Add(-time.Minute)).Detail = []meta.Block{{Text: &meta.Text{Body: "the stack of <" + worker + ">"}}}
		table.Add(meta.Cell{Value: "nut & washer", State: data.Wrong, Why: "none left"}, 0, nil, 12, nil)
		return meta.View{Blocks: []meta.Block{{Name: "things", Title: "Things", Table: table}, {Name: "facts", Title: "Facts", Fields: []meta.Field{
			{Name: "worker", Cell: meta.Cell{Value: worker}}, {Name: "api_key", Title: "Key", Cell: meta.Cell{Value: "set, masked"}}, {Name: "total", Title: "Total", Merge: data.Sum, Cell: meta.Cell{Value: bolts}},
		}}}}, nil
	}
	all := []meta.Page{{Path: "things", Title: "Things", Run: things}, {Path: "panics", Title: "Panics", Run: func(context.Context, url.Values) (any, error) {
		if worker == "w2" {
			return nil, io.ErrUnexpectedEOF
		}
		return "well", nil
	}}}
	type config struct {
		Listen, Password string
		Sizes            map[string]int
	}
	return append(all, objects.Pages([]objects.Root{{Name: "config", Get: func(context.Context) (any, error) {
		return config{":80", "hush", map[string]int{"small": 1, "large": 9}}, nil
	}}})...)
}

// inside is a source that answers without a socket.
func inside(name string, pages []meta.Page) meta.Source {
	served := meta.Serve(pages)
	return meta.Source{Name: name, Fetch: func(ctx context.Context, path, query string) (io.ReadCloser, error) {
		w := httptest.NewRecorder()
		served.ServeHTTP(w, httptest.NewRequestWithContext(ctx, "GET", "/"+path+"?"+query, nil))
		if w.Code != 200 {
			return nil, &failed{strings.TrimSpace(w.Body.String())}
		}
		return io.NopCloser(w.Body), nil
	}}
}

// golden compares a page with the file that has it.
func golden(t *testing.T, h *meta.Handler, name, form, path, accept string) {
	t.Helper()
	r := httptest.NewRequest("GET", path, nil)
	r.Host = "127.0.0.1:8889"
	r.Header.Set("Accept", accept)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	got := settled(w.Body.Bytes())
	file := filepath.Join("testdata", "golden", name+"."+form)
	if *update {
		if err := os.WriteFile(file, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(got, want) {
		return
	}
	g, e := strings.Split(string(got), "\n"), strings.Split(string(want), "\n")
	for i := range g {
		if i >= len(e) || g[i] != e[i] {
			t.Errorf("line %d of %s is\n%s\nwant\n%s\n(go test ./meta -run Golden -update writes it)", i+1, file, g[i], e[min(i, len(e)-1)])
			return
		}
	}
	t.Errorf("%s is cut off", file)
}

// settled replaces what is different each time: the field of forms, the name of
// this machine and the hash of the stylesheet.
func settled(page []byte) []byte {
	page = regexp.MustCompile(`name="csrf" value="[0-9a-f]+"`).ReplaceAll(page, []byte(`name="csrf" value="CSRF"`))
	page = regexp.MustCompile(`static/[0-9a-f]{8,}/`).ReplaceAll(page, []byte("static/HASH/"))
	if host, err := os.Hostname(); err == nil {
		page = bytes.ReplaceAll(page, []byte(host), []byte("HOST"))
	}
	return append(bytes.TrimSpace(page), '\n')
}
