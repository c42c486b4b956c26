package requests

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/support-go/support/stats"
)

// Summary is what is known of the requests on a route, of one process or, as
// statistics merge, of many.
type Summary struct {
	Route  string `json:"route"`
	Server string `json:"server,omitempty"`

	Count      int64            `json:"count"`       // answers
	LastMinute uint64           `json:"last_minute"` // answers in the last full minute; needs stats.Registry.Run
	Classes    map[string]int64 `json:"classes"`     // answers by "2xx" and so on
	Panics     int64            `json:"panics"`
	Aborted    int64            `json:"aborted"`
	Cancelled  int64            `json:"cancelled"`

	P50 float64 `json:"p50_seconds"`
	P95 float64 `json:"p95_seconds"`
	P99 float64 `json:"p99_seconds"`
	Max float64 `json:"max_seconds"`

	SentMean     float64 `json:"sent_mean_bytes"`
	ReceivedMean float64 `json:"received_mean_bytes"` // of requests with a body

	// The whole of it; what there was none of is empty, not nil.
	Seconds  *stats.DistributionSnapshot `json:"-"`
	Sent     *stats.DistributionSnapshot `json:"-"`
	Received *stats.DistributionSnapshot `json:"-"`
	Hijacked *stats.DistributionSnapshot `json:"-"` // seconds of connections taken over
	States   *stats.StatesSnapshot       `json:"-"`
}

// Failures is the number of answers of class 5xx; a panic makes one, too, if
// nothing was answered before.
func (s *Summary) Failures() int64 { return s.Classes["5xx"] }

// Summaries returns the routes that Recorders have put into a snapshot of their
// registry, those with most requests first.
func Summaries(from stats.Snapshot) []Summary {
	type key struct{ server, route string }
	found := make(map[key]*Summary)
	for _, series := range from.Series {
		name, ours := strings.CutPrefix(series.Name, "http.")
		route, routed := labelOf(series.Labels, "route")
		if !ours || !routed {
			continue
		}
		server, _ := labelOf(series.Labels, "server")
		k := key{server, route}
		if found[k] == nil {
			found[k] = newSummary(server, route)
		}
		found[k].add(name, series.Value)
	}
	all := make([]Summary, 0, len(found))
	for _, s := range found {
		s.finish(from.At)
		all = append(all, *s)
	}
	slices.SortFunc(all, func(a, b Summary) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Server, b.Server), cmp.Compare(a.Route, b.Route))
	})
	return all
}

func newSummary(server, route string) *Summary {
	return &Summary{
		Server: server, Route: route, Classes: make(map[string]int64),
		Seconds: new(stats.DistributionSnapshot), Sent: new(stats.DistributionSnapshot),
		Received: new(stats.DistributionSnapshot), Hijacked: new(stats.DistributionSnapshot),
		States: new(stats.StatesSnapshot),
	}
}

func labelOf(labels []stats.Label, key string) (value string, ok bool) {
	for _, l := range labels {
		if l.Key == key {
			return l.Value, true
		}
	}
	return "", false
}

// add takes one instrument of the route. Names that are not ours are passed over.
func (s *Summary) add(name string, value stats.Value) {
	switch v := value.(type) {
	case stats.Count:
		s.addCount(name, int64(v))
	case *stats.StatesSnapshot:
		if name == "request_states" {
			s.States = v
		}
	case *stats.DistributionSnapshot:
		switch name {
		case "request_seconds":
			s.Seconds = v
		case "sent_bytes":
			s.Sent = v
		case "received_bytes":
			s.Received = v
		case "hijacked_seconds":
			s.Hijacked = v
		}
	}
}

func (s *Summary) addCount(name string, n int64) {
	switch name {
	case "panics":
		s.Panics = n
	case "aborted":
		s.Aborted = n
	case "cancelled":
		s.Cancelled = n
	default:
		if class, ok := strings.CutPrefix(name, "responses_"); ok {
			s.Classes[class] += n
			s.Count += n
		}
	}
}

const minute = int64(time.Minute)

func (s *Summary) finish(now int64) {
	if d := s.Seconds; d.Count > 0 {
		s.P50, s.P95, s.P99, s.Max = d.Quantile(0.5), d.Quantile(0.95), d.Quantile(0.99), d.Max.Value
	}
	last := now - now%minute - minute
	for _, w := range s.Seconds.Minutes {
		if w.Start == last {
			s.LastMinute = w.Count
		}
	}
	if s.Sent.Count > 0 {
		s.SentMean = s.Sent.Mean
	}
	if s.Received.Count > 0 {
		s.ReceivedMean = s.Received.Mean
	}
}
