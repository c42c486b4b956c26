package stats

import "math"

// quantiles reads quantiles off buckets.
type quantiles struct {
	signedBuckets
	min, max float64
}

// at returns the value below which the fraction p of all values lies: the
// middle of the bucket of the value with that rank, within what was seen.
func (q *quantiles) at(p float64) float64 {
	n := q.Negative.total() + q.Zeros + q.Positive.total()
	switch {
	case n == 0 || p != p:
		return 0
	case p <= 0:
		return q.min
	case p >= 1:
		return q.max
	}
	return min(q.max, max(q.min, q.ofRank(uint64(math.Ceil(p*float64(n))))))
}

// ofRank returns the middle of the bucket of the value of a rank; the lowest
// value has rank 1.
func (q *quantiles) ofRank(rank uint64) float64 {
	neg := q.Negative
	for i := len(neg.Counts) - 1; i >= 0; i-- {
		if rank <= neg.Counts[i] {
			return -middle(neg.Offset + int32(i))
		}
		rank -= neg.Counts[i]
	}
	if rank <= q.Zeros {
		return 0
	}
	rank -= q.Zeros
	for i, n := range q.Positive.Counts {
		if rank <= n {
			return middle(q.Positive.Offset + int32(i))
		}
		rank -= n
	}
	return q.max
}
