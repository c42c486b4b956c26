package otelstats_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	collector "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	otlp "go.opentelemetry.io/proto/otlp/metrics/v1"
	"google.golang.org/protobuf/proto"

	"github.com/support-go/support/stats"
	"github.com/support-go/support/stats/otelstats"
)

// export sends what p produces through the SDK's reader and OTLP exporter to
// a server and returns what that has decoded, by name.
func export(t *testing.T, p metric.Producer) map[string]*otlp.Metric {
	t.Helper()
	received := make(chan []byte, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		received <- body
	}))
	defer server.Close()
	exporter, err := otlpmetrichttp.New(t.Context(),
		otlpmetrichttp.WithEndpoint(strings.TrimPrefix(server.URL, "http://")), otlpmetrichttp.WithInsecure())
	if err != nil {
		t.Fatal(err)
	}
	reader := metric.NewPeriodicReader(exporter, metric.WithProducer(p))
	provider := metric.NewMeterProvider(metric.WithReader(reader))
	defer func() { _ = provider.Shutdown(context.Background()) }()
	if err := provider.ForceFlush(t.Context()); err != nil {
		t.Fatal(err)
	}
	var request collector.ExportMetricsServiceRequest
	if err := proto.Unmarshal(<-received, &request); err != nil {
		t.Fatal(err)
	}
	metrics := make(map[string]*otlp.Metric)
	for _, resource := range request.GetResourceMetrics() {
		for _, scope := range resource.GetScopeMetrics() {
			for _, m := range scope.GetMetrics() {
				metrics[m.GetName()] = m
			}
		}
	}
	return metrics
}

// TestOTLPBucketForBucket decodes an OTLP request and compares the histogram
// with what was added.
func TestOTLPBucketForBucket(t *testing.T) {
	reg := new(stats.Registry)
	reg.Describe("d_seconds", "What it measures.")
	d := reg.Distribution("d_seconds", "route", "GET /")
	for i := range 10_000 {
		d.Add(math.Exp(float64(i%977)/50) - 3)
	}
	d.AddN(0, 7)
	want := d.Snapshot()
	m := export(t, otelstats.Of(reg))["d_seconds"]
	if m.GetUnit() != "s" || m.GetDescription() != "What it measures." {
		t.Errorf("unit, description = %q, %q", m.GetUnit(), m.GetDescription())
	}
	p := m.GetExponentialHistogram().GetDataPoints()[0]
	if p.GetCount() != want.Count || p.GetSum() != want.Sum || p.GetZeroCount() != want.Zeros ||
		p.GetMin() != want.Min.Value || p.GetMax() != want.Max.Value || p.GetScale() != 5 || p.GetZeroThreshold() != 0x1p-60 {
		t.Errorf("got %v, want %+v", p, want)
	}
	if a := p.GetAttributes(); len(a) != 1 || a[0].GetKey() != "route" || a[0].GetValue().GetStringValue() != "GET /" {
		t.Errorf("attributes = %v", a)
	}
	compare(t, p.GetPositive(), want.Positive)
	compare(t, p.GetNegative(), want.Negative)
}

func compare(t *testing.T, got *otlp.ExponentialHistogramDataPoint_Buckets, want stats.Buckets) {
	t.Helper()
	if len(want.Counts) == 0 || got.GetOffset() != want.Offset || !slices.Equal(got.GetBucketCounts(), want.Counts) {
		t.Errorf("buckets from %d are %v,\nwant from %d %v", got.GetOffset(), got.GetBucketCounts(), want.Offset, want.Counts)
	}
}

func TestEveryInstrumentIsExported(t *testing.T) {
	reg := &stats.Registry{Secret: [16]byte{1}}
	reg.Counter("c_bytes", "k", "a").Add(1)
	reg.Counter("c_bytes", "k", "b").Add(2)
	reg.Gauge("g").Set(-2.5)
	reg.Peak("p").Reach(4)
	reg.Rate("r").Tick()
	states := reg.States("s")
	visit := states.Enter(states.State("x"))
	visit.Transition(states.State("y"))
	reg.Top("t").AddWeight("k", 5)
	reg.Cardinality("n").Add("k")
	metrics := export(t, otelstats.Of(reg))
	sums := map[string]float64{"c_bytes": 3, "r": 1, "s.moves": 2, "t.weight": 5}
	for name, want := range sums {
		sum := metrics[name].GetSum()
		got := 0.0
		for _, p := range sum.GetDataPoints() {
			got += p.GetAsDouble()
		}
		if got != want || !sum.GetIsMonotonic() || sum.GetAggregationTemporality() != otlp.AggregationTemporality_AGGREGATION_TEMPORALITY_CUMULATIVE {
			t.Errorf("%s is %v, want a cumulative, monotonic %v", name, metrics[name], want)
		}
	}
	for name, want := range map[string]float64{"g": -2.5, "p": 4, "n.distinct": 1} {
		points := metrics[name].GetGauge().GetDataPoints()
		if len(points) != 1 || math.Abs(points[0].GetAsDouble()-want) > 1e-3 {
			t.Errorf("%s is %v, want a gauge of %v", name, metrics[name], want)
		}
	}
	for _, name := range []string{"r.gap_seconds", "s.stay_seconds"} {
		if metrics[name].GetExponentialHistogram() == nil || metrics[name].GetUnit() != "s" {
			t.Errorf("%s is %v, want a histogram in s", name, metrics[name])
		}
	}
	if got := metrics["c_bytes"].GetUnit(); got != "By" {
		t.Errorf("the unit of c_bytes is %q, want By", got)
	}
}

func TestSameNameOfTwoTypes(t *testing.T) {
	reg := new(stats.Registry)
	reg.Rate("a").Tick()
	reg.Counter("a.gap_seconds").Add(1)
	scopes, err := otelstats.Of(reg).Produce(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if n := len(scopes[0].Metrics); n != 3 {
		t.Errorf("%d metrics, want 3: %v", n, scopes[0].Metrics)
	}
}

func TestErrorsAreReported(t *testing.T) {
	mute := errors.New("one worker is mute")
	p := &otelstats.Producer{Snapshot: func() (stats.Snapshot, error) {
		reg := new(stats.Registry)
		reg.Counter("c").Add(1)
		return reg.Snapshot(), mute
	}}
	scopes, err := p.Produce(t.Context())
	if !errors.Is(err, mute) || len(scopes[0].Metrics) != 1 {
		t.Errorf("got %v, %v; want the counter and the error", scopes, err)
	}
	if _, err := new(otelstats.Producer).Produce(t.Context()); err == nil || !strings.Contains(err.Error(), "Snapshot") {
		t.Errorf("got %v, want an error that says what to set", err)
	}
}

func Example() {
	var reg stats.Registry
	reg.Counter("http.sent_bytes").Add(42)

	reader := metric.NewManualReader(metric.WithProducer(otelstats.Of(&reg)))
	provider := metric.NewMeterProvider(metric.WithReader(reader))
	defer func() { _ = provider.Shutdown(context.Background()) }()

	var collected metricdata.ResourceMetrics
	if err := reader.Collect(context.Background(), &collected); err != nil {
		fmt.Println(err)
	}
	m := collected.ScopeMetrics[0].Metrics[0]
	fmt.Println(m.Name, m.Unit, m.Data.(metricdata.Sum[float64]).DataPoints[0].Value)
	// Output: http.sent_bytes By 42
}
