package admit

import (
	"cmp"
	"time"
)

// Limits says how much a Gate lets in. Zero fields take the defaults.
type Limits struct {
	// Cores is how many requests may compute at once. By default it is the CPU
	// share of this process, see Cores.
	Cores int

	// Running is how many requests may run at once. By default it is Cores, as
	// for requests that compute, and more, up to InFlight, as soon as they are seen
	// to wait for something else. Set it where they compute outside of Go, which
	// the runtime cannot see.
	Running  int
	InFlight int // never more than these run at once, whatever they do; default 1024

	// Standing is how long a request waits at most when there has been a queue for
	// longer than Burst; default 100 ms. A shorter queue may be as long as Burst;
	// default 150 ms. Both are forecasts, made on arrival.
	Standing time.Duration
	Burst    time.Duration
	MaxWait  time.Duration // the end of a wait of which the forecast was wrong; default 500 ms

	// Latency, if set, lowers the limit while requests run for longer on average,
	// as they do when what they all wait for is overloaded; never below Cores.
	Latency time.Duration

	// Lasting is the time after which a request gives its place back while it
	// runs on, such as a stream of events, or one that is stuck; default 10 s. It
	// takes up to twice as long until that is noticed.
	Lasting time.Duration

	fixed bool // nothing but Running is short, see Fixed
}

const (
	maxWaiting = 4096 // in the room, of one class and those before it, for the memory they take
	blindRoom  = 128  // before any service time is known
	blindWaves = 16   // the same, for each that may run, where that is fixed
)

// InForce returns l with the defaults where nothing is set.
func (l Limits) InForce() Limits {
	l.Cores = max(cmp.Or(l.Cores, Cores()), 1)
	l.InFlight = cmp.Or(l.InFlight, max(1024, l.Running))
	l.Standing = cmp.Or(l.Standing, 100*time.Millisecond)
	l.Burst = cmp.Or(l.Burst, 150*time.Millisecond)
	l.MaxWait = cmp.Or(l.MaxWait, 500*time.Millisecond)
	l.Lasting = cmp.Or(l.Lasting, 10*time.Second)
	return l
}
