package human_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/support-go/support/internal/human"
)

func ExampleOf() {
	for _, q := range []human.Quantity{
		human.Of(2140, human.PerSec),
		human.Of(0.0112, human.Seconds),
		human.Of(631<<20, human.Memory),
	} {
		fmt.Println(q.Text, q.Unit) // q.String has a narrow space
	}
	// Output:
	// 2.14 k/s
	// 11.2 ms
	// 631 MiB
}

func ExampleQuantity() {
	q := human.Duration(0.412)
	fmt.Println(q.Text, q.Unit)
	// Output: 412 ms
}

func TestOf(t *testing.T) {
	tests := map[string]struct {
		v    float64
		unit string
		want string
	}{
		"exact count":         {143, human.Plain, "143"},
		"largest exact":       {999, human.Plain, "999"},
		"thousands":           {2140, human.Plain, "2.14 k"},
		"just below a step":   {999_999, human.Plain, "1.00 M"},
		"millions":            {7_630_000, human.Plain, "7.63 M"},
		"no count":            {0, human.Plain, "0"},
		"negative":            {-12, human.Plain, "−12"},
		"part of one":         {0.5, human.Plain, "0.500"},
		"rate":                {2140, human.PerSec, "2.14 k/s"},
		"slow rate":           {0.98, human.PerSec, "0.980 /s"},
		"whole rate":          {17, human.PerSec, "17 /s"},
		"microseconds":        {900e-6, human.Seconds, "900 µs"},
		"milliseconds":        {0.0112, human.Seconds, "11.2 ms"},
		"kept zeros":          {0.068, human.Seconds, "68.0 ms"},
		"seconds":             {1.18, human.Seconds, "1.18 s"},
		"rounds up to one":    {0.9999, human.Seconds, "1.00 s"},
		"rounds to a minute":  {59.96, human.Seconds, "1 min"},
		"nanoseconds":         {5e-9, human.Seconds, "5.00 ns"},
		"less than that":      {1e-12, human.Seconds, "0 ns"},
		"minutes":             {17*60 + 3, human.Seconds, "17 min"},
		"few minutes":         {2*60 + 5, human.Seconds, "2 min 5 s"},
		"days":                {6*86400 + 4*3600 + 7, human.Seconds, "6 d 4 h"},
		"many days":           {41.5 * 86400, human.Seconds, "41 d"},
		"no time":             {0, human.Seconds, "0 s"},
		"before":              {-120, human.Seconds, "−2 min"},
		"memory":              {631 << 20, human.Memory, "631 MiB"},
		"memory near a step":  {1023, human.Memory, "0.999 KiB"},
		"bytes":               {418, human.Traffic, "418 B"},
		"traffic":             {18_400_000, human.Traffic, "18.4 MB"},
		"share":               {0.008, human.Ratio, "0.80 %"},
		"large share":         {0.41, human.Ratio, "41 %"},
		"all":                 {1, human.Ratio, "100 %"},
		"nothing":             {0, human.Ratio, "0"},
		"next to nothing":     {0.00001, human.Ratio, "< 0.01 %"},
		"times":               {5.6, human.Times, "5.6 ×"},
		"cores":               {0.814, human.Cores, "0.81"},
		"another unit":        {21.5, "celsius", "21.5 celsius"},
		"not a number":        {math.NaN(), human.Plain, "–"},
		"without end":         {math.Inf(1), human.Seconds, "–"},
		"larger than any":     {1e300, human.Plain, ""},
		"smallest difference": {0.000_000_000_1, human.Plain, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := strings.ReplaceAll(human.Of(test.v, test.unit).String(), human.Space, " ")
			if test.want != "" && got != test.want {
				t.Errorf("Of(%v, %q) = %q, want %q", test.v, test.unit, got, test.want)
			}
			if got == "" {
				t.Errorf("Of(%v, %q) is empty", test.v, test.unit)
			}
		})
	}
}

func TestAgo(t *testing.T) {
	now := time.Date(2026, 11, 22, 3, 4, 12, 0, time.UTC)
	tests := map[string]struct {
		before time.Duration
		want   string
	}{
		"now":     {100 * time.Millisecond, "now"},
		"seconds": {4200 * time.Millisecond, "4 s ago"},
		"minutes": {12*time.Minute + 30*time.Second, "12 min ago"},
		"to come": {-8 * time.Second, "in 8 s"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := strings.ReplaceAll(human.Ago(now.Add(-test.before), now), human.Space, " ")
			if got != test.want {
				t.Errorf("Ago(%v) = %q, want %q", test.before, got, test.want)
			}
		})
	}
	if got := human.Ago(time.Time{}, now); got != human.None {
		t.Errorf("Ago(zero time) = %q, want %q", got, human.None)
	}
	if got := human.Exact(now); got != "2026-11-22 03:04:12.000 UTC" {
		t.Errorf("Exact = %q", got)
	}
	if got := human.Clock(now); got != "03:04:12" {
		t.Errorf("Clock = %q", got)
	}
	if got := human.Age(90 * time.Second); strings.ReplaceAll(got, human.Space, " ") != "1 min 30 s" {
		t.Errorf("Age = %q", got)
	}
}

func TestMiddle(t *testing.T) {
	if got := human.Middle("7f3a0123456791c2", 9); got != "7f3a…91c2" {
		t.Errorf("Middle = %q, want both ends", got)
	}
	if got := human.Middle("short", 9); got != "short" {
		t.Errorf("Middle = %q, want it as it is", got)
	}
}
