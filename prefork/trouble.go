package prefork

import (
	"math"
	"math/rand/v2"
	"time"
)

// Trouble is the recent history of something that should not happen: a count
// that halves in a given time, after the restart intensity of Erlang's
// supervisors, which forgets instead of giving up.
type Trouble struct {
	Count float64   `json:"count"`
	At    time.Time `json:"at,omitzero"`
}

const (
	troubleHalfLife = 2 * time.Minute // of failed starts
	killsHalfLife   = 5 * time.Second // of quick deaths that somebody else has caused
	freeKills       = 5.0             // of which this many are forgiven
	looping         = 4.0             // failed starts from which on it is a loop
	firstDelay      = 250 * time.Millisecond
	longestDelay    = 30 * time.Second
	proven          = time.Second // a process that has served this long did not fail to start
	forgiven        = time.Minute // one that has served this long clears the slot's record
)

// now is the count at a moment.
func (t Trouble) now(at time.Time, halfLife time.Duration) float64 {
	return t.Count * math.Exp2(-float64(at.Sub(t.At))/float64(halfLife))
}

// looping says whether the slot fails again and again.
func (t Trouble) looping(at time.Time) bool { return t.now(at, troubleHalfLife) >= looping-0.5 }

// add counts one more failure and returns how long to wait before the next
// start: nothing after the first, then from a quarter of a second on, doubled
// each time, up to half a minute; of this between a half and the whole, so that
// slots that fail together do not start together. A program that cannot start
// is thus tried about ten times in its first minute.
func (t *Trouble) add(at time.Time) time.Duration {
	*t = Trouble{Count: t.now(at, troubleHalfLife) + 1, At: at}
	if t.Count < 1.5 {
		return 0
	}
	delay := min(float64(firstDelay)*math.Exp2(t.Count-2), float64(longestDelay))
	return time.Duration(delay * (0.5 + 0.5*rand.Float64()))
}

// forgive counts a quick death by SIGKILL and says whether to overlook it.
// Whoever kills a worker now and then does not mean that it cannot start; a
// machine that is out of memory kills it again and again.
func (t *Trouble) forgive(at time.Time) bool {
	*t = Trouble{Count: t.now(at, killsHalfLife) + 1, At: at}
	return t.Count <= freeKills
}
