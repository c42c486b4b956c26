package admit

import "time"

// ages counts running requests by the period in which they began, so that
// those that last can be told from the others without a list of them. A period
// is as long as a request may take.
type ages struct {
	period  int
	began   time.Time // of the period
	recent  [2]int    // running, begun in this period and in the one before
	lasting int       // running, begun earlier
}

// begin counts one, and returns the period, which end wants.
func (a *ages) begin() int {
	a.recent[a.period&1]++
	return a.period
}

func (a *ages) end(period int) {
	if a.period-period > 1 {
		a.lasting--
		return
	}
	a.recent[period&1]--
}

// turn begins new periods as time goes by.
func (a *ages) turn(now time.Time, length time.Duration) {
	if a.began.IsZero() {
		a.began = now
	}
	for range min(now.Sub(a.began)/length, 2) { // after two, all that run last
		a.period++
		a.lasting += a.recent[a.period&1]
		a.recent[a.period&1] = 0
		a.began = now
	}
}
