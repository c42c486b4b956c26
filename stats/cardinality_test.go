package stats_test

import (
	"maps"
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/support-go/support/internal/siphash"
	"github.com/support-go/support/stats"
)

func TestCardinalityIsWithinThreeStandardErrors(t *testing.T) {
	c := (&stats.Registry{Secret: [16]byte{7}}).Cardinality("n")
	n := 0
	for _, upTo := range []int{0, 1, 10, 100, 1000, 10_000, 100_000, 1_000_000, 10_000_000} {
		for ; n < upTo; n++ {
			c.Add(strconv.Itoa(n))
		}
		got := c.Snapshot().Estimate()
		off := math.Abs(got-float64(upTo)) / max(1, float64(upTo))
		t.Logf("%10d: estimate %12.1f, off %.2f %%", upTo, got, 100*off)
		if off > 3*stats.CardinalityError {
			t.Errorf("the estimate of %d is %.0f, off by more than three standard errors", upTo, got)
		}
	}
}

func TestCardinalityOfTheUnion(t *testing.T) {
	secret := [16]byte{7}
	whole := (&stats.Registry{Secret: secret}).Cardinality("n")
	var sum *stats.CardinalitySnapshot
	for part := range 5 {
		c := (&stats.Registry{Secret: secret}).Cardinality("n")
		for i := range 3000 {
			key := strconv.Itoa(part*1000 + i)
			c.Add(key)
			whole.Add(key)
		}
		if sum == nil {
			sum = c.Snapshot()
		} else if err := sum.Merge(c.Snapshot()); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := sum.Estimate(), whole.Snapshot().Estimate(); got != want {
		t.Errorf("the estimate of the merged is %v, that of the whole %v", got, want)
	}
}

// TestD2CraftedKeys is D2 of the threat model. Somebody who knows the secret
// finds keys that leave the estimate at a tenth of their number or blow it up
// tenfold; with another secret, those keys are like any others.
func TestD2CraftedKeys(t *testing.T) {
	known := [16]byte{}
	copy(known[:], "known to attacker")
	low, high := craft(siphash.KeyOf(known))
	unknown := &stats.Registry{Secret: [16]byte{42}}
	attacked := &stats.Registry{Secret: known}
	for name, keys := range map[string][]string{"low": low, "high": high} {
		ours, theirs := unknown.Cardinality(name), attacked.Cardinality(name)
		for _, key := range keys {
			ours.Add(key)
			theirs.Add(key)
		}
		n := float64(len(keys))
		ratio := theirs.Snapshot().Estimate() / n
		if ratio > 0.1 && ratio < 10 {
			t.Errorf("%s: the crafted keys change the estimate only by %.2f: the attack is no test", name, ratio)
		}
		if got := ours.Snapshot().Estimate(); math.Abs(got-n) > 3*stats.CardinalityError*n {
			t.Errorf("%s: with a secret the estimate of %v keys is %.0f", name, n, got)
		}
	}
}

// craft searches keys that all fall into a few registers with the lowest
// rank, and for each register the key with the highest rank.
func craft(secret siphash.Key) (low, high []string) {
	r := rand.New(rand.NewPCG(3, 4))
	best := make(map[uint64]string)
	ranks := make(map[uint64]int)
	for range 500_000 {
		key := strconv.FormatUint(r.Uint64(), 36)
		h := secret.Sum64(key)
		register, rank := h>>52, bits.LeadingZeros64(h<<12)+1
		if register < 8 && rank == 1 {
			low = append(low, key)
		}
		if rank > ranks[register] {
			best[register], ranks[register] = key, rank
		}
	}
	return low, slices.Collect(maps.Values(best))
}

func TestSecretsAreRandomUnlessSet(t *testing.T) {
	one, two := new(stats.Registry).Cardinality("n"), new(stats.Registry).Cardinality("n")
	if one.Snapshot().Secret == two.Snapshot().Secret {
		t.Error("two registries have the same secret")
	}
}

func TestSecretMayBeSetBetweenLookUpAndUse(t *testing.T) {
	var one, two stats.Registry
	a, b := one.Cardinality("n"), two.Cardinality("n")
	one.Secret, two.Secret = [16]byte{7}, [16]byte{7}
	a.Add("x")
	b.Add("x")
	b.Add("y")
	union := a.Snapshot()
	if err := union.Merge(b.Snapshot()); err != nil {
		t.Fatal(err)
	}
	if got := union.Estimate(); got < 1.5 || got > 2.5 {
		t.Errorf("the union has %v keys, want 2", got)
	}
}
