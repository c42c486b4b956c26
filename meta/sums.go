package meta

import (
	"strings"

	"github.com/support-go/support/stats"
)

// What is summed over all routes and servers, for Overview.
const (
	requestSeconds = "http.request_seconds"
	serverErrors   = "http.responses_5xx"
	shedName       = ".shed" // accept.shed, admit.shed
	totalOf        = "(all) "
)

// sums adds up over all labels what Overview shows of the whole.
func sums(s stats.Snapshot) map[string]stats.Value {
	totals := make(map[string]stats.Value)
	var duration *stats.DistributionSnapshot
	var failed, shed stats.Count
	for _, series := range s.Series {
		switch v := series.Value.(type) {
		case *stats.DistributionSnapshot:
			if series.Name == requestSeconds {
				if duration == nil {
					duration = &stats.DistributionSnapshot{}
				}
				duration.Merge(slim(v))
			}
		case stats.Count:
			switch {
			case series.Name == serverErrors:
				failed += v
			case strings.HasSuffix(series.Name, shedName):
				shed += v
			}
		}
	}
	if duration != nil {
		totals[totalOf+requestSeconds] = duration
		totals[totalOf+serverErrors] = failed
	}
	totals[totalOf+shedName] = shed
	return totals
}
