package stats_test

import (
	"fmt"
	"time"

	"github.com/support-go/support/stats"
)

func ExampleRegistry() {
	var reg stats.Registry
	reg.Counter("http.requests", "route", "GET /users").Add(3)
	reg.Gauge("http.open").Set(2)
	fmt.Println(reg.Snapshot().Lookup("http.requests", "route", "GET /users"))
	// Output: 3
}

func ExampleCounter() {
	var c stats.Counter
	c.Add(1)
	c.Add(41)
	fmt.Println(c.Value())
	// Output: 42
}

func ExampleGauge() {
	var g stats.Gauge
	g.Add(2)
	g.Add(-0.5)
	fmt.Println(g.Value())
	// Output: 1.5
}

func ExamplePeak() {
	var one, two stats.Registry
	one.Peak("queue.longest").Reach(3)
	two.Peak("queue.longest").Reach(7)
	two.Peak("queue.longest").Reach(5)
	sum := one.Snapshot()
	_ = sum.Merge(two.Snapshot()) // its error is that kinds differ
	fmt.Println(sum.Lookup("queue.longest"))
	// Output: 7
}

func ExampleDistribution() {
	var reg stats.Registry
	wait := reg.Distribution("http.wait_seconds")
	for ms := range 1000 {
		wait.AddDuration(time.Duration(ms) * time.Millisecond)
	}
	snap := wait.Snapshot()
	fmt.Printf("%d waits, mean %.3f s, 99 %% within %.2f s\n", snap.Count, snap.Mean, snap.Quantile(0.99))
	// Output: 1000 waits, mean 0.499 s, 99 % within 0.99 s
}

func ExampleDistributionSnapshot_Merge() {
	var one, two stats.Registry
	one.Distribution("size_bytes").Add(100)
	two.Distribution("size_bytes").Add(300)
	sum := one.Distribution("size_bytes").Snapshot()
	sum.Merge(two.Distribution("size_bytes").Snapshot())
	fmt.Println(sum.Count, sum.Mean, sum.Max.Value)
	// Output: 2 200 300
}

func ExampleRate() {
	var reg stats.Registry
	beats := reg.Rate("heart.beats")
	start := time.Now()
	for i := range 11 {
		beats.TickAt(start.Add(time.Duration(i) * 500 * time.Millisecond))
	}
	snap := beats.Snapshot()
	fmt.Println(snap.Ticks, snap.PerSecond(), snap.Gaps.Max.Value)
	// Output: 11 2 0.5
}

func ExampleStates() {
	var reg stats.Registry
	conns := reg.States("http.conns")
	reading, working := conns.State("reading"), conns.State("working")

	first := conns.Enter(reading)
	second := conns.Enter(reading)
	first.Transition(working)
	second.Leave()

	snap := conns.Snapshot()
	fmt.Println(snap.State("reading").Present, snap.State("working").Present, snap.Count("reading", "working"))
	// Output: 0 1 1
}

func ExampleVisitor() {
	var reg stats.Registry
	jobs := reg.States("jobs")
	waiting, running := jobs.State("waiting"), jobs.State("running")
	func() {
		job := jobs.Enter(waiting)
		defer job.Leave()
		job.Transition(running)
	}()
	for _, m := range jobs.Snapshot().Moves {
		fmt.Printf("%q -> %q: %d\n", m.From, m.To, m.Count)
	}
	// Output:
	// "" -> "waiting": 1
	// "running" -> "": 1
	// "waiting" -> "running": 1
}

func ExampleTop() {
	var reg stats.Registry
	clients := reg.Top("http.clients")
	for i := range 100 {
		clients.Add(fmt.Sprintf("10.0.0.%d", i%3*i%2))
	}
	for _, h := range clients.Snapshot().Heaviest(1) {
		fmt.Println(h.Key, h.Weight)
	}
	// Output: 10.0.0.0 83
}

func ExampleCardinality() {
	reg := stats.Registry{Secret: [16]byte{1, 2, 3}}
	users := reg.Cardinality("users")
	for i := range 5000 {
		users.Add(fmt.Sprint(i % 1000))
	}
	estimate := users.Snapshot().Estimate()
	fmt.Println(estimate > 950 && estimate < 1050)
	// Output: true
}

func ExampleSnapshot_Sub() {
	var reg stats.Registry
	reg.Counter("c").Add(5)
	reg.Counter("quiet").Add(1)
	base := reg.Snapshot()
	reg.Counter("c").Add(2)
	for _, s := range reg.Snapshot().Sub(base).Series {
		fmt.Println(s.Name, s.Value)
	}
	// Output: c 2
}

func ExampleTotals() {
	var worker stats.Registry
	worker.Counter("served").Add(7)
	reporter := stats.NewReporter(&worker, "worker")

	var totals stats.Totals
	delta := reporter.Next()
	if err := totals.Apply(delta); err != nil {
		fmt.Println(err)
	}
	_ = totals.End(delta.Source) // the worker crashes
	sum, _ := totals.Snapshot()
	fmt.Println(sum.Lookup("served"))
	// Output: 7
}

func ExampleReporter() {
	var reg stats.Registry
	reg.Counter("c").Add(1)
	reporter := stats.NewReporter(&reg, "worker")
	first := reporter.Next()
	again := reporter.Next()
	reporter.Acknowledge(first.Sequence)
	fmt.Println(first.Sequence, again.Sequence, reporter.Next().Sequence)
	// Output: 1 1 2
}
