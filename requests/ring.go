package requests

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Bounds of what is kept of a request, in bytes.
const (
	maxPath   = 120
	maxName   = 120
	maxRemote = 56 // an IPv6 address with zone and port
	maxMethod = 12
	maxNote   = 96
)

// record is what is kept of a request that has ended. It has no pointer into the
// request, so that a long header does not stay in memory.
type record struct {
	id                             ID
	start, took                    int64
	status                         int
	sent, received                 int64
	ending                         outcome
	method                         [maxMethod]byte
	path                           [maxPath]byte
	remote                         [maxRemote]byte
	note                           [maxNote]byte
	nMethod, nPath, nRemote, nNote uint8
	cutPath                        bool // it was longer
}

func (r *record) set(v *visit, f *finish) {
	*r = record{
		id: v.id(), start: v.start, took: f.took, status: f.status,
		sent: f.sent, received: f.received, ending: f.ending,
		cutPath: len(v.path) > maxPath,
	}
	r.nMethod = uint8(copy(r.method[:], v.method))
	r.nPath = uint8(copy(r.path[:], v.path))
	r.nRemote = uint8(copy(r.remote[:], v.remote))
	r.nNote = uint8(copy(r.note[:], v.note))
}

// ring keeps the last few requests.
type ring struct {
	size int

	mu   sync.Mutex
	all  []record // made when first needed
	next int
}

func (r *ring) add(v *visit, f *finish) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.all) < r.size {
		r.all = append(r.all, record{})
		r.all[len(r.all)-1].set(v, f)
		return
	}
	r.all[r.next].set(v, f)
	r.next = (r.next + 1) % r.size
}

func (r *ring) each(read func(*record)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range r.all {
		read(&r.all[i])
	}
}

// slowFor is how long a slow request is remembered.
const slowFor = int64(10 * time.Minute)

// slowest keeps the few slowest requests of late.
type slowest struct {
	size  int
	floor atomic.Int64 // whatever takes longer is among them

	mu  sync.Mutex
	all []record
	old int64 // when the first of them expires; 0 if there is none
}

func (s *slowest) add(v *visit, f *finish) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expireLocked(f.now)
	if len(s.all) < s.size {
		s.all = append(s.all, record{})
	} else if s.all[s.fastest()].took >= f.took {
		return // somebody was quicker to add a slower one
	}
	at := len(s.all) - 1
	if s.all[at].id != 0 {
		at = s.fastest()
	}
	s.all[at].set(v, f)
	s.lookLocked()
}

// expire forgets what is too old. It is called now and then.
func (s *slowest) expire(now int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expireLocked(now)
}

func (s *slowest) expireLocked(now int64) {
	if s.old == 0 || now < s.old {
		return
	}
	s.all = slices.DeleteFunc(s.all, func(r record) bool { return r.start+r.took+slowFor <= now })
	s.lookLocked()
}

// lookLocked brings floor and old up to date.
func (s *slowest) lookLocked() {
	s.old = 0
	for i := range s.all {
		if end := s.all[i].start + s.all[i].took + slowFor; s.old == 0 || end < s.old {
			s.old = end
		}
	}
	if len(s.all) < s.size {
		s.floor.Store(0)
		return
	}
	s.floor.Store(s.all[s.fastest()].took)
}

func (s *slowest) fastest() int {
	at := 0
	for i := range s.all {
		if s.all[i].took < s.all[at].took {
			at = i
		}
	}
	return at
}

func (s *slowest) each(now int64, read func(*record)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expireLocked(now)
	for i := range s.all {
		read(&s.all[i])
	}
}
