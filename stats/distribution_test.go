package stats_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/support-go/support/stats"
)

// shapes are the kinds of data that quantiles and moments are tried on.
var shapes = map[string]func(*rand.Rand) float64{
	"normal":     func(r *rand.Rand) float64 { return 100 + 15*r.NormFloat64() },
	"log-normal": func(r *rand.Rand) float64 { return 0.003 * math.Exp(r.NormFloat64()) },
	"pareto":     func(r *rand.Rand) float64 { return math.Pow(1-r.Float64(), -1/2.5) },
	"bimodal": func(r *rand.Rand) float64 {
		if r.IntN(3) == 0 {
			return 5 + r.NormFloat64()/10
		}
		return 0.001 + r.Float64()/1000
	},
	"constant": func(*rand.Rand) float64 { return 0.0125 },
	"negative": func(r *rand.Rand) float64 { return -10 * r.ExpFloat64() },
}

func sample(shape string, n int) []float64 {
	r := rand.New(rand.NewPCG(1, 2))
	values := make([]float64, n)
	for i := range values {
		values[i] = shapes[shape](r)
	}
	return values
}

func added(values ...float64) *stats.DistributionSnapshot {
	d := new(stats.Registry).Distribution("d")
	for _, v := range values {
		d.Add(v)
	}
	return d.Snapshot()
}

func TestAccuracy(t *testing.T) {
	t.Parallel()
	for shape := range shapes {
		t.Run(shape, func(t *testing.T) {
			t.Parallel()
			values := sample(shape, manyValues)
			snap := added(values...)
			if shape != "constant" { // see TestConstantValuesHaveNoSpread
				checkMoments(t, snap, values)
			}
			slices.Sort(values)
			for _, p := range []float64{0, 0.001, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 0.9999, 1} {
				want := values[max(0, int(math.Ceil(p*manyValues))-1)]
				got := snap.Quantile(p)
				if math.Abs(got-want) > 0.011*math.Abs(want) {
					t.Errorf("Quantile(%v) = %v, want %v within 1.1 %%", p, got, want)
				}
			}
		})
	}
}

// twoPass computes the statistics of values the long way.
func twoPass(values []float64) (mean, variance, skewness, kurtosis float64) {
	n := float64(len(values))
	sum, carry := 0.0, 0.0 // Kahan
	for _, v := range values {
		y := v - carry
		next := sum + y
		carry = next - sum - y
		sum = next
	}
	mean = sum / n
	var m2, m3, m4 float64
	for _, v := range values {
		d := v - mean
		m2 += d * d
		m3 += d * d * d
		m4 += d * d * d * d
	}
	return mean, m2 / n, math.Sqrt(n) * m3 / math.Pow(m2, 1.5), n*m4/(m2*m2) - 3
}

// checkMoments compares with the computation in two passes. Skewness and
// excess kurtosis of a normal sample are near 0 themselves, so 1 is the least
// to compare with.
func checkMoments(t *testing.T, snap *stats.DistributionSnapshot, values []float64) {
	t.Helper()
	mean, variance, skewness, kurtosis := twoPass(values)
	for name, pair := range map[string][2]float64{
		"mean":     {snap.Mean, mean},
		"variance": {snap.Variance(), variance},
		"skewness": {snap.Skewness(), skewness},
		"kurtosis": {snap.Kurtosis(), kurtosis},
	} {
		if math.Abs(pair[0]-pair[1]) > 1e-9*max(1, math.Abs(pair[1])) {
			t.Errorf("%s = %.15g, want %.15g", name, pair[0], pair[1])
		}
	}
}

// TestVarianceFarFromZero leaves skewness out: at 1e9 the mean is known to
// 1e-7 only, in two passes too.
func TestVarianceFarFromZero(t *testing.T) {
	values := sample("normal", 100_000)
	for i := range values {
		values[i] += 1e9
	}
	_, variance, _, _ := twoPass(values)
	if got := added(values...).Variance(); math.Abs(got-variance) > 1e-9*variance {
		t.Errorf("Variance = %.15g, want %.15g", got, variance)
	}
}

func TestMomentsAfterAnOutlierFirst(t *testing.T) {
	values := append([]float64{1e6}, sample("normal", 100_000)...)
	checkMoments(t, added(values...), values)
}

func TestConstantValuesHaveNoSpread(t *testing.T) {
	snap := added(sample("constant", 10_000)...)
	if snap.Mean != 0.0125 || snap.Variance() != 0 || snap.Skewness() != 0 || snap.Kurtosis() != 0 {
		t.Errorf("mean, variance, skewness, kurtosis = %v, %v, %v, %v; want 0.0125, 0, 0, 0",
			snap.Mean, snap.Variance(), snap.Skewness(), snap.Kurtosis())
	}
}

func TestOddValues(t *testing.T) {
	huge, small := math.Ldexp(1, 1000), math.Ldexp(1, -1000)
	tests := map[string]struct {
		values         []float64
		count, invalid uint64
		min, median    float64
		max            float64
	}{
		"nothing":        {nil, 0, 0, 0, 0, 0},
		"NaN":            {[]float64{math.NaN(), 1}, 1, 1, 1, 1, 1},
		"infinities":     {[]float64{math.Inf(1), math.Inf(-1), 1}, 1, 2, 1, 1, 1},
		"zero":           {[]float64{0, 0, 0}, 3, 0, 0, 0, 0},
		"minus zero":     {[]float64{math.Copysign(0, -1)}, 1, 0, 0, 0, 0},
		"negative":       {[]float64{-3, -2, -1}, 3, 0, -3, -2, -1},
		"both signs":     {[]float64{-1, 0, 1}, 3, 0, -1, 0, 1},
		"huge":           {[]float64{huge}, 1, 0, huge, huge, huge},
		"negative huge":  {[]float64{-huge}, 1, 0, -huge, -huge, -huge},
		"tiny is zero":   {[]float64{-1, small, 1}, 3, 0, -1, 0, 1},
		"denormal":       {[]float64{5e-324}, 1, 0, 5e-324, 5e-324, 5e-324},
		"largest number": {[]float64{math.MaxFloat64}, 1, 0, math.MaxFloat64, math.MaxFloat64, math.MaxFloat64},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			snap := added(tt.values...)
			if snap.Count != tt.count || snap.Invalid != tt.invalid {
				t.Errorf("Count, Invalid = %d, %d; want %d, %d", snap.Count, snap.Invalid, tt.count, tt.invalid)
			}
			if snap.Min.Value != tt.min || snap.Max.Value != tt.max {
				t.Errorf("Min, Max = %v, %v; want %v, %v", snap.Min.Value, snap.Max.Value, tt.min, tt.max)
			}
			if got := snap.Quantile(0.5); math.Abs(got-tt.median) > 0.011*math.Abs(tt.median) {
				t.Errorf("Quantile(0.5) = %v, want %v", got, tt.median)
			}
		})
	}
}

// TestBucketsAreThoseOfTheScale puts values at both ends of every bucket.
func TestBucketsAreThoseOfTheScale(t *testing.T) {
	for i := int32(-60 * 32); i < 60*32; i++ {
		upper := math.Exp2(float64(i+1) / 32)
		for _, v := range []float64{upper, math.Nextafter(math.Exp2(float64(i)/32), infinity)} {
			for _, signed := range []float64{v, -v} {
				snap := added(signed)
				b := snap.Positive
				if signed < 0 {
					b = snap.Negative
				}
				if b.Offset != i || len(b.Counts) != 1 || b.Counts[0] != 1 {
					t.Fatalf("%v is in %+v, want bucket %d", signed, b, i)
				}
			}
		}
	}
}

var infinity = math.Inf(1)

func TestMeansThatNeedPositiveValues(t *testing.T) {
	snap := added(1, 2, 4, 8)
	if got := snap.GeometricMean(); math.Abs(got-math.Sqrt(8)) > 0.011*math.Sqrt(8) {
		t.Errorf("GeometricMean = %v, want %v", got, math.Sqrt(8))
	}
	if got, want := snap.HarmonicMean(), 4/1.875; math.Abs(got-want) > 0.011*want {
		t.Errorf("HarmonicMean = %v, want %v", got, want)
	}
	for _, v := range []float64{0, -1} {
		snap := added(1, 2, v)
		if got := snap.GeometricMean(); !math.IsNaN(got) {
			t.Errorf("GeometricMean with %v = %v, want NaN", v, got)
		}
		if got := snap.HarmonicMean(); !math.IsNaN(got) {
			t.Errorf("HarmonicMean with %v = %v, want NaN", v, got)
		}
	}
}

func TestTrimean(t *testing.T) {
	values := make([]float64, 1001)
	for i := range values {
		values[i] = float64(i + 1000)
	}
	if got := added(values...).Trimean(); math.Abs(got-1500) > 0.011*1500 {
		t.Errorf("Trimean = %v, want 1500", got)
	}
}

func TestAddNIsAddNTimes(t *testing.T) {
	reg := new(stats.Registry)
	once, many := reg.Distribution("once"), reg.Distribution("many")
	for _, v := range []float64{-2, 0, 0.5, 3, 1e30} {
		once.AddN(v, 100)
		for range 100 {
			many.Add(v)
		}
	}
	once.AddN(math.NaN(), 3)
	got, want := once.Snapshot(), many.Snapshot()
	if got.Count != want.Count || got.Invalid != 3 || got.Zeros != want.Zeros || got.Min != want.Min || got.Max != want.Max {
		t.Errorf("AddN gave %+v, want %+v", got, want)
	}
	if !slices.Equal(got.Positive.Counts, want.Positive.Counts) || !slices.Equal(got.Negative.Counts, want.Negative.Counts) {
		t.Errorf("buckets are %v and %v, want %v and %v", got.Positive, got.Negative, want.Positive, want.Negative)
	}
	if !slices.Equal(got.Largest, want.Largest) {
		t.Errorf("Largest = %v, want %v", got.Largest, want.Largest)
	}
	if math.Abs(got.Variance()-want.Variance()) > 1e-9*want.Variance() {
		t.Errorf("Variance = %v, want %v", got.Variance(), want.Variance())
	}
}

func TestRecentAndLargest(t *testing.T) {
	d := new(stats.Registry).Distribution("d")
	start := time.Now()
	for i := range 200 {
		d.AddAt(float64(i*37%200), start.Add(time.Duration(i)*time.Second))
	}
	snap := d.Snapshot()
	if len(snap.Recent) != 64 {
		t.Fatalf("%d recent values, want 64", len(snap.Recent))
	}
	for i, s := range snap.Recent {
		n := 200 - 64 + i
		if s.Value != float64(n*37%200) || s.At-snap.Recent[0].At != int64(i)*int64(time.Second) {
			t.Errorf("recent value %d = %v, want %d, %d s after the first", i, s, n*37%200, i)
		}
	}
	for i, s := range snap.Largest {
		if s.Value != float64(199-i) {
			t.Errorf("Largest[%d] = %v, want %d", i, s.Value, 199-i)
		}
	}
	if len(snap.Largest) != 8 {
		t.Errorf("%d largest values, want 8", len(snap.Largest))
	}
}

func TestMinAndMaxKeepTheirFirstTime(t *testing.T) {
	d := new(stats.Registry).Distribution("d")
	start := time.Now()
	for i, v := range []float64{5, 1, 9, 1, 9} {
		d.AddAt(v, start.Add(time.Duration(i)*time.Second))
		d.Snapshot() // each value comes from a drain of its own
	}
	snap := d.Snapshot()
	first := snap.Recent[0].At
	if got := snap.Min; got != (stats.Sample{Value: 1, At: first + 1e9}) {
		t.Errorf("Min = %v, want 1 a second after %d", got, first)
	}
	if got := snap.Max; got != (stats.Sample{Value: 9, At: first + 2e9}) {
		t.Errorf("Max = %v, want 9 two seconds after %d", got, first)
	}
}

func TestWindows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reg := new(stats.Registry)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- reg.Run(ctx) }()
		d := reg.Distribution("d")
		untilMinute := time.Minute - time.Duration(time.Now().UnixNano()%int64(time.Minute))
		time.Sleep(untilMinute + time.Second)
		for m := range 150 {
			for i := range 10 {
				d.Add(float64(m*10 + i + 1))
			}
			time.Sleep(time.Minute)
		}
		snap := d.Snapshot()
		cancel()
		if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		if len(snap.Minutes) != 64 || len(snap.Hours) != 2 {
			t.Fatalf("%d minutes and %d hours, want 64 and 2", len(snap.Minutes), len(snap.Hours))
		}
		for i, w := range snap.Minutes {
			m := 150 - 64 + i
			if w.Count != 10 || w.Min != float32(m*10+1) || w.Max != float32(m*10+10) || w.Sum != float64(m*100+55) {
				t.Errorf("minute %d = %+v, want 10 values from %d to %d", i, w, m*10+1, m*10+10)
			}
			if math.Abs(float64(w.P50)-float64(m*10+5)) > 0.011*float64(w.P50) {
				t.Errorf("minute %d has median %v, want %d", i, w.P50, m*10+5)
			}
		}
		if h := snap.Hours[1]; h.Count != 600 || h.Start%int64(time.Hour) != 0 {
			t.Errorf("hour = %+v, want 600 values from the full hour on", h)
		}
	})
}

func TestAveragesFollowTheValues(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reg := new(stats.Registry)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- reg.Run(ctx) }()
		d := reg.Distribution("d")
		for range 3600 {
			d.Add(1)
			time.Sleep(time.Second)
		}
		for range 60 {
			d.Add(2)
			time.Sleep(time.Second)
		}
		snap := d.Snapshot()
		cancel()
		if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		for i, decay := range stats.Decays() {
			// The weight of the last minute, of all in an hour and a minute.
			tau := decay.Seconds()
			want := 1 + (1-math.Exp(-60/tau))/(1-math.Exp(-3660/tau))
			if got := snap.Averages[i].Value(); math.Abs(got-want) > 0.02 {
				t.Errorf("average over %v = %v, want %v", decay, got, want)
			}
		}
	})
}

func TestConcurrentUseLosesNoCount(t *testing.T) {
	reg := new(stats.Registry)
	d, c, top := reg.Distribution("d"), reg.Counter("c"), reg.Top("t")
	const goroutines, each = 16, 5000
	stop := make(chan struct{})
	var readers, writers sync.WaitGroup
	readers.Go(func() {
		var sum stats.Snapshot
		for {
			select {
			case <-stop:
				return
			default:
			}
			if err := sum.Merge(reg.Snapshot()); err != nil {
				t.Error(err)
			}
		}
	})
	for range goroutines {
		writers.Go(func() {
			for i := range each {
				d.Add(float64(i))
				c.Add(1)
				top.Add("key")
			}
		})
	}
	writers.Wait()
	close(stop)
	readers.Wait()
	snap := d.Snapshot()
	if snap.Count != goroutines*each || snap.Sum != goroutines*each*(each-1)/2 {
		t.Errorf("Count, Sum = %d, %v; want %d, %d", snap.Count, snap.Sum, goroutines*each, goroutines*each*(each-1)/2)
	}
	if n := c.Value(); n != goroutines*each {
		t.Errorf("Counter = %d, want %d", n, goroutines*each)
	}
	if lower, _ := top.Snapshot().Bounds("key"); lower != goroutines*each {
		t.Errorf("Top = %d, want %d", lower, goroutines*each)
	}
}

func TestAddDoesNotAllocate(t *testing.T) {
	reg := new(stats.Registry)
	d, c, top, card := reg.Distribution("d"), reg.Counter("c"), reg.Top("t"), reg.Cardinality("n")
	visit := reg.States("s").Enter(reg.States("s").State("a"))
	rate := reg.Rate("r")
	values := sample("log-normal", 1000)
	d.Add(1)
	for _, v := range values {
		d.Add(v)
	}
	i := 0
	allocs := testing.AllocsPerRun(10_000, func() {
		d.Add(values[i%len(values)])
		i++
		c.Add(1)
		top.Add("key")
		card.Add("key")
		rate.TickAt(time.Time{})
		visit.Transition(0)
	})
	if allocs != 0 {
		t.Errorf("%v allocations, want 0", allocs)
	}
}

func TestAddSinceIsNeverNegative(t *testing.T) {
	d := new(stats.Registry).Distribution("d_seconds")
	d.AddSince(time.Now().Add(time.Hour))
	if snap := d.Snapshot(); snap.Count != 1 || snap.Min.Value != 0 {
		t.Errorf("a start in the future gave %+v, want one 0", snap)
	}
}
