package promstats_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"github.com/support-go/support/stats"
	"github.com/support-go/support/stats/promstats"
)

// program returns the path of a program of Debian's package prometheus.
// Where it is missing the test is skipped, but not in continuous integration.
func program(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	switch {
	case err == nil:
	case os.Getenv("CI") == "true":
		t.Fatalf("%s is missing: apt-get install prometheus", name)
	default:
		t.Skipf("%s is missing: apt-get install prometheus", name)
	}
	return path
}

// everything is a registry with one of each instrument.
func everything() *stats.Registry {
	reg := &stats.Registry{Secret: [16]byte{1}}
	reg.Describe("http.wait_seconds", "How long requests waited.")
	reg.Counter("http.sent_bytes", "route", "GET /").Add(12)
	reg.Counter("http.requests-total").Add(3)
	reg.Gauge("http.open").Set(2.5)
	reg.Peak("http.open_most").Reach(9)
	reg.Gauge("http.open_count").Set(1)
	for _, v := range []float64{-1, 0, 0.001, 0.25, 0.2500001, 3, 1e30} {
		reg.Distribution("http.wait_seconds", "route", "GET /").Add(v)
	}
	reg.Distribution("http.size_bytes")
	reg.Rate("http.arrivals").Tick()
	conns := reg.States("http.conns")
	visit := conns.Enter(conns.State("read"))
	visit.Transition(conns.State("write"))
	reg.Top("http.clients").Add("10.0.0.1")
	reg.Cardinality("http.users").Add("somebody")
	return reg
}

func handler(t *testing.T, c *promstats.Collector) http.Handler {
	t.Helper()
	reg := prometheus.NewPedanticRegistry()
	if err := reg.Register(c); err != nil {
		t.Fatal(err)
	}
	return promhttp.HandlerFor(reg, promhttp.HandlerOpts{EnableOpenMetrics: true})
}

// scrape returns the metrics by name and the text that was parsed.
func scrape(t *testing.T, c *promstats.Collector, accept string) (map[string]*dto.MetricFamily, string) {
	t.Helper()
	req := httptest.NewRequest("GET", "/metrics", nil)
	req.Header.Set("Accept", accept)
	w := httptest.NewRecorder()
	handler(t, c).ServeHTTP(w, req)
	if w.Code != http.StatusOK {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	text := w.Body.String()
	families := make(map[string]*dto.MetricFamily)
	dec := expfmt.NewDecoder(w.Body, expfmt.ResponseFormat(w.Header()))
	for {
		var f dto.MetricFamily
		switch err := dec.Decode(&f); {
		case errors.Is(err, io.EOF):
			return families, text
		case err != nil:
			t.Fatalf("%v in\n%s", err, text)
		}
		families[f.GetName()] = &f
	}
}

const (
	plainText = "text/plain"
	protobuf  = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"
)

func TestNamesAreConventional(t *testing.T) {
	families, _ := scrape(t, promstats.Of(everything()), plainText)
	for name, kind := range map[string]dto.MetricType{
		"http_sent_bytes_total":     dto.MetricType_COUNTER,
		"http_requests_total":       dto.MetricType_COUNTER,
		"http_open":                 dto.MetricType_GAUGE,
		"http_open_count_value":     dto.MetricType_GAUGE,
		"http_open_most":            dto.MetricType_GAUGE,
		"http_wait_seconds":         dto.MetricType_HISTOGRAM,
		"http_arrivals_total":       dto.MetricType_COUNTER,
		"http_arrivals_gap_seconds": dto.MetricType_HISTOGRAM,
		"http_conns_present":        dto.MetricType_GAUGE,
		"http_conns_seconds_total":  dto.MetricType_COUNTER,
		"http_conns_stay_seconds":   dto.MetricType_HISTOGRAM,
		"http_conns_moves_total":    dto.MetricType_COUNTER,
		"http_clients_weight_total": dto.MetricType_COUNTER,
		"http_users_distinct":       dto.MetricType_GAUGE,
		"stats_unexported_series":   dto.MetricType_GAUGE,
	} {
		f := families[name]
		if f == nil || f.GetType() != kind || f.GetHelp() == "" {
			t.Errorf("%s is %v, want a %v with help", name, f, kind)
		}
	}
	if got := families["http_wait_seconds"].GetHelp(); got != "How long requests waited." {
		t.Errorf("help is %q", got)
	}
}

func TestClassicBucketsAreExact(t *testing.T) {
	families, text := scrape(t, promstats.Of(everything()), plainText)
	h := families["http_wait_seconds"].GetMetric()[0].GetHistogram()
	if h.GetSampleCount() != 7 || len(h.GetBucket()) != 13 { // with +Inf
		t.Errorf("count, buckets = %d, %d; want 7, 13 in\n%s", h.GetSampleCount(), len(h.GetBucket()), text)
	}
	for _, b := range h.GetBucket() {
		want := uint64(0)
		for _, v := range []float64{-1, 0, 0.001, 0.25, 0.2500001, 3, 1e30} {
			if v <= b.GetUpperBound() {
				want++
			}
		}
		if b.GetCumulativeCount() != want {
			t.Errorf("up to %v are %d, want %d", b.GetUpperBound(), b.GetCumulativeCount(), want)
		}
	}
}

// TestNativeBuckets reads the histogram back as Prometheus does and compares
// bucket for bucket.
func TestNativeBuckets(t *testing.T) {
	reg := new(stats.Registry)
	d := reg.Distribution("d")
	for i := range 10_000 {
		d.Add(math.Exp(float64(i%977)/50) - 3)
	}
	families, _ := scrape(t, promstats.Of(reg), protobuf)
	h := families["d"].GetMetric()[0].GetHistogram()
	snap := d.Snapshot()
	if h.GetSchema() != 5 || h.GetZeroThreshold() != 0x1p-60 || h.GetZeroCount() != snap.Zeros {
		t.Errorf("schema, threshold, zeros = %d, %v, %d", h.GetSchema(), h.GetZeroThreshold(), h.GetZeroCount())
	}
	compare(t, "positive", h.GetPositiveSpan(), h.GetPositiveDelta(), snap.Positive)
	compare(t, "negative", h.GetNegativeSpan(), h.GetNegativeDelta(), snap.Negative)
}

func compare(t *testing.T, sign string, spans []*dto.BucketSpan, deltas []int64, want stats.Buckets) {
	t.Helper()
	got := make(map[int32]uint64)
	at, n := int32(0), int64(0)
	for _, s := range spans {
		at += s.GetOffset()
		for range s.GetLength() {
			n += deltas[0]
			deltas = deltas[1:]
			got[at-1] = uint64(n) // theirs are numbered by their end
			at++
		}
	}
	for i, n := range want.Counts {
		if at := want.Offset + int32(i); got[at] != n {
			t.Errorf("%s bucket %d has %d, want %d", sign, at, got[at], n)
		}
	}
	if len(want.Counts) == 0 {
		t.Errorf("no %s buckets to compare", sign)
	}
}

// naughty are strings that break naive text formats.
var naughty = []string{
	`"`, `\`, "\n", `"} evil 1`, "\n# HELP x", "\r\n", "\x00", "\xff\xfe", "é", "\u2028", "{}", "a\\nb", `\"`, "\x1b[2J",
	strings.Repeat("x", 10_000), "", " ", "le=\"1\"", "💥",
}

// TestD3LabelInjection is D3 of the threat model: what clients send does not
// break the format, in the text, OpenMetrics and protobuf forms.
func TestD3LabelInjection(t *testing.T) {
	reg := new(stats.Registry)
	for _, s := range naughty {
		reg.Counter("c", "k", s).Add(1)
		reg.Describe("c", "Help with \n and \\ and \".")
		states := reg.States("s")
		states.Enter(states.State(s))
	}
	for _, accept := range []string{plainText, protobuf} {
		families, text := scrape(t, promstats.Of(reg), accept)
		total := 0.0
		for _, m := range families["c_total"].GetMetric() {
			total += m.GetCounter().GetValue()
		}
		if total != float64(len(naughty)) || len(families) != 6 {
			t.Errorf("%d naughty labels count as %v in %d families:\n%s", len(naughty), total, len(families), text)
		}
	}
	promtool(t, reg)
}

func TestPromtoolAcceptsTheText(t *testing.T) { promtool(t, everything()) }

func promtool(t *testing.T, reg *stats.Registry) {
	t.Helper()
	path := program(t, "promtool")
	_, text := scrape(t, promstats.Of(reg), plainText)
	cmd := exec.Command(path, "check", "metrics")
	cmd.Stdin = strings.NewReader(text)
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("promtool check metrics: %v\n%s\n%s", err, out, text)
	}
}

func TestNamesThatBecomeTheSame(t *testing.T) {
	reg := new(stats.Registry)
	reg.Gauge("a.b").Set(1)
	reg.Gauge("a_b").Set(2)
	reg.Counter("c", "x.y", "1", "x_y", "2").Add(1)
	reg.Gauge("d", "le", "1").Set(3)
	families, text := scrape(t, promstats.Of(reg), plainText)
	if got := families["a_b"].GetMetric(); len(got) != 1 || got[0].GetGauge().GetValue() != 1 {
		t.Errorf("a_b is %v, want the first only", got)
	}
	if got := families["stats_unexported_series"].GetMetric()[0].GetGauge().GetValue(); got != 2 {
		t.Errorf("%v series are said to be left out, want 2:\n%s", got, text)
	}
	if got := families["d"].GetMetric()[0].GetLabel()[0].GetName(); got != "label_le" {
		t.Errorf("the label le is %q", got)
	}
}

func TestErrorsAreReported(t *testing.T) {
	broken := &promstats.Collector{Snapshot: func() (stats.Snapshot, error) {
		return everything().Snapshot(), errors.New("one worker is mute")
	}}
	for name, c := range map[string]*promstats.Collector{"one worker is mute": broken, "needs a Snapshot": {}} {
		reg := prometheus.NewRegistry()
		reg.MustRegister(c)
		if _, err := reg.Gather(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("Gather gave %v, want an error that says %q", err, name)
		}
	}
}

func Example() {
	var reg stats.Registry
	reg.Describe("http.sent_bytes", "Bytes sent in answers.")
	reg.Counter("http.sent_bytes", "route", "GET /").Add(42)

	registry := prometheus.NewRegistry()
	registry.MustRegister(promstats.Of(&reg))

	families, err := registry.Gather()
	if err != nil {
		fmt.Println(err)
	}
	var b bytes.Buffer
	_, _ = expfmt.MetricFamilyToText(&b, families[0])
	fmt.Print(b.String())
	// Output:
	// # HELP http_sent_bytes_total Bytes sent in answers.
	// # TYPE http_sent_bytes_total counter
	// http_sent_bytes_total{route="GET /"} 42
}
