package data

import (
	"math"
	"slices"
)

// Odd returns the index of the value that stands out from the others, or -1 if
// none does: more than three deviations from the median, by the median of the
// absolute deviations, and more than a fifth of the median away. Of fewer than
// three values none can be told to be the odd one.
func Odd(values []float64) int {
	if len(values) < 3 {
		return -1
	}
	centre := median(values)
	away := make([]float64, len(values))
	for i, v := range values {
		if math.IsNaN(v) {
			return -1
		}
		away[i] = math.Abs(v - centre)
	}
	spread := 1.4826 * median(away) // of a normal distribution: its standard deviation
	odd := -1
	for i, d := range away {
		if d > 3*spread && d > 0.2*math.Abs(centre) && d > 0 && (odd < 0 || d > away[odd]) {
			odd = i
		}
	}
	return odd
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	half := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[half]
	}
	return (sorted[half-1] + sorted[half]) / 2
}
