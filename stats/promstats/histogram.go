package promstats

import (
	"math"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/proto"

	"github.com/support-go/support/stats"
)

// scale of the buckets of package stats, which Prometheus calls schema.
const scale = 5

// histogram is a native histogram with classic buckets beside.
type histogram struct {
	prometheus.Metric
	classic []*dto.Bucket
}

func newHistogram(desc *prometheus.Desc, unit string, d *stats.DistributionSnapshot, labels []string) (prometheus.Metric, error) {
	native, err := prometheus.NewConstNativeHistogram(desc, d.Count, d.Sum,
		indexed(d.Positive), indexed(d.Negative), d.Zeros, scale, 0x1p-60, time.Time{}, labels...)
	if err != nil {
		return nil, err
	}
	return histogram{native, classic(unit, d)}, nil
}

// Write adds the classic buckets to what a native histogram writes.
func (h histogram) Write(m *dto.Metric) error {
	if err := h.Metric.Write(m); err != nil {
		return err
	}
	m.Histogram.Bucket = h.classic
	return nil
}

// indexed gives buckets the numbers of Prometheus, where bucket i is the one
// that ends at 2^(i/32).
func indexed(b stats.Buckets) map[int]int64 {
	counts := make(map[int]int64)
	for i, n := range b.Counts {
		if n > 0 {
			counts[int(b.Offset)+i+1] = int64(n)
		}
	}
	return counts
}

// classic counts the values up to each of twelve bounds. The bounds are powers
// of four, at which buckets of ours end too, so that the counts are exact.
func classic(unit string, d *stats.DistributionSnapshot) []*dto.Bucket {
	first := map[string]int{"seconds": -8, "bytes": 3, "ratio": -9, "percent": -3}[unit]
	if unit == "" {
		first = -2
	}
	buckets := make([]*dto.Bucket, 12)
	for i := range buckets {
		exponent := 2 * (first + i)
		buckets[i] = &dto.Bucket{
			UpperBound:      proto.Float64(math.Ldexp(1, exponent)),
			CumulativeCount: proto.Uint64(upTo(d, int32(exponent*1<<scale))),
		}
	}
	return buckets
}

// upTo counts the values that are in no positive bucket from end on.
func upTo(d *stats.DistributionSnapshot, end int32) uint64 {
	n := d.Count
	for i := max(0, int(end-d.Positive.Offset)); i < len(d.Positive.Counts); i++ {
		n -= d.Positive.Counts[i]
	}
	return n
}
