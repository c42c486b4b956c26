package stats

import (
	"math"
	"slices"
)

// DistributionSnapshot is what a Distribution has seen: a plain value that
// owns its memory, but for Minutes and Hours, whose elements must not be
// changed. The zero value has seen nothing, and its statistics are 0.
type DistributionSnapshot struct {
	Moments         // count, mean, variance, skewness, kurtosis
	Sum     float64 // infinite if it overflows
	Min     Sample  // the smallest value and when it was first seen
	Max     Sample  // the largest value and when it was first seen
	Invalid uint64  // NaN and infinities, which count nowhere else

	Zeros              uint64 // magnitudes up to 2^-60
	Positive, Negative Buckets

	Largest []Sample // the 8 largest values, largest first
	Recent  []Sample // the last 64 values, oldest first; merged ones of the same time in any order

	Minutes []Window // the last 64 with values that have ended, oldest first
	Hours   []Window // the last 32 likewise

	Averages   [6]Average // with the times of Decays
	AveragesAt int64      // Unix nanoseconds
}

// Quantile returns the value below which the fraction p of all values lies,
// within 1.1 %; p of 0 and 1 are the exact minimum and maximum.
func (d *DistributionSnapshot) Quantile(p float64) float64 {
	q := quantiles{signedBuckets{d.Zeros, d.Positive, d.Negative}, d.Min.Value, d.Max.Value}
	return q.at(p)
}

// Trimean is the mean of the median, counted twice, and the two quartiles: a
// centre that outliers do not move.
func (d *DistributionSnapshot) Trimean() float64 {
	return (d.Quantile(0.25) + 2*d.Quantile(0.5) + d.Quantile(0.75)) / 4
}

// GeometricMean is within 1.1 %. Unless all values are positive there is none
// and it is NaN.
func (d *DistributionSnapshot) GeometricMean() float64 {
	sum := d.sumOver(math.Log)
	return d.clamp(math.Exp(sum / float64(d.Count)))
}

// HarmonicMean is within 1.1 %. Unless all values are positive there is none
// and it is NaN.
func (d *DistributionSnapshot) HarmonicMean() float64 {
	sum := d.sumOver(func(v float64) float64 { return 1 / v })
	return d.clamp(float64(d.Count) / sum)
}

// sumOver adds up f of the middle of each value's bucket; NaN if not all
// values are positive.
func (d *DistributionSnapshot) sumOver(f func(float64) float64) (sum float64) {
	if d.Count == 0 || d.Zeros > 0 || d.Min.Value <= 0 {
		return math.NaN()
	}
	for i, n := range d.Positive.Counts {
		if n > 0 {
			sum += float64(n) * f(middle(d.Positive.Offset+int32(i)))
		}
	}
	return sum
}

func (d *DistributionSnapshot) clamp(v float64) float64 {
	return min(d.Max.Value, max(d.Min.Value, v))
}

// Merge adds what other has seen. Counts, buckets, Min, Max and Largest are
// exactly those of the union; moments, Sum and Averages to floating point.
func (d *DistributionSnapshot) Merge(other *DistributionSnapshot) {
	if other.Count > 0 && (d.Count == 0 || lower(other.Min, d.Min)) {
		d.Min = other.Min
	}
	if other.Count > 0 && (d.Count == 0 || higher(other.Max, d.Max)) {
		d.Max = other.Max
	}
	d.Moments.merge(other.Moments)
	d.Sum += other.Sum
	d.Invalid += other.Invalid
	d.Zeros += other.Zeros
	d.Positive.merge(other.Positive)
	d.Negative.merge(other.Negative)
	d.Positive, d.Negative = d.Positive.trim(), d.Negative.trim()
	d.Largest = mergeLargest(d.Largest, other.Largest)
	d.Recent = mergeRecent(d.Recent, other.Recent)
	d.Minutes = mergeWindows(d.Minutes, other.Minutes, minuteWindows)
	d.Hours = mergeWindows(d.Hours, other.Hours, hourWindows)
	d.mergeAverages(other)
}

func (d *DistributionSnapshot) mergeAverages(other *DistributionSnapshot) {
	theirs := other.Averages
	decay(&theirs, d.AveragesAt-other.AveragesAt)
	decay(&d.Averages, other.AveragesAt-d.AveragesAt)
	d.AveragesAt = max(d.AveragesAt, other.AveragesAt)
	for i := range theirs {
		d.Averages[i].Sum += theirs[i].Sum
		d.Averages[i].Weight += theirs[i].Weight
	}
}

// Sub returns what was added since base, an earlier snapshot of the same
// Distribution: merged with base it gives d. Min and Max are those of all
// values; the rest holds only what is new.
func (d *DistributionSnapshot) Sub(base *DistributionSnapshot) *DistributionSnapshot {
	delta := &DistributionSnapshot{
		Moments:    d.Moments.less(base.Moments),
		Sum:        d.Sum - base.Sum,
		Min:        d.Min,
		Max:        d.Max,
		Invalid:    d.Invalid - base.Invalid,
		Zeros:      d.Zeros - base.Zeros,
		Positive:   d.Positive.less(base.Positive),
		Negative:   d.Negative.less(base.Negative),
		Largest:    without(d.Largest, base.Largest),
		Recent:     without(d.Recent, base.Recent),
		Minutes:    since(d.Minutes, base.Minutes),
		Hours:      since(d.Hours, base.Hours),
		Averages:   base.Averages,
		AveragesAt: d.AveragesAt,
	}
	decay(&delta.Averages, d.AveragesAt-base.AveragesAt)
	for i, now := range d.Averages {
		delta.Averages[i].Sum = now.Sum - delta.Averages[i].Sum
		delta.Averages[i].Weight = now.Weight - delta.Averages[i].Weight
	}
	return delta
}

func (d *DistributionSnapshot) clone() *DistributionSnapshot {
	c := *d
	c.Positive, c.Negative = d.Positive.clone(), d.Negative.clone()
	c.Largest, c.Recent = slices.Clone(d.Largest), slices.Clone(d.Recent)
	c.Minutes, c.Hours = slices.Clip(d.Minutes), slices.Clip(d.Hours)
	return &c
}
