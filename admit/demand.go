package admit

import "time"

// demand works out how many requests may run at once, from how many of those
// that run want the CPU and how much of it is used. All of it is guarded by the
// gate's lock.
//
// Of N running requests, w want the CPU, so that b = N - w wait for something
// else. If U is the part of the CPU share that is used, then b/U is how many
// would wait at full use, by Little's law, however much is used now: it belongs
// to the work and not to the load, so that it can be learned at any time. That
// many, and a few that compute, are what the process can take:
//
//	limit = T + 1.1 b/U
//
// T is as many for each core as are served in a millisecond, but one at least: a
// second request that computes for longer only delays the first one. It is up to
// four where requests wait as well, as then they do not compute at regular times.
type demand struct {
	sense sense
	cores float64

	idle     float64       // b/U, smoothed
	asked    time.Time     // when sense was asked for w
	read     time.Time     // when it was asked for the CPU time
	cpu      time.Duration // at that time
	admitted uint64        // at that time
	use      float64       // U, smoothed
}

// sight is what a gate has before its eyes.
type sight struct {
	running  int
	admitted uint64        // so far
	service  time.Duration // mean time in the handler; 0 if unknown
	most     int           // the upper end of limits
}

const (
	askEvery = time.Millisecond       // no sooner, since it takes 100 ns
	useEvery = 10 * time.Millisecond  // CPU time comes in steps of up to 4 ms
	stale    = 100 * time.Millisecond // a longer time includes one without load
	leastUse = 0.05                   // below, the quotient is noise
	firstUse = 0.25                   // before any has been measured
	free     = 0.7                    // of the CPU, when nobody waits for it
	slack    = 1.25                   // since a request is interrupted now and then
	margin   = 1.1                    // for background work that is counted as if requests wanted it
	short    = time.Millisecond       // a request that nobody notices behind another
	mostT    = 64                     // of short requests for each core
	guess    = 4                      // waiting requests for each core, before anything is known

	leastOver  = 8 * time.Millisecond // that it learns over
	mostOver   = 200 * time.Millisecond
	mostWeight = 1.0 / 8 // of what is seen at one moment
)

func newDemand(sense sense, cores int) demand {
	return demand{sense: sense, cores: float64(cores), idle: guess * float64(cores), use: firstUse}
}

// look learns, if it is time. It learns no faster than requests are served,
// since b shows at once what is let in, and U only when that has waited.
func (d *demand) look(now time.Time, s sight) {
	since := now.Sub(d.asked)
	if since < askEvery {
		return
	}
	d.asked = now
	d.lookAtUse(now, s)
	b := float64(max(s.running-max(d.sense.wanting(), 0), 0))
	if s.running > 0 {
		over := min(max(2*s.service, leastOver), mostOver)
		d.learn(b, min(float64(since)/float64(over), mostWeight))
	}
	d.idle = min(d.idle, float64(s.most)) // so that it comes down as fast as it went up
}

func (d *demand) learn(b, weight float64) {
	d.idle += (b/max(d.use, leastUse) - d.idle) * weight
}

// lookAtUse learns how much of the CPU is used. As long as some of it is free,
// nobody waits for it, and b is also what the requests of this time have spent in
// their handlers, by Little's law, without the CPU time.
func (d *demand) lookAtUse(now time.Time, s sight) {
	since := now.Sub(d.read)
	if since < useEvery {
		return
	}
	used, admitted := d.sense.cpu()-d.cpu, s.admitted-d.admitted
	d.cpu, d.admitted, d.read = d.cpu+used, s.admitted, now
	use := min(float64(used)/(float64(since)*d.cores), 1)
	switch {
	case d.cpu == 0:
		d.use = 1 // not known on this system
		return
	case since > stale:
		d.use = use
	default:
		d.use += (use - d.use) / 4
	}
	if use < free && s.service > 0 {
		b := (float64(admitted)*float64(s.service) - slack*float64(used)) / float64(since)
		d.learn(max(b, 0), min(float64(admitted)/64, 0.5))
	}
	if since > stale {
		d.use = max(d.use, firstUse) // the load has just begun
	}
}

// limit is how many may run, of which each computes and waits for service.
func (d *demand) limit(service time.Duration) int {
	each := 1 + 3*d.idle/(d.idle+d.cores)
	if service > 0 {
		each = max(each, min(float64(short)/float64(service), mostT))
	}
	return int(d.cores*each + margin*d.idle)
}
