package stats

import (
	"math"
	"slices"
	"time"
)

// whole is what the shards of a Distribution have been drained into.
type whole struct {
	moments  Moments
	sum      float64
	min, max Sample
	largest  largest
	signedBuckets

	minute, hour   window
	minutes, hours []Window // shared with snapshots: replaced, never changed

	averages [6]Average
	at       int64   // what the averages have decayed to
	sinceAt  Average // not yet in the averages
}

// drain takes over what s has, whose lock the caller holds.
func (w *whole) drain(s *shard) {
	s.settle()
	if s.settled.Count == 0 {
		return
	}
	w.tally(s.settled, s.sum, s.min, s.largest.kept[:s.largest.n])
	w.drainRows(&s.rows)
	s.begin(w.moments.Mean)
}

// tally takes in values but for their buckets. The largest are sorted.
func (w *whole) tally(m Moments, sum float64, low Sample, high []Sample) {
	if w.moments.Count == 0 || lower(low, w.min) {
		w.min = low
	}
	if w.moments.Count == 0 || higher(high[0], w.max) {
		w.max = high[0]
	}
	w.moments.merge(m)
	w.sum += sum
	for _, v := range high {
		w.largest.add(v)
	}
	w.minute.tally(m.Count, sum, low.Value, high[0].Value)
	w.sinceAt.Sum += sum
	w.sinceAt.Weight += float64(m.Count)
}

// lower says whether a is the better minimum: smaller, or as small and
// earlier.
func lower(a, b Sample) bool {
	return a.Value < b.Value || a.Value == b.Value && a.At < b.At
}

// higher says whether a is the better maximum.
func higher(a, b Sample) bool { return byValue(a, b) < 0 }

func (w *whole) drainRows(r *rows) {
	for octave, row := range r.all {
		if *row == [perOctave]uint32{} {
			continue
		}
		w.signedBuckets.addRow(octave, row)
		w.minute.rows.addRow(octave, row)
		*row = [perOctave]uint32{}
	}
}

// addN takes a value that has a place n times over.
func (w *whole) addN(v Sample, n uint64, octave uint, sub uint64) {
	w.tally(Moments{Count: n, Mean: v.Value}, v.Value*float64(n), v,
		slices.Repeat([]Sample{v}, int(min(n, largestSize))))
	*w.signedBuckets.at(octave, sub) += n
	short := &w.minute.rows.row(octave)[sub]
	*short += uint32(min(n, uint64(math.MaxUint32-*short)))
}

// advance brings windows and averages up to now.
func (w *whole) advance(now int64) {
	const minute, hour = int64(time.Minute), int64(time.Hour)
	if w.at == 0 {
		w.at = now
		w.minute.start = now - now%minute
		w.hour.start = now - now%hour
	}
	decay(&w.averages, now-w.at)
	w.at = max(w.at, now)
	for i := range w.averages {
		w.averages[i].Sum += w.sinceAt.Sum
		w.averages[i].Weight += w.sinceAt.Weight
	}
	w.sinceAt = Average{}
	if now < w.minute.start+minute {
		return
	}
	w.hour.add(&w.minute)
	w.minutes = keep(w.minutes, w.minute.end(now-now%minute), minuteWindows)
	if now >= w.hour.start+hour {
		w.hours = keep(w.hours, w.hour.end(now-now%hour), hourWindows)
	}
}

func (w *whole) snapshot() *DistributionSnapshot {
	return &DistributionSnapshot{
		Moments:    w.moments,
		Sum:        w.sum,
		Min:        w.min,
		Max:        w.max,
		Largest:    append([]Sample(nil), w.largest.kept[:w.largest.n]...),
		Zeros:      w.Zeros,
		Positive:   w.Positive.clone(),
		Negative:   w.Negative.clone(),
		Minutes:    slices.Clip(w.minutes),
		Hours:      slices.Clip(w.hours),
		Averages:   w.averages,
		AveragesAt: w.at,
	}
}
