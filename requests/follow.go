package requests

import (
	"net/http"
	"sync"
	"time"

	"github.com/support-go/support/stats"
)

// stage is where a followed request is: one of its States.
type stage uint8

const (
	inBacklog   stage = iota // the kernel holds the connection
	inQueue                  // the program holds it, or the request
	inHandshake              // TLS
	inHeader                 // the request's header is awaited and read
	inHandling               // the handler has not begun to answer
	inReading                // it waits for the body
	inAnswering              // it has begun to answer
	inWriting                // it waits for the client to take the answer
	inFlushing               // it has returned, and the answer is not written yet
	ended                    // and the outcomes
	stages      = ended + stage(outcomes)
)

func (s stage) String() string {
	if s >= ended {
		return outcome(s - ended).String()
	}
	return [...]string{
		"backlog", "queue", "handshake", "header", "handling", "reading", "answering", "writing", "flushing",
	}[s]
}

// maxMarks is how many changes of stage are kept of a request. What comes after
// counts for the stage it is in then.
const maxMarks = 16

type mark struct {
	stage stage
	at    int64
}

// follow is what more is kept of a request that is followed.
type follow struct {
	client string // its address without the port
	weight int64  // requests that this one stands for

	mu    sync.Mutex // a body may be read while the answer is written
	marks [maxMarks]mark
	n     int
	begun bool // the answer has begun
}

var follows = sync.Pool{New: func() any { return new(follow) }}

// enter notes a change of stage.
func (f *follow) enter(s stage, at int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case s == inWriting:
		f.begun = true
	case s == inHandling && f.begun:
		s = inAnswering
	}
	if f.n == maxMarks && s < inFlushing || f.n > 0 && f.marks[f.n-1].stage == s {
		return
	}
	if f.n == maxMarks {
		f.n--
	}
	f.marks[f.n] = mark{s, at}
	f.n++
}

// arrive notes what is known of the time before the handler began.
func (f *follow) arrive(rec *Recorder, a Arrival, begun int64) {
	for s, t := range [...]time.Time{a.Kernel, a.Taken, a.Served, a.Secured} {
		if !t.IsZero() {
			f.enter(stage(s), min(int64(t.Sub(rec.base)), begun))
		}
	}
	f.enter(inHandling, begun)
}

// beginFollowing is for a visit that has just begun.
func (v *visit) beginFollowing(r *http.Request) {
	rec := v.recorder
	f := follows.Get().(*follow)
	f.n, f.begun = 0, false
	f.weight = int64(rec.pace.followed(v.start))
	f.client = rec.clientOf(r)
	f.arrive(rec, rec.arrivalOf(v.inner, r), v.start)
	if v.body != nil {
		v.body.follow.Store(f)
	}
	v.followed = f
}

// endFollowing counts what has been seen of a visit that has ended.
func (v *visit) endFollowing(at *route, end *finish) {
	rec, f := v.recorder, v.followed
	v.followed = nil
	if v.body != nil {
		v.body.follow.Store(nil)
	}
	rec.clients.Add(f.client)
	rec.talkers.AddWeight(f.client, f.weight)
	at.recent.add(v, end)
	at.slow.expire(end.now)
	f.enter(inFlushing, end.now)
	last := flushing{follow: f, route: at, ending: end.ending, kept: v.body == nil}
	if c := v.recorder.connOf(v.request); c != nil && end.ending == done && v.cancel == nil && v.taken.Load() == nil &&
		rec.told.Load() && rec.pending.add(c.conn, last) {
		return
	}
	rec.flushed(last, end.now)
}

// flushing is a followed request whose handler has returned.
type flushing struct {
	follow *follow
	route  *route
	ending outcome
	kept   bool // nobody else has the follow, so it can be used again
}

// flushed ends a followed request, and moves it through its States.
func (rec *Recorder) flushed(l flushing, now int64) {
	states, names := l.route.followed()
	f := l.follow
	f.mu.Lock()
	defer f.mu.Unlock()
	var v stats.Visitor
	for i, m := range f.marks[:f.n] {
		if i == 0 {
			v = states.EnterAt(names[m.stage], rec.at(m.at))
			continue
		}
		v.TransitionAt(names[m.stage], rec.at(m.at))
	}
	v.TransitionAt(names[ended+stage(l.ending)], rec.at(now))
	v.LeaveAt(rec.at(now))
	if l.kept {
		follows.Put(f)
	}
}
