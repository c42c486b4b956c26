package stats

import (
	"errors"
	"math"
	"math/bits"
	"slices"
	"sync/atomic"

	"github.com/support-go/support/internal/siphash"
)

// Cardinality estimates how many different keys there were, in 4 KiB whatever
// their number: HyperLogLog, dense from the start, with a standard error of
// 1.6 %. The hash is keyed with the Registry's secret, so that who chooses
// the keys cannot choose the estimate; still, decide nothing about security
// by it. It is safe for concurrent use. Cardinalities come from a Registry; a
// nil one will do.
type Cardinality struct {
	secret *secret
	words  [registers / 8]atomic.Uint64 // eight registers each
}

const (
	precision = 12
	registers = 1 << precision
	maxRank   = 64 - precision + 1
)

// CardinalityError is the standard error of an estimate, relative to it.
const CardinalityError = 1.04 / (1 << (precision / 2))

// Add counts key unless it was counted before.
func (c *Cardinality) Add(key string) {
	h := c.secret.key().Sum64(key)
	register := h >> (64 - precision)
	rank := uint64(bits.LeadingZeros64(h<<precision|1<<(precision-1))) + 1
	word, shift := &c.words[register/8], register%8*8
	for {
		old := word.Load()
		was := old >> shift & 0xff
		if was >= rank || word.CompareAndSwap(old, old+(rank-was)<<shift) {
			return
		}
	}
}

// Snapshot returns what has been seen so far.
func (c *Cardinality) Snapshot() *CardinalitySnapshot {
	s := &CardinalitySnapshot{Secret: fingerprint(*c.secret.key()), Registers: make([]byte, registers)}
	for i := range c.words {
		w := c.words[i].Load()
		for j := range 8 {
			s.Registers[i*8+j] = byte(w >> (8 * j))
		}
	}
	return s
}

func (c *Cardinality) snapshot(int64) Value { return c.Snapshot() }

func (c *Cardinality) fold(int64) {}

// fingerprint tells secrets apart without giving them away.
func fingerprint(k siphash.Key) uint64 { return k.Sum64("stats: fingerprint of the secret") }

// CardinalitySnapshot is what a Cardinality has seen.
type CardinalitySnapshot struct {
	Secret    uint64 // tells the secrets of registries apart without giving them away
	Registers []byte // 4096 of them
}

// ErrSecret says that two Cardinalities cannot be merged because their
// registries have different secrets. Give the registries of all processes
// the same Secret.
var ErrSecret = errors.New("stats: cannot merge Cardinalities of registries with different secrets")

// Merge makes c the Cardinality of the union of keys, exactly.
func (c *CardinalitySnapshot) Merge(other *CardinalitySnapshot) error {
	if c.Secret != other.Secret {
		return ErrSecret
	}
	for i, r := range other.Registers {
		c.Registers[i] = max(c.Registers[i], r)
	}
	return nil
}

// Estimate returns the number of different keys, with a standard error of
// CardinalityError. It is Ertl's improved raw estimator, which needs no
// correction at either end: "New cardinality estimation algorithms for
// HyperLogLog sketches" (2017), algorithm 6.
func (c *CardinalitySnapshot) Estimate() float64 {
	var count [maxRank + 1]float64
	for _, r := range c.Registers {
		count[min(r, maxRank)]++
	}
	const m = registers
	z := m * tau(1-count[maxRank]/m)
	for k := maxRank - 1; k >= 1; k-- {
		z = (z + count[k]) / 2
	}
	z += m * sigma(count[0]/m)
	return m * m / (2 * math.Ln2) / z
}

// sigma is x + sum over k of x^(2^k) * 2^(k-1), for the empty registers.
func sigma(x float64) float64 {
	if x == 1 {
		return math.Inf(1)
	}
	sum, y := x, 1.0
	for before := -1.0; sum != before; y *= 2 {
		x *= x
		before = sum
		sum += x * y
	}
	return sum
}

// tau is (1 - x - sum over k of (1-x^(2^-k))^2 * 2^-k) / 3, for the full
// registers.
func tau(x float64) float64 {
	if x == 0 || x == 1 {
		return 0
	}
	sum, y := 1-x, 1.0
	for before := -1.0; sum != before; {
		x = math.Sqrt(x)
		before = sum
		y /= 2
		sum -= (1 - x) * (1 - x) * y
	}
	return sum / 3
}

func (c *CardinalitySnapshot) clone() *CardinalitySnapshot {
	return &CardinalitySnapshot{c.Secret, slices.Clone(c.Registers)}
}
