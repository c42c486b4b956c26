package promstats

import (
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/support-go/support/stats"
)

// exporter sends the metrics of one collection.
type exporter struct {
	out     chan<- prometheus.Metric
	owner   map[string]string // which instrument has each metric name
	seen    map[string]bool   // name and labels of what was sent
	skipped int

	// of the series at hand
	name   string
	labels []stats.Label
	help   string
}

func (x *exporter) value(v stats.Value) {
	switch v := v.(type) {
	case stats.Count:
		x.counter("_total", float64(v))
	case stats.Level:
		x.gauge("", float64(v))
	case stats.Greatest:
		x.gauge("", float64(v))
	case *stats.DistributionSnapshot:
		x.histogram("", v)
	case *stats.RateSnapshot:
		x.counter("_total", float64(v.Ticks))
		x.histogram("_gap_seconds", v.Gaps)
	case *stats.StatesSnapshot:
		x.states(v)
	case *stats.TopSnapshot:
		x.counter("_weight_total", float64(v.Total))
	case *stats.CardinalitySnapshot:
		x.gauge("_distinct", v.Estimate())
	}
}

func (x *exporter) states(s *stats.StatesSnapshot) {
	for _, st := range s.States {
		state := stats.Label{Key: "state", Value: st.Name}
		x.gauge("_present", float64(st.Present), state)
		x.counter("_seconds_total", st.Seconds(), state)
		x.histogram("_stay_seconds", st.Stays, state)
	}
	for _, m := range s.Moves {
		x.counter("_moves_total", float64(m.Count),
			stats.Label{Key: "from", Value: m.From}, stats.Label{Key: "to", Value: m.To})
	}
}

func (x *exporter) counter(suffix string, v float64, more ...stats.Label) {
	if desc, values := x.desc(suffix, more); desc != nil {
		x.send(prometheus.NewConstMetric(desc, prometheus.CounterValue, v, values...))
	}
}

func (x *exporter) gauge(suffix string, v float64, more ...stats.Label) {
	if desc, values := x.desc(suffix, more); desc != nil {
		x.send(prometheus.NewConstMetric(desc, prometheus.GaugeValue, v, values...))
	}
}

func (x *exporter) histogram(suffix string, d *stats.DistributionSnapshot, more ...stats.Label) {
	if desc, values := x.desc(suffix, more); desc != nil {
		x.send(newHistogram(desc, stats.Unit(x.name+suffix), d, values))
	}
}

func (x *exporter) send(m prometheus.Metric, err error) {
	if err != nil {
		m = prometheus.NewInvalidMetric(prometheus.NewInvalidDesc(err), err)
	}
	x.out <- m
}

// desc describes the metric of a suffix; nil if another series has its name.
func (x *exporter) desc(suffix string, more []stats.Label) (desc *prometheus.Desc, values []string) {
	name := metricName(x.name, suffix)
	id := name
	var keys []string
	for _, l := range append(x.labels[:len(x.labels):len(x.labels)], more...) {
		keys, values = append(keys, labelName(l.Key)), append(values, l.Value)
		id += "\xff" + l.Key + "\xff" + l.Value // not in valid UTF-8
	}
	owner, taken := x.owner[name]
	if taken && owner != x.name+" "+suffix || x.seen[id] || repeats(slices.Clone(keys)) {
		x.skipped++
		return nil, nil
	}
	x.owner[name], x.seen[id] = x.name+" "+suffix, true
	return prometheus.NewDesc(name, x.help, keys, nil), values
}

// repeats says whether two keys have become the same.
func repeats(keys []string) bool {
	slices.Sort(keys)
	return len(slices.Compact(keys)) < len(keys)
}
