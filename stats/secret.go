package stats

import (
	"crypto/rand"
	"sync/atomic"

	"github.com/support-go/support/internal/siphash"
)

// secret is the key of a Registry's hashes, made at its first use: until then
// whoever owns the Registry may still learn which one to take.
type secret struct {
	chosen *[16]byte // by the owner; zero for a random one
	made   atomic.Pointer[siphash.Key]
}

func (s *secret) key() *siphash.Key {
	if k := s.made.Load(); k != nil {
		return k
	}
	return s.make()
}

func (s *secret) make() *siphash.Key {
	chosen := *s.chosen
	if chosen == [16]byte{} {
		rand.Read(chosen[:])
	}
	k := siphash.KeyOf(chosen)
	s.made.CompareAndSwap(nil, &k)
	return s.made.Load()
}
