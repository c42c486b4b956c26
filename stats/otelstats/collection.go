package otelstats

import (
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/support-go/support/stats"
)

// collection gathers data points under the names of their metrics.
type collection struct {
	start, now time.Time
	help       func(string) string
	metrics    []metricdata.Metrics
	index      map[string]int // of metrics, by type and name
}

// point is where a value of a series goes.
type point struct {
	*collection
	name   string
	labels []stats.Label
}

func (c *collection) add(s stats.Series) {
	p := point{c, s.Name, s.Labels}
	switch v := s.Value.(type) {
	case stats.Count:
		p.sum("", float64(v))
	case stats.Level:
		p.gauge("", float64(v))
	case stats.Greatest:
		p.gauge("", float64(v))
	case *stats.DistributionSnapshot:
		p.histogram("", v)
	case *stats.RateSnapshot:
		p.sum("", float64(v.Ticks))
		p.histogram(".gap_seconds", v.Gaps)
	case *stats.StatesSnapshot:
		p.states(v)
	case *stats.TopSnapshot:
		p.sum(".weight", float64(v.Total))
	case *stats.CardinalitySnapshot:
		p.gauge(".distinct", v.Estimate())
	}
}

func (p point) states(s *stats.StatesSnapshot) {
	for _, st := range s.States {
		state := stats.Label{Key: "state", Value: st.Name}
		p.gauge(".present", float64(st.Present), state)
		p.sum(".seconds", st.Seconds(), state)
		p.histogram(".stay_seconds", st.Stays, state)
	}
	for _, m := range s.Moves {
		p.sum(".moves", float64(m.Count),
			stats.Label{Key: "from", Value: m.From}, stats.Label{Key: "to", Value: m.To})
	}
}

func (p point) sum(suffix string, v float64, more ...stats.Label) {
	point := metricdata.DataPoint[float64]{Attributes: p.attributes(more), StartTime: p.start, Time: p.now, Value: v}
	m := p.metric(suffix, "sum")
	data, _ := m.Data.(metricdata.Sum[float64])
	data.Temporality, data.IsMonotonic = metricdata.CumulativeTemporality, true
	data.DataPoints = append(data.DataPoints, point)
	m.Data = data
}

func (p point) gauge(suffix string, v float64, more ...stats.Label) {
	point := metricdata.DataPoint[float64]{Attributes: p.attributes(more), StartTime: p.start, Time: p.now, Value: v}
	m := p.metric(suffix, "gauge")
	data, _ := m.Data.(metricdata.Gauge[float64])
	data.DataPoints = append(data.DataPoints, point)
	m.Data = data
}

func (p point) histogram(suffix string, d *stats.DistributionSnapshot, more ...stats.Label) {
	point := metricdata.ExponentialHistogramDataPoint[float64]{
		Attributes:     p.attributes(more),
		StartTime:      p.start,
		Time:           p.now,
		Count:          d.Count,
		Sum:            d.Sum,
		Scale:          5,
		ZeroCount:      d.Zeros,
		ZeroThreshold:  0x1p-60,
		PositiveBucket: metricdata.ExponentialBucket(d.Positive),
		NegativeBucket: metricdata.ExponentialBucket(d.Negative),
	}
	if d.Count > 0 {
		point.Min = metricdata.NewExtrema(d.Min.Value)
		point.Max = metricdata.NewExtrema(d.Max.Value)
	}
	m := p.metric(suffix, "histogram")
	data, _ := m.Data.(metricdata.ExponentialHistogram[float64])
	data.Temporality = metricdata.CumulativeTemporality
	data.DataPoints = append(data.DataPoints, point)
	m.Data = data
}

// metric returns the metric of a suffix and type, making it if need be. Two
// of the same name and different types stay two.
func (p point) metric(suffix, kind string) *metricdata.Metrics {
	name := p.name + suffix
	id := kind + " " + name
	i, ok := p.index[id]
	if !ok {
		i = len(p.metrics)
		p.index[id] = i
		m := metricdata.Metrics{Name: name, Unit: unit(name)}
		if p.help != nil {
			m.Description = p.help(p.name)
		}
		p.metrics = append(p.metrics, m)
	}
	return &p.metrics[i]
}

func (p point) attributes(more []stats.Label) attribute.Set {
	var all []attribute.KeyValue
	for _, l := range append(p.labels[:len(p.labels):len(p.labels)], more...) {
		all = append(all, attribute.String(l.Key, l.Value))
	}
	return attribute.NewSet(all...)
}

// unit is in the UCUM form that OpenTelemetry asks for.
func unit(name string) string {
	switch stats.Unit(name) {
	case "seconds":
		return "s"
	case "bytes":
		return "By"
	case "ratio":
		return "1"
	case "percent":
		return "%"
	case "celsius":
		return "Cel"
	case "joules":
		return "J"
	case "volts":
		return "V"
	case "amperes":
		return "A"
	case "meters":
		return "m"
	case "grams":
		return "g"
	case "hertz":
		return "Hz"
	}
	return ""
}
