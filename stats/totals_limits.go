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
		if _, known := slices.BinarySearchFunc(kept.Series, series, Series.compare); !known {
			tooMany := len(series.Labels) > 0 && perName[series.Name] >= limits.PerName
			if tooMany || total >= limits.Series {
				over = append(over, series.diverted())
				continue
			}
			perName[series.Name]++
			total++
		}
		fit.Series = append(fit.Series, series)
	}
	fit.addAll(over)
	return fit
}

// diverted returns the series to which a Registry would have diverted s.
func (s Series) diverted() Series {
	if len(s.Labels) == 0 {
		return Series{overflowName(s.Value.Kind()), nil, s.Value}
	}
	return Series{s.Name, overflowed(s.Labels), s.Value}
}

// addAll merges series that may be in any order and equal. They come from the
// same registry as s, so that kinds and secrets are equal and nothing fails.
func (s *Snapshot) addAll(more []Series) {
	slices.SortStableFunc(more, Series.compare)
	var sum Snapshot
	for _, m := range more {
		if n := len(sum.Series); n > 0 && sum.Series[n-1].compare(m) == 0 {
			_ = sum.Series[n-1].add(m)
			continue
		}
		sum.Series = append(sum.Series, m)
	}
	_ = s.Merge(sum)
}
