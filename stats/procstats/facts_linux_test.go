package procstats

import "testing"

// BenchmarkLook is what the operating system's facts cost, without PSS.
func BenchmarkLook(b *testing.B) {
	r, err := newReader()
	if err != nil {
		b.Fatal(err)
	}
	defer r.close()
	for b.Loop() {
		r.read(false)
	}
}
