package siphash_test

import (
	"strings"
	"testing"

	"github.com/support-go/support/internal/siphash"
)

// key is 00 01 02 ... 0f, that of the published test vectors.
var key = siphash.KeyOf([16]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15})

func TestVector(t *testing.T) {
	if got := key.Sum64(""); got != 0xabac0158050fc4dc {
		t.Errorf("the hash of nothing is %#x, want 0xabac0158050fc4dc", got)
	}
}

func TestEveryByteAndTheLengthCount(t *testing.T) {
	seen := make(map[uint64]string)
	add := func(s string) {
		h := key.Sum64(s)
		if other, ok := seen[h]; ok && other != s {
			t.Errorf("%q and %q have the same hash", s, other)
		}
		seen[h] = s
	}
	for n := range 40 {
		zeros := strings.Repeat("\x00", n)
		add(zeros)
		for i := range n {
			add(zeros[:i] + "\x01" + zeros[i+1:])
		}
	}
}

func TestTheKeyCounts(t *testing.T) {
	if (siphash.Key{K0: 1}).Sum64("x") == (siphash.Key{K1: 1}).Sum64("x") {
		t.Error("two keys give the same hash")
	}
}

func BenchmarkSum64(b *testing.B) {
	for b.Loop() {
		key.Sum64("192.168.100.101")
	}
}
