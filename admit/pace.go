package admit

import "time"

// pace knows how fast requests are served.
type pace struct {
	service float64 // mean time in the handler, in ns; 0 if unknown

	flow  float64   // requests served in a ns, when last some waited; 0 if unknown
	since time.Time // the window of it that is open
	ended int       // in that window

	most    int       // see within; 0 for any number
	changed time.Time // most
}

const (
	leastEnded = 64                     // in a window, unless
	longWindow = 200 * time.Millisecond // it is longer than that
	oldFlow    = time.Second            // of another load
)

// note takes a service time into the mean, the first one whole.
func (p *pace) note(took time.Duration) {
	took = max(took, 1)
	if p.service == 0 {
		p.service = float64(took)
		return
	}
	p.service += (float64(took) - p.service) / 16
}

// queue is told that some wait from now on.
func (p *pace) queue(now time.Time) {
	if now.Sub(p.since) > oldFlow {
		p.flow = 0
	}
	p.since, p.ended = now, 0
}

// count learns the flow while some wait, from how many have been served.
func (p *pace) count(n int, now time.Time) {
	p.ended += n
	open := now.Sub(p.since)
	if open <= 0 || p.ended < leastEnded && open < longWindow {
		return
	}
	flow := float64(p.ended) / float64(open)
	if p.flow == 0 {
		p.flow = flow
	}
	p.flow += (flow - p.flow) / 2
	p.since, p.ended = now, 0
}

// within is how many may run so that the mean service time comes down to
// longest. What they all wait for serves as many a second as it can, so that by
// Little's law the time that each takes goes with their number. When it is short
// enough, a few more may run each time that all of them have been served.
func (p *pace) within(longest time.Duration, running, limit int, now time.Time) int {
	if p.most == 0 {
		p.most = limit
	}
	if now.Sub(p.changed) < max(time.Duration(p.service), useEvery) {
		return p.most
	}
	p.changed = now
	if p.service > float64(longest) {
		p.most = int(float64(min(p.most, running)) * max(float64(longest)/p.service, 0.5))
	} else {
		p.most = min(p.most+p.most/8+1, limit)
	}
	return max(p.most, 1)
}
