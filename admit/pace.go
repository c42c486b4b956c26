package admit

import "time"

// pace knows how fast requests are served.
type pace struct {
	service float64 // mean time in the handler, in ns; 0 if unknown

	most    int       // see within; 0 for any number
	changed time.Time // most
}

// note takes a service time into the mean, the first one whole.
func (p *pace) note(took time.Duration) {
	took = max(took, 1)
	if p.service == 0 {
		p.service = float64(took)
		return
	}
	p.service += (float64(took) - p.service) / 8
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
