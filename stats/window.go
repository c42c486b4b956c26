package stats

import (
	"math"
	"slices"
	"time"
)

// Window sums up the values of one minute or hour of the Unix clock. Merged
// windows have quantiles that are means weighted by count: an estimate.
type Window struct {
	Start         int64 // in Unix nanoseconds
	Count         uint64
	Sum           float64
	Min, Max      float32 // rounded, as the quantiles are, to save memory
	P50, P95, P99 float32
}

const (
	minuteWindows = 64
	hourWindows   = 32
)

// Average is an exponentially decaying average over time: Sum and Weight
// decay alike, so that averages merge.
type Average struct {
	Sum, Weight float64
}

// Value is the average; 0 if nothing was seen yet.
func (a Average) Value() float64 {
	if a.Weight == 0 {
		return 0
	}
	return a.Sum / a.Weight
}

// Decays are the times in which the weight of a value in the averages of a
// DistributionSnapshot falls to 1/e.
func Decays() [6]time.Duration {
	return [6]time.Duration{
		10 * time.Second, time.Minute, 5 * time.Minute,
		15 * time.Minute, time.Hour, 6 * time.Hour,
	}
}

func decay(averages *[6]Average, passed int64) {
	if passed <= 0 {
		return
	}
	for i, d := range Decays() {
		f := math.Exp(-float64(passed) / float64(d))
		averages[i].Sum *= f
		averages[i].Weight *= f
	}
}

// window is a minute or hour that has not ended.
type window struct {
	start    int64
	count    uint64
	sum      float64
	min, max float64
	rows     rows
}

func (w *window) tally(count uint64, sum, low, high float64) {
	if count == 0 {
		return
	}
	if w.count == 0 {
		w.min, w.max = low, high
	}
	w.min, w.max = min(w.min, low), max(w.max, high)
	w.count += count
	w.sum += sum
}

// add takes in a shorter window.
func (w *window) add(part *window) {
	w.tally(part.count, part.sum, part.min, part.max)
	w.rows.add(&part.rows)
}

// end closes the window and makes w ready for the one that begins at start.
func (w *window) end(start int64) Window {
	done := Window{Start: w.start, Count: w.count, Sum: w.sum, Min: float32(w.min), Max: float32(w.max)}
	if done.Count > 0 {
		q := quantiles{w.rows.buckets(), w.min, w.max}
		done.P50 = float32(q.at(0.5))
		done.P95 = float32(q.at(0.95))
		done.P99 = float32(q.at(0.99))
	}
	w.rows.clear()
	*w = window{start: start, rows: w.rows}
	return done
}

// keep appends a window, at most limit in all. It leaves the old slice as it
// is, because snapshots share it; windows without values are left out.
func keep(all []Window, done Window, limit int) []Window {
	if done.Count == 0 {
		return all
	}
	kept := make([]Window, 0, min(limit, len(all)+1))
	kept = append(kept, all[max(0, len(all)+1-limit):]...)
	return append(kept, done)
}

// mergeWindows adds up windows that began at the same time.
func mergeWindows(a, b []Window, limit int) []Window {
	switch {
	case len(b) == 0:
		return a
	case len(a) == 0:
		return slices.Clip(b)
	}
	all := make([]Window, 0, max(len(a), len(b))+1)
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0].Start < b[0].Start:
			all, a = append(all, a[0]), a[1:]
		case a[0].Start > b[0].Start:
			all, b = append(all, b[0]), b[1:]
		default:
			all, a, b = append(all, a[0].merge(b[0])), a[1:], b[1:]
		}
	}
	all = append(append(all, a...), b...)
	return all[max(0, len(all)-limit):]
}

func (w Window) merge(o Window) Window {
	n := float64(w.Count + o.Count)
	mean := func(a, b float32) float32 {
		return float32((float64(a)*float64(w.Count) + float64(b)*float64(o.Count)) / n)
	}
	return Window{
		Start: w.Start,
		Count: w.Count + o.Count,
		Sum:   w.Sum + o.Sum,
		Min:   min(w.Min, o.Min),
		Max:   max(w.Max, o.Max),
		P50:   mean(w.P50, o.P50),
		P95:   mean(w.P95, o.P95),
		P99:   mean(w.P99, o.P99),
	}
}

// since returns the windows that all has and old has not.
func since(all, old []Window) []Window {
	if len(old) == 0 {
		return all
	}
	last := old[len(old)-1].Start
	i, _ := slices.BinarySearchFunc(all, last+1, func(w Window, at int64) int {
		return int(min(1, max(-1, w.Start-at)))
	})
	return all[i:]
}
