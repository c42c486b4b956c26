package stats

import "slices"

// within returns s with the series for which kept has no more room moved to
// overflow, so that merging the two stays within the limits.
func (s Snapshot) within(limits Limits, kept Snapshot) Snapshot {
	perName := make(map[string]int)
	for _, k := range kept.Series {
		perName[k.Name]++
	}
	total := len(kept.Series)
	fit := Snapshot{At: s.At}
	var over []Series
	for _, series := range s.Series {
		_, known := slices.BinarySearchFunc(kept.Series, series, Series.compare)
		switch {
		case known, len(series.Labels) == 0:
		case perName[series.Name] >= limits.PerName, total >= limits.Series:
			over = append(over, Series{series.Name, overflowed(series.Labels), series.Value})
			continue
		default:
			perName[series.Name]++
			total++
		}
		fit.Series = append(fit.Series, series)
	}
	return fit.plus(over)
}

// plus adds series in any order. What cannot be merged is left out.
func (s Snapshot) plus(more []Series) Snapshot {
	slices.SortStableFunc(more, Series.compare)
	var sum Snapshot
	for _, m := range more {
		if n := len(sum.Series); n > 0 && sum.Series[n-1].compare(m) == 0 {
			// The same registry: kinds and secrets are equal.
			_ = sum.Series[n-1].add(m)
			continue
		}
		sum.Series = append(sum.Series, m)
	}
	_ = s.Merge(sum)
	return s
}
