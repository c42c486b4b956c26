package ui

import (
	"fmt"
	"math"
	"strings"

	"github.com/support-go/support/meta/data"
)

// spark is a line without axes, 64 wide and 18 high.
type spark struct{ Class, D, Last, Says string }

// newSpark draws values; top is the largest of all sparks that share its scale,
// or 0.
func newSpark(values []float64, state data.State, top float64) *spark {
	s := &spark{Class: "s6", Says: "the last hour"}
	switch state {
	case data.Look, data.Wrong:
		s.Class = "s2"
	}
	low, high := math.Inf(1), math.Inf(-1)
	for _, v := range values {
		if !math.IsNaN(v) {
			low, high = min(low, v), max(high, v)
		}
	}
	if math.IsInf(low, 1) {
		return s
	}
	if low > 0 && low > high/2 {
		low = high / 2 // what hardly moves looks so
	}
	if top > 0 {
		low, high = 0, max(high, top)
	}
	if high == low {
		high = low + 1
	}
	var d strings.Builder
	pen := "M"
	for i, v := range values {
		if math.IsNaN(v) {
			pen = "M"
			continue
		}
		x, y := 60*float64(i)/max(1, float64(len(values)-1)), 16-14*(v-low)/(high-low)
		point := fmt.Sprintf("%s %s", number(x), number(y))
		d.WriteString(pen + point)
		pen = "L"
		s.Last = ""
		if i == len(values)-1 {
			s.Last = "M" + point + "h0"
		}
	}
	s.D = d.String()
	return s
}
