package admit

import "time"

// demand works out how many requests may run at once, from how many of those
// that run want the CPU and how much of it is used. All of it is guarded by the
// gate's lock.
//
// Of N running requests, w want the CPU, so that b = N - w wait for something
// else. If U is the part of the CPU share that is used, then b/U is how many
// would wait at full use, by Little's law, however much is used now: it belongs
// to the work and not to the load. That many, and a few that compute, are what
// the process can take:
//
//	limit = T + 1.1 b/U
//
// T is as many for each core as are served in a millisecond, but one at least: a
// second request that computes for longer only delays the first one. It is up to
// four where requests wait as well, as then they do not compute at regular times.
//
// It begins with b = 0, a limit of T, and takes requests for such as compute. If
// they do not, the CPU is idle while somebody has to wait, and more may run at
// once, see spare.
type demand struct {
	sense sense
	cores float64

	idle  float64   // b/U, smoothed
	asked time.Time // when sense was asked for w

	read     time.Time     // when it was asked for the CPU time
	cpu      time.Duration // at that time
	admitted uint64        // at that time
	use      float64       // U, smoothed
	spent    float64       // CPU time of late, in ns, and for how many requests: sums
	spentFor float64       // that fade, so that their quotient is a mean
}

// sight is what a gate has before its eyes.
type sight struct {
	running  int
	admitted uint64        // so far
	service  time.Duration // mean time in the handler; 0 if unknown
	most     int           // the upper end of limits
}

const (
	askEvery = time.Millisecond       // to learn
	useEvery = 10 * time.Millisecond  // CPU time comes in steps of up to 4 ms
	stale    = 100 * time.Millisecond // a longer time includes one without load
	leastUse = 0.05                   // below, the quotient is noise
	firstUse = 0.25                   // before any has been measured
	margin   = 1.1                    // for background work that is counted as if requests wanted it
	short    = time.Millisecond       // a request that nobody notices behind another
	mostT    = 64                     // of short requests for each core
	fading   = 1.0 / 8                // of the sums, each time that the CPU time is read

	leastOver  = 8 * time.Millisecond // that it learns over
	mostOver   = 200 * time.Millisecond
	mostWeight = 1.0 / 8 // of what is seen at one moment
)

func newDemand(sense sense, cores int) demand {
	return demand{sense: sense, cores: float64(cores), use: firstUse}
}

// look learns, if it is time. It learns no faster than requests are served,
// since b shows at once what is let in, and U only when that has waited.
func (d *demand) look(now time.Time, s sight) {
	since := now.Sub(d.asked)
	if since < askEvery {
		return
	}
	d.asked = now
	d.lookAtUse(now, s.admitted)
	if s.running > 0 {
		b := float64(max(s.running-d.want(), 0))
		over := min(max(2*s.service, leastOver), mostOver)
		d.idle += (b/max(d.use, leastUse) - d.idle) * min(float64(since)/float64(over), mostWeight)
	}
	d.idle = min(d.idle, float64(s.most)) // so that it comes down as fast as it went up
}

// lookAtUse learns how much of the CPU is used, and what a request takes of it.
func (d *demand) lookAtUse(now time.Time, admitted uint64) {
	since := now.Sub(d.read)
	if since < useEvery {
		return
	}
	used, served := d.sense.cpu()-d.cpu, admitted-d.admitted
	first := d.read.IsZero()
	d.cpu, d.admitted, d.read = d.cpu+used, admitted, now
	use := min(float64(used)/(float64(since)*d.cores), 1)
	switch {
	case d.cpu == 0:
		d.use = 1 // not known on this system
		return
	case first:
		return
	case since > stale:
		d.use = max(use, firstUse) // the load has just begun
	default:
		d.use += (use - d.use) / 4
	}
	d.spent += float64(used) - d.spent*fading
	d.spentFor += float64(served) - d.spentFor*fading
}

// each is the CPU time of a request in ns, or the time that it takes if that is
// less or nothing else is known; 0 if not even that is.
func (d *demand) each(service float64) float64 {
	if d.spent == 0 || d.spentFor < 1 {
		return service
	}
	return min(d.spent/d.spentFor, service)
}

// limit is how many may run, of which each computes for a time.
func (d *demand) limit(each float64) int {
	t := 1 + 3*d.idle/(d.idle+d.cores)
	if each > 0 {
		t = max(t, min(float64(short)/each, mostT))
	}
	return int(d.cores*t + margin*d.idle)
}

// spare says whether a core has nothing to do for those that run. It asks each
// time, since what was true before the latest came is not any more.
func (d *demand) spare() bool { return float64(d.want()) < d.cores }

// want is w.
func (d *demand) want() int { return max(d.sense.wanting(), 0) }
