package track

// A tally counts the requests of one connection in one word, so that each
// change of it is one atomic operation: those running; of these, the quiet
// ones, which are being handled and have not moved a byte since they began;
// and the streaming ones, which have.
type tally uint64

const (
	running   = 1 << 0
	quiet     = 1 << 21
	streaming = 1 << 42
	mask      = 1<<21 - 1 // two million requests at once on one connection
)

func (t tally) running() int   { return int(t / running & mask) }
func (t tally) quiet() int     { return int(t / quiet & mask) }
func (t tally) streaming() int { return int(t / streaming & mask) }

// end takes one request off. Which one is not known: one that streams, if any.
func (t tally) end() tally {
	switch {
	case t.running() == 0:
		return t
	case t.streaming() > 0:
		return t - running - streaming
	case t.quiet() > 0:
		return t - running - quiet
	}
	return t - running
}

// move makes the quiet ones streaming ones.
func (t tally) move() tally {
	n := tally(t.quiet())
	return t - n*quiet + n*streaming
}
