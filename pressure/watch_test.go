package pressure_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/support-go/support/pressure"
	"github.com/support-go/support/stats"
)

func TestLevels(t *testing.T) {
	tests := map[string]struct {
		watch   pressure.Watch
		signals pressure.Signals
		level   pressure.Level
		cause   string
	}{
		"nothing":            {pressure.Watch{}, pressure.Signals{}, pressure.Calm, ""},
		"below":              {pressure.Watch{}, pressure.Signals{Memory: 0.74, GC: 0.29, Delay: 0.04, Files: 0.79}, pressure.Calm, ""},
		"memory tight":       {pressure.Watch{}, pressure.Signals{Memory: 0.75}, pressure.Tight, "memory"},
		"memory short":       {pressure.Watch{}, pressure.Signals{Memory: 0.9}, pressure.Short, "memory"},
		"memory dire":        {pressure.Watch{}, pressure.Signals{Memory: 1.2}, pressure.Dire, "memory"},
		"collector":          {pressure.Watch{}, pressure.Signals{Memory: 0.75, GC: 0.6}, pressure.Short, "gc"},
		"delay":              {pressure.Watch{}, pressure.Signals{Delay: 2}, pressure.Short, "delay"},
		"files":              {pressure.Watch{}, pressure.Signals{Files: 0.92, GC: 0.3}, pressure.Short, "files"},
		"files, never":       {pressure.Watch{Files: pressure.Marks{-1, -1, -1}}, pressure.Signals{Files: 1}, pressure.Calm, ""},
		"own mark":           {pressure.Watch{Delay: pressure.Marks{Dire: 0.01}}, pressure.Signals{Delay: 0.02}, pressure.Dire, "delay"},
		"the default of two": {pressure.Watch{Delay: pressure.Marks{Dire: 9}}, pressure.Signals{Delay: 2}, pressure.Short, "delay"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, enough := context.WithCancelCause(t.Context())
				end := errors.New("enough")
				reg := new(stats.Registry)
				var got pressure.Reading
				err := test.watch.RunOn(ctx, reg, func() pressure.Signals { return test.signals }, func(r pressure.Reading) {
					got = r
					enough(end)
				})
				if !errors.Is(err, end) || got.Level != test.level || got.Cause != test.cause {
					t.Errorf("%+v, %v; want %v for %q", got, err, test.level, test.cause)
				}
				if v := reg.Gauge("pressure.level").Value(); v != float64(test.level) {
					t.Errorf("the gauge says %v, want %d", v, test.level)
				}
			})
		})
	}
}

// TestHold keeps a level for a while when its cause has gone.
func TestHold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		calm := time.Duration(0)
		_ = pressure.Watch{}.RunOn(ctx, nil, func() pressure.Signals { // until ctx ends
			if time.Since(start) < time.Second {
				return pressure.Signals{GC: 1}
			}
			return pressure.Signals{}
		}, func(r pressure.Reading) {
			if r.Level == pressure.Calm && calm == 0 {
				calm = time.Since(start)
			}
		})
		if calm < 2500*time.Millisecond || calm > 3500*time.Millisecond {
			t.Errorf("calm after %v, want about 2 s after a second of pressure", calm)
		}
	})
}

// TestSignals puts this process under each kind of pressure.
func TestSignals(t *testing.T) {
	tests := map[string]struct {
		work func(t *testing.T)
		seen func(s pressure.Signals) bool
	}{
		"memory": {func(t *testing.T) {
			before := debug.SetMemoryLimit(512 << 20)
			t.Cleanup(func() { debug.SetMemoryLimit(before) })
			block := make([]byte, 64<<20)
			runtime.GC()
			runtime.KeepAlive(block)
		}, func(s pressure.Signals) bool { return s.Memory > 0.125 && s.Memory < 1 }},
		"collector": {func(*testing.T) {
			for range 50 {
				runtime.GC()
			}
		}, func(s pressure.Signals) bool { return s.GC > 0.01 && s.GC <= 1 }},
		"delay": {func(t *testing.T) {
			before := runtime.GOMAXPROCS(1)
			t.Cleanup(func() { runtime.GOMAXPROCS(before) })
			var all sync.WaitGroup
			for range 20 { // of which one can run
				all.Go(func() {
					for begun := time.Now(); time.Since(begun) < 200*time.Millisecond; {
					}
				})
			}
			all.Wait()
		}, func(s pressure.Signals) bool { return s.Delay > 0.02 }},
		"files": {func(t *testing.T) {
			for range 100 {
				f, err := os.Open(os.DevNull)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = f.Close() })
			}
		}, func(s pressure.Signals) bool { return runtime.GOOS != "linux" || s.Files > 0 && s.Files < 1 }},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if s := pressure.Read(func() { test.work(t) }); !test.seen(s) {
				t.Errorf("read %+v", s)
			}
		})
	}
}

func ExampleWatch() {
	ctx, cancel := context.WithCancel(context.Background())
	watch := pressure.Watch{Every: time.Millisecond}
	err := watch.Run(ctx, nil, func(r pressure.Reading) {
		fmt.Println(r.Files < 1)
		cancel()
	})
	fmt.Println(err)
	// Output:
	// true
	// context canceled
}

func ExampleLevel() {
	fmt.Println(pressure.Calm, pressure.Tight, pressure.Short, pressure.Dire)
	// Output: calm tight short dire
}

func ExampleMarks() {
	// Never mind the files, and be quick to act on memory.
	watch := pressure.Watch{Files: pressure.Marks{Tight: -1, Short: -1, Dire: -1}, Memory: pressure.Marks{Tight: 0.5}}
	fmt.Println(watch.Memory.Tight)
	// Output: 0.5
}

func ExampleReading() {
	r := pressure.Reading{Signals: pressure.Signals{Memory: 0.9}, Level: pressure.Short, Cause: "memory"}
	fmt.Println(r.Level, "of", r.Cause)
	// Output: short of memory
}

func ExampleSignals() {
	fmt.Println(pressure.Signals{Delay: 0.002})
	// Output: {0 0 0.002 0}
}
