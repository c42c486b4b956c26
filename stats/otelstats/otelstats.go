// Package otelstats exports stats to OpenTelemetry, as a producer for a
// reader of its SDK:
//
//	reader := metric.NewPeriodicReader(exporter, metric.WithProducer(otelstats.Of(reg)))
//	provider := metric.NewMeterProvider(metric.WithReader(reader))
package otelstats

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/support-go/support/stats"
)

// Producer is a metric.Producer over snapshots. It takes one for each
// collection and is as safe for concurrent use as its functions are. Values
// are cumulative since Start.
//
//   - A Counter is a monotonic sum and a Gauge a gauge.
//   - A Distribution is an exponential histogram of scale 5, bucket for
//     bucket, with min and max.
//   - A Rate is a monotonic sum and a histogram, .gap_seconds.
//   - States are the gauge .present, the sums .seconds and .moves, and the
//     histogram .stay_seconds, by state.
//   - A Top is the sum .weight: its keys, which come and go, would be series
//     without end.
//   - A Cardinality is the gauge .distinct.
type Producer struct {
	// Snapshot returns what to export. Required. If it also returns an
	// error, the snapshot is exported all the same.
	Snapshot func() (stats.Snapshot, error)

	// Help returns the description of an instrument, as Registry.Help does.
	// Nil gives none.
	Help func(name string) string

	// Start is when counting began. Zero leaves it open.
	Start time.Time
}

var _ metric.Producer = (*Producer)(nil)

// Of returns the Producer of one registry, which began to count now.
func Of(reg *stats.Registry) *Producer {
	return &Producer{
		Snapshot: func() (stats.Snapshot, error) { return reg.Snapshot(), nil },
		Help:     reg.Help,
		Start:    time.Now(),
	}
}

// Produce returns the metrics of one snapshot.
func (p *Producer) Produce(context.Context) ([]metricdata.ScopeMetrics, error) {
	if p.Snapshot == nil {
		return nil, errors.New("otelstats: Producer needs a Snapshot function; otelstats.Of(registry) sets it")
	}
	snap, err := p.Snapshot()
	c := collection{start: p.Start, now: snap.Time(), help: p.Help, index: make(map[string]int)}
	for _, s := range snap.Series {
		c.add(s)
	}
	return []metricdata.ScopeMetrics{{
		Scope:   instrumentation.Scope{Name: "github.com/support-go/support/stats"},
		Metrics: c.metrics,
	}}, err
}
