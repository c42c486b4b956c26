package ui_test

import (
	"bytes"
	"flag"
	"fmt"
	"math"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/support-go/support/meta/data"
	"github.com/support-go/support/meta/ui"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func now() time.Time { return time.Date(2026, 11, 22, 3, 4, 12, 0, time.UTC) }

func ExampleRenderer() {
	v := data.From("Orders", []data.Field{{Name: "open", Title: "Open", Cell: data.Cell{Value: 2140}}})
	var page bytes.Buffer
	err := ui.New().Page(&page, &ui.Frame{Group: "shop", Path: "orders", Title: "Orders", View: v, Now: now()})
	fmt.Println(err, strings.Contains(page.String(), "2.14"))
	// Output: <nil> true
}

// every has one block of each kind.
func every() []data.Block {
	nan := math.NaN()
	table := &data.Table{Key: "name", Filter: true, Sorted: "-n", Columns: []data.Column{
		{Name: "name", Title: "Name"}, {Name: "state", Title: "State"}, {Name: "n", Title: "Count"}, {Name: "at", Title: "Seen", Unit: data.UnitTime},
		{Name: "memory", Title: "Memory", Unit: data.UnitBytes}, {Name: "hour", Title: "1 h"}, {Name: "agree", Title: "w1 to w3"},
	}}
	table.Add(data.Cell{Value: "<b>w1</b>", Href: "goroutines?worker=w1"}, data.Cell{Value: "serving", State: data.OK}, 2140, now().Add(-time.Minute),
		data.Cell{Value: 631 << 20, Limit: 768 << 20}, data.Cell{Spark: []float64{1, 2, nan, 4}}, data.Cell{Marks: []data.State{data.OK, data.Wrong, data.OK}})
	table.Add("w2", data.Cell{Value: "silent", State: data.Wrong, Why: "no sign of life for 12 s"}, nil, nil, 0, nil, nil).Stale = true
	table.Add("w3", data.Cell{Value: "odd", State: data.Look}, 3, "not a time", 12, nil, nil).Detail = []data.Block{{Text: &data.Text{Body: "a stack"}}}
	return []data.Block{
		{Verdict: &data.Verdict{State: data.Look, Word: "Degraded", Sentence: data.Rich{{Text: "Serving "}, {Text: "2.14 k/s", Strong: true, Href: "requests"}}, Since: now().Add(-17 * time.Minute)}},
		{Figures: []data.Field{{Name: "p99", Title: "p99", Unit: data.UnitSeconds, Note: "was 94", Cell: data.Cell{Value: 0.412, State: data.Look}}}},
		{Charts: []data.Chart{
			{Title: "Requests", Unit: data.UnitRate, Start: 1795316650, Step: 30, Series: []data.Series{{Shape: data.Area, Color: 1, Values: data.Numbers{1, 2, nan, 4, 5}}}, Marks: []data.Mark{{At: 1795316680, Letter: "a", Title: "reload"}}},
			{Title: "Latency", Unit: data.UnitSeconds, Log: true, Start: 1795316650, Step: 30, Series: []data.Series{{Name: "p99", Color: 2, Values: data.Numbers{0.01, 0.1, 0.4}}, {Name: "p50", Shape: data.Dashed, Color: 1, Values: data.Numbers{0.001, 0.002, 0.001}}}},
			{Title: "Errors", Unit: data.UnitRate, Start: 1795316650, Step: 30, Limit: 4, Series: []data.Series{{Name: "a", Shape: data.Stacked, Color: 2, Values: data.Numbers{1, 2}}, {Name: "b", Shape: data.Stacked, Color: 5, Values: data.Numbers{1, 2}}}},
			{Title: "Memory", Empty: "first point in 8 s"},
		}},
		{Title: "Things", Note: data.Words("of the last hour"), Table: table},
		{Title: "Facts", Half: true, Fields: []data.Field{{Name: "go", Title: "Go", Cell: data.Cell{Value: "go1.26"}}, {Name: "none", Cell: data.Cell{}}, {Name: "yes", Cell: data.Cell{Value: true}}}},
		{Title: "Latency", Half: true, Histogram: &data.Histogram{Unit: data.UnitSeconds, Max: 2.31, Buckets: []data.Bucket{{Low: 0.001, High: 0.002, Count: 10}, {Low: 0.002, High: 0.004, Count: 90}, {Low: 2, High: 2.4, Count: 1}}, Quantiles: []data.Quantile{{P: 0.5, Value: 0.003}, {P: 0.95, Value: 0.0039}, {P: 0.99, Value: 0.004}}}},
		{Title: "Age", Dots: &data.Dots{Unit: data.UnitSeconds, Limit: 10, Groups: []data.Group{{Name: "handler", Color: 1, Values: data.Numbers{0.002, 0.002, 0.4, nan}}, {Name: "queue", Color: 5, Values: data.Numbers{0.002, 12}}}}},
		{Title: "States", Graph: &data.Graph{Nodes: []data.Node{{Name: "queue", Now: 7, Stay: 0.01, Total: 3}, {Name: "handler", Now: 12, Stay: 0.1, Total: 9}, {Name: "write"}}, Edges: []data.Edge{
			{To: "queue", Count: 10}, {From: "queue", To: "handler", Count: 10}, {From: "queue", To: "write", Count: 1}, {From: "handler", To: "queue", Count: 1}, {From: "handler", To: "handler", Count: 2}, {From: "handler", Count: 3}, {From: "write", Count: 7, Rate: 3}, {From: "gone", To: "away"}}}},
		{Title: "From accept to answer", Shares: []data.Share{{Name: "p99", Unit: data.UnitSeconds, Total: 0.412, Parts: []data.Part{{Name: "queue", Color: 5, Value: 0.05}, {Name: "handler", Color: 1, Value: 0.35}, {Name: "none", Color: 2}}}}},
		{Title: "What happened", Events: []data.Event{{At: now().Add(-time.Minute), Mark: "a", Text: data.Words("Worker 3 replaced"), Reason: data.Words("memory")}, {State: data.Wrong, Text: data.Words("no time-out"), Where: "client.go:41"}}},
		{Title: "Stack", Text: &data.Text{Body: "main.main\nmain.serve", Lines: []int{2}}},
		{Title: "Console is off", Notice: &data.Notice{Text: data.Words("It can change a running program."), Code: "console.Attach(group)", Links: data.Rich{{Text: "Config", Href: "config"}}}},
		{Title: "Reload", Form: &data.Form{Action: "do/reload", Button: "Reload", Effect: "Replaces all workers.", Danger: true, Inputs: []data.Input{{Name: "how", Title: "How", Choices: []string{"a", "b"}, Value: "b"}, {Name: "id", Hidden: true, Value: "1"}}}},
		{Title: "Refused", Form: &data.Form{Action: "do/x", Button: "X", Refused: "You are vera, viewer."}},
	}
}

func frame() *ui.Frame {
	return &ui.Frame{
		Group: "shop", Place: "host · gen 2", Path: "a/b", Title: "Everything", Small: "of all", View: data.From("Everything", every()), Now: now(),
		Query: url.Values{"open": {"w3"}, "sort": {"-n"}}, Live: 2 * time.Second,
		Nav:    [][]ui.Item{{{Title: "Overview", Href: ".", Trouble: "1 wrong", Key: "o"}, {Title: "Things", Href: "a", Current: true, Count: "3"}}},
		Crumbs: []ui.Item{{Title: "Things", Href: "a"}}, Scope: []ui.Item{{Title: "Group", Href: "?", Current: true}, {Title: "w1", Href: "?worker=w1", Shape: data.Look, Why: "the odd one"}},
		Person: ui.Person{Name: "vera · viewer", CSRF: "0123", Theme: "dark", MayAsk: true}, Foot: ui.Foot{Cost: "3 of 3 workers · 12 ms", JSON: true, Links: []ui.Item{{Title: "API", Href: "api"}}},
	}
}

func TestPageIsGolden(t *testing.T) {
	var b bytes.Buffer
	if err := ui.New().Page(&b, frame()); err != nil {
		t.Fatal(err)
	}
	golden(t, "every.html", b.Bytes())
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if hashless(got) == hashless(want) {
		return
	}
	g, w := strings.Split(hashless(got), "\n"), strings.Split(hashless(want), "\n")
	for i := range g {
		if i >= len(w) || g[i] != w[i] {
			t.Fatalf("line %d of %s is\n%s\nwant\n%s\n(go test -update writes it)", i+1, name, g[i], w[min(i, len(w)-1)])
		}
	}
}

// hashless leaves out the hash of the stylesheet and the modules.
func hashless(b []byte) string {
	s := string(b)
	for {
		i := strings.Index(s, "static/")
		if i < 0 {
			return s
		}
		end := i + len("static/") + 13
		s = s[:i] + s[end:]
	}
}

func TestPageHoldsNothingInline(t *testing.T) {
	var b bytes.Buffer
	if err := ui.New().Page(&b, frame()); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{" style=", "<script>", " onclick", "javascript:", "<b>w1</b>", "NaN", "ZgotmplZ"} {
		if strings.Contains(b.String(), bad) {
			t.Errorf("the page has %q", bad)
		}
	}
}

func TestFragments(t *testing.T) {
	r := ui.New()
	var b bytes.Buffer
	if err := r.Page(&b, frame()); err != nil {
		t.Fatal(err)
	}
	all, err := r.Fragments(frame())
	if err != nil || len(all) < 10 {
		t.Fatalf("%d fragments, %v", len(all), err)
	}
	for _, f := range all {
		if !strings.Contains(b.String(), ` id="`+f.ID+`"`) {
			t.Errorf("the page has no element %q", f.ID)
		}
	}
}

// TestChartsOfAnything draws what pages may say, however odd.
func TestChartsOfAnything(t *testing.T) {
	nan := math.NaN()
	for name, c := range map[string]data.Chart{
		"nothing": {}, "one point": {Step: 1, Series: []data.Series{{Values: data.Numbers{1}}}}, "only gaps": {Step: 1, Series: []data.Series{{Values: data.Numbers{nan, nan}}}},
		"no step": {Series: []data.Series{{Values: data.Numbers{1, 2}}}}, "huge": {Step: 1, Series: []data.Series{{Values: data.Numbers{1e300, 1e308}}}},
		"tiny": {Step: 1, Series: []data.Series{{Values: data.Numbers{1e-300, 5e-324}}}}, "negative": {Step: 1, Log: true, Series: []data.Series{{Values: data.Numbers{-1, -5}}}},
		"endless": {Step: 1, Series: []data.Series{{Values: data.Numbers{math.Inf(1), 1}}}}, "uneven": {Step: 1, Series: []data.Series{{Shape: data.Stacked, Values: data.Numbers{1}}, {Shape: data.Stacked, Values: data.Numbers{1, 2, 3}}}},
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			v := data.View{Blocks: []data.Block{{Charts: []data.Chart{c}}, {Histogram: &data.Histogram{Max: c.Start}}, {Dots: &data.Dots{Groups: []data.Group{{Values: firstOf(c)}}}}}}
			if err := ui.New().Page(&b, &ui.Frame{View: v, Now: now()}); err != nil {
				t.Fatal(err)
			}
			for _, bad := range []string{"NaN", "Inf"} {
				if strings.Contains(b.String(), bad) {
					t.Errorf("the page has %s", bad)
				}
			}
		})
	}
}

func firstOf(c data.Chart) data.Numbers {
	if len(c.Series) == 0 {
		return nil
	}
	return c.Series[0].Values
}

func TestStatic(t *testing.T) {
	s := ui.New().Static()
	for path, want := range map[string]int{s.Path("meta.css"): 200, s.Path("meta.js"): 200, "static/other/meta.css": 404, s.Path("../ui.go"): 404, "static/": 404} {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest("GET", "/"+path, nil))
		if w.Code != want {
			t.Errorf("GET %s: %d, want %d", path, w.Code, want)
		}
	}
}

// drawnCharts renders charts beside each other.
func drawnCharts(t *testing.T, charts ...data.Chart) string {
	t.Helper()
	var b bytes.Buffer
	v := data.View{Blocks: []data.Block{{Charts: charts}}}
	if err := ui.New().Page(&b, &ui.Frame{View: v, Now: now()}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestChartsBesideEachOtherShowTheSameTime has charts whose points begin at other
// times, and come at other steps.
func TestChartsBesideEachOtherShowTheSameTime(t *testing.T) {
	marks := []data.Mark{{At: 1300, Letter: "a", Title: "reload"}}
	page := drawnCharts(t,
		data.Chart{From: 1000, To: 2000, Start: 1000, Step: 10, Series: []data.Series{{Values: make(data.Numbers, 101)}}, Marks: marks},
		data.Chart{From: 1000, To: 2000, Start: 1900, Step: 30, Series: []data.Series{{Values: data.Numbers{1, 2, 3, 4}}}, Marks: marks},
	)
	if got := strings.Count(page, `<line class="ev" x1="30%"`); got != 2 {
		t.Errorf("%d marks stand at 30 %%, want both: %s", got, page)
	}
	if got := strings.Count(page, `data-chart="1000 1000"`); got != 2 {
		t.Errorf("%d charts tell the same axis, want both", got)
	}
	if !strings.Contains(page, `d="M900 `) {
		t.Error("the points of the second chart do not begin at nine tenths of the axis")
	}
}

// TestLonelyPointsAreDrawn has charts of one point, or of points between gaps.
func TestLonelyPointsAreDrawn(t *testing.T) {
	for _, shape := range []data.Shape{data.Line, data.Area, data.Stacked, data.Thin} {
		page := drawnCharts(t, data.Chart{From: 0, To: 100, Start: 40, Step: 10, Series: []data.Series{{Shape: shape, Values: data.Numbers{math.NaN(), 3, math.NaN()}}}})
		if !strings.Contains(page, "M450 ") || !strings.Contains(page, "H550") {
			t.Errorf("%s: the point is not drawn as wide as its time", shape)
		}
	}
}

func TestLittleLooksLittle(t *testing.T) {
	page := drawnCharts(t, data.Chart{Unit: data.UnitRate, Least: 10, Step: 10, Series: []data.Series{{Values: data.Numbers{0.2, 0.2}}}})
	if !strings.Contains(page, ">10<") || !strings.Contains(page, "M0 98") {
		t.Errorf("0.2 of 10 is not near the bottom: %s", page)
	}
}

// TestEndsStandBelowEachOther keeps a drawing of states narrow.
func TestEndsStandBelowEachOther(t *testing.T) {
	g := &data.Graph{
		Nodes: []data.Node{{Name: "queue"}, {Name: "handler"}, {Name: "done"}, {Name: "failed"}, {Name: "aborted"}},
		Edges: []data.Edge{{To: "queue", Count: 9}, {From: "queue", To: "handler", Count: 9}, {From: "handler", To: "done", Count: 7},
			{From: "handler", To: "failed", Count: 1}, {From: "queue", To: "aborted", Count: 1}, {From: "done", Count: 7}, {From: "failed", Count: 1}, {From: "aborted", Count: 1}},
	}
	var b bytes.Buffer
	if err := ui.New().Page(&b, &ui.Frame{View: data.View{Blocks: []data.Block{{Graph: g}}}, Now: now()}); err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(b.String(), `<rect class="node" x="361"`); got != 3 {
		t.Errorf("%d of three ends stand in the third column: %s", got, b.String())
	}
}

// TestLongTextIsFolded keeps what a client can make long from making a page long.
func TestLongTextIsFolded(t *testing.T) {
	table := &data.Table{Columns: []data.Column{{Name: "a"}, {Name: "b", Wrap: true}}}
	table.Add("short", strings.Repeat("word ", 1000))
	var b bytes.Buffer
	if err := ui.New().Page(&b, &ui.Frame{View: data.View{Blocks: []data.Block{{Table: table}}}, Now: now()}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), `<details class="long"><summary>word word`) {
		t.Error("a long text is not folded")
	}
}
