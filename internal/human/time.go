package human

import (
	"math"
	"strconv"
	"time"
)

// Duration writes seconds: from nanoseconds to seconds with three digits, and
// from a minute on in whole units, two of them where the second still matters.
func Duration(seconds float64) Quantity {
	size := math.Abs(seconds)
	switch {
	case seconds == 0:
		return Quantity{"0", "s"}
	case size < 59.95:
		return short(seconds)
	}
	whole := math.Max(60, math.Floor(size))
	units := []struct {
		name string
		size float64
	}{{"d", 86400}, {"h", 3600}, {"min", 60}, {"s", 1}}
	for i, u := range units {
		n := math.Floor(whole / u.size)
		if n < 1 && u.name != "s" {
			continue
		}
		if seconds < 0 {
			n = -n
		}
		q := Quantity{minus(strconv.FormatFloat(n, 'f', 0, 64)), u.name}
		if math.Abs(n) < 10 && i+1 < len(units) {
			next := units[i+1]
			if rest := math.Floor(math.Mod(whole, u.size) / next.size); rest > 0 {
				q = Quantity{q.String() + " " + strconv.FormatFloat(rest, 'f', 0, 64), next.name}
			}
		}
		return q
	}
	return short(seconds)
}

func short(seconds float64) Quantity {
	units := []string{"s", "ms", "µs", "ns"}
	i := 0
	for ; i < len(units)-1 && math.Abs(round(seconds, 3)) < 1; i++ {
		seconds *= 1000
	}
	if i == len(units)-1 && math.Abs(seconds) < 1 {
		return Quantity{"0", "ns"}
	}
	return Quantity{digits(seconds, 3), units[i]}
}

// Ago writes how long before now t was; "now" below a second, and None for no
// time. A time to come is "in" so long.
func Ago(t, now time.Time) string {
	if t.IsZero() || t.Unix() == 0 {
		return None
	}
	d := now.Sub(t)
	switch {
	case d < -time.Second:
		return "in " + whole(-d)
	case d < time.Second:
		return "now"
	}
	return whole(d) + " ago"
}

// Age writes a time that goes on, in whole seconds at least.
func Age(d time.Duration) string { return whole(max(0, d)) }

func whole(d time.Duration) string {
	if d < time.Minute {
		return Quantity{strconv.Itoa(int(d / time.Second)), "s"}.String()
	}
	return Duration(d.Seconds()).String()
}

// Exact writes a time for a machine that must not err and a person who needs
// to be sure: in UTC, with milliseconds.
func Exact(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05.000 UTC") }

// Clock writes the time of day in UTC.
func Clock(t time.Time) string { return t.UTC().Format("15:04:05") }
