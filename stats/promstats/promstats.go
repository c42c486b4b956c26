// Package promstats exports stats to Prometheus, as a collector of
// client_golang.
package promstats

import (
	"cmp"
	"errors"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/support-go/support/stats"
)

// Collector is a prometheus.Collector over snapshots. It takes one for each
// scrape and is as safe for concurrent use as its functions are.
//
//   - A Counter is a counter, and a Gauge and a Peak are gauges.
//   - A Distribution is a native histogram, bucket for bucket, with a dozen
//     classic buckets for scrapes that do not ask for native ones.
//   - A Rate is a counter and a histogram, _gap_seconds.
//   - States are the gauge _present, the counters _seconds_total and
//     _moves_total, and the histogram _stay_seconds, by state.
//   - A Top is the counter _weight_total: its keys, which come and go, would
//     be series without end.
//   - A Cardinality is the gauge _distinct.
//
// Names become what Prometheus expects: http.sent_bytes is the counter
// http_sent_bytes_total. Where two names become the same, the first one in
// the order of the snapshot is exported, and stats_unexported_series counts
// the others.
type Collector struct {
	// Snapshot returns what to export. Required. If it also returns an
	// error, the snapshot is exported all the same and the scrape reports it.
	Snapshot func() (stats.Snapshot, error)

	// Help returns the help text of an instrument, as Registry.Help does.
	// Nil, or an empty text, gives the name and kind.
	Help func(name string) string
}

// Of returns the Collector of one registry.
func Of(reg *stats.Registry) *Collector {
	return &Collector{
		Snapshot: func() (stats.Snapshot, error) { return reg.Snapshot(), nil },
		Help:     reg.Help,
	}
}

// Describe sends nothing: what there is to collect changes.
func (c *Collector) Describe(chan<- *prometheus.Desc) {}

// Collect sends the metrics of one snapshot.
func (c *Collector) Collect(out chan<- prometheus.Metric) {
	if c.Snapshot == nil {
		err := errors.New("promstats: Collector needs a Snapshot function; promstats.Of(registry) sets it")
		out <- prometheus.NewInvalidMetric(prometheus.NewInvalidDesc(err), err)
		return
	}
	snap, err := c.Snapshot()
	if err != nil {
		out <- prometheus.NewInvalidMetric(prometheus.NewInvalidDesc(err), err)
	}
	x := exporter{out: out, owner: make(map[string]string), seen: make(map[string]bool)}
	for _, s := range snap.Series {
		x.name, x.labels = s.Name, s.Labels
		x.help = c.help(s)
		x.value(s.Value)
	}
	x.name, x.labels = "stats.unexported_series", nil
	x.help = "Series left out because another has the same name in Prometheus."
	x.gauge("", float64(x.skipped))
}

func (c *Collector) help(s stats.Series) (help string) {
	if c.Help != nil {
		help = c.Help(s.Name)
	}
	return cmp.Or(help, s.Name+", a "+s.Value.Kind().String()+".")
}

var toUnderscores = strings.NewReplacer(".", "_", "-", "_")

// metricName makes a name what Prometheus expects. Only counters end in
// _total, and nothing ends as the parts of a histogram do.
func metricName(name, suffix string) string {
	name = toUnderscores.Replace(name)
	if strings.HasSuffix(suffix, "_total") {
		return strings.TrimSuffix(name, "_total") + suffix
	}
	name += suffix
	for _, reserved := range []string{"_total", "_count", "_sum", "_bucket", "_info", "_created"} {
		if strings.HasSuffix(name, reserved) {
			return name + "_value"
		}
	}
	return name
}

// labelName makes a key what Prometheus allows.
func labelName(key string) string {
	key = toUnderscores.Replace(key)
	if key == "le" || key == "quantile" {
		return "label_" + key
	}
	return key
}
