package requests

import "sync/atomic"

// progress says how far an answer is: its phase, its status and the bytes of
// its body that the handler has written. The handler writes it, and anybody
// reads it.
type progress struct{ word atomic.Uint64 }

// phase is what a handler does.
type phase uint64

const (
	handling  phase = iota // nothing has been answered yet
	answering              // the answer has begun
	writing                // a write or a flush is under way
)

const (
	phaseShift  = 62
	statusShift = 52
	statusMask  = 1<<10 - 1
	sentMask    = 1<<statusShift - 1
)

func (p *progress) load() (now phase, status int, sent int64) {
	w := p.word.Load()
	return phase(w >> phaseShift), int(w >> statusShift & statusMask), int64(w & sentMask)
}

func (p *progress) store(now phase, status int, sent int64) {
	p.word.Store(uint64(now)<<phaseShift | uint64(status&statusMask)<<statusShift | uint64(sent)&sentMask)
}

// begun says whether a final status has been sent.
func (p *progress) begun() bool { return p.word.Load()>>phaseShift != 0 }

func (p phase) String() string { return [...]string{"handling", "answering", "writing", ""}[p] }
