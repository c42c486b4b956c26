// Package human writes numbers, durations and times for people: three digits,
// the unit that fits, and never more than that. Pages, the control command and
// logs use it, so that the same value looks the same everywhere.
package human

import (
	"math"
	"strconv"
	"strings"
)

// Quantity is a number made readable, and its unit, which may be empty.
type Quantity struct{ Text, Unit string }

// Space stands between a number and its unit: narrow, and no place for a line
// to break.
const Space = "\u202f"

// String joins the number and its unit.
func (q Quantity) String() string {
	if q.Unit == "" {
		return q.Text
	}
	return q.Text + Space + q.Unit
}

// None is what does not apply.
const None = "–"

// The units that Of knows. Any other is written behind the number as it is.
const (
	Plain   = ""        // a count: 143, 2.14 k
	PerSec  = "rate"    // a count a second: 2.14 k/s
	Seconds = "seconds" // a duration: 11.2 ms, 17 min
	Memory  = "bytes"   // memory or a limit: 631 MiB
	Traffic = "traffic" // bytes on the wire: 18.4 MB
	Ratio   = "ratio"   // a part of one: 41 %
	Times   = "times"   // one number divided by another: 5.6 ×
	Cores   = "cores"   // processors in use: 0.81
)

// Of writes v, which is in the given unit. What is not a number is None.
func Of(v float64, unit string) Quantity {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return Quantity{Text: None}
	}
	switch unit {
	case Plain:
		return Count(v)
	case PerSec:
		return Rate(v)
	case Seconds:
		return Duration(v)
	case Memory:
		return scaled(v, 1024, []string{"B", "KiB", "MiB", "GiB", "TiB", "PiB"})
	case Traffic:
		return scaled(v, 1000, []string{"B", "kB", "MB", "GB", "TB", "PB"})
	case Ratio:
		return Share(v)
	case Cores:
		return Quantity{Text: minus(strconv.FormatFloat(v, 'f', 2, 64))}
	case Times:
		return Quantity{digits(v, 2), "×"}
	}
	q := Count(v)
	return Quantity{q.String(), unit}
}

// Count writes a number of things: exact up to 999, and fractions with three
// digits.
func Count(v float64) Quantity {
	if math.Abs(v) < 1000 && v == math.Trunc(v) {
		return Quantity{Text: minus(strconv.FormatFloat(v, 'f', 0, 64))}
	}
	return scaled(v, 1000, []string{"", "k", "M", "G", "T", "P"})
}

// Rate writes a number of things a second.
func Rate(v float64) Quantity {
	q := Count(v)
	q.Unit += "/s"
	return q
}

// Share writes a part of one as per cent with two digits. What is not nothing
// never looks like it.
func Share(v float64) Quantity {
	switch percent := v * 100; {
	case percent == 0:
		return Quantity{Text: "0"}
	case math.Abs(percent) < 0.01:
		return Quantity{"< 0.01", "%"}
	default:
		return Quantity{strings.TrimSuffix(digits(percent, 2), ".0"), "%"}
	}
}

// scaled writes v with three digits in the largest unit in which it is at
// least one.
func scaled(v, base float64, units []string) Quantity {
	i := 0
	for ; i < len(units)-1 && math.Abs(round(v, 3)) >= math.Min(base, 1000); i++ {
		v /= base
	}
	if i == 0 && v == math.Trunc(v) {
		return Quantity{minus(strconv.FormatFloat(v, 'f', 0, 64)), units[0]}
	}
	return Quantity{digits(v, 3), units[i]}
}

// round keeps n significant digits.
func round(v float64, n int) float64 {
	r, err := strconv.ParseFloat(strconv.FormatFloat(v, 'e', n-1, 64), 64)
	if err != nil {
		return v
	}
	return r
}

// digits writes v with n significant digits, or all those before the point if
// these are more.
func digits(v float64, n int) string {
	v = round(v, n)
	if v == 0 {
		return "0"
	}
	places := n - 1 - int(math.Floor(math.Log10(math.Abs(v))))
	return minus(strconv.FormatFloat(v, 'f', max(0, places), 64))
}

// minus makes a hyphen a minus sign, which is as wide as a plus.
func minus(s string) string { return strings.Replace(s, "-", "−", 1) }

// Middle shortens s to at most n characters by leaving out its middle, so that
// both ends can be told.
func Middle(s string, n int) string {
	runes := []rune(s)
	if len(runes) <= n || n < 3 {
		return s
	}
	tail := (n - 1) / 2
	return string(runes[:n-1-tail]) + "…" + string(runes[len(runes)-tail:])
}

// Cut returns the first n characters of s, up to the end of a word if one ends
// near, and an ellipsis; nothing if s has no more than n.
func Cut(s string, n int) string {
	runes := []rune(s)
	if len(runes) <= n {
		return ""
	}
	short := string(runes[:n])
	if at := strings.LastIndexByte(short, ' '); at > n*3/4 {
		short = short[:at]
	}
	return short + "…"
}
