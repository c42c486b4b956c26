package prefork

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// TestQuota: what passes and what is said to be left out is all that came.
func TestQuota(t *testing.T) {
	tests := map[string]struct {
		size, lines int           // of what comes
		every       time.Duration // between two lines
		least, most int           // lines that pass
		said        int           // times
	}{
		"little":           {100, 1000, time.Millisecond, 1000, 1000, 0},
		"just what it may": {outputRate / 1000, 20_000, time.Millisecond, 20_000, 20_000, 0},
		"a burst":          {1023, 4 * 4096, 0, 4 * 4096, 4 * 4096, 0},
		"twice the burst":  {1023, 8 * 4096, 0, 4 * 4096, 4 * 4096, 1},
		"twice the rate":   {2 * outputRate / 1000, 20_000, time.Millisecond, 11_000, 13_000, 9},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := newQuota(time.Now())
				passed, out, said := 0, 0, 0
				on := func(l Line) {
					n := 0
					if _, err := fmt.Sscanf(string(l.Text), "prefork: %d lines", &n); err == nil {
						out, said = out+n, said+1
					} else if !l.Over {
						passed++
					}
				}
				text := make([]byte, test.size)
				for range test.lines {
					q.pass(Line{Text: text}, time.Now(), on)
					if test.every > 0 {
						time.Sleep(test.every)
					}
				}
				q.pass(Line{Over: true}, time.Now(), on)
				if passed < test.least || passed > test.most || passed+out != test.lines || said < test.said/2 || said > 2*test.said {
					t.Errorf("%d passed, %d were said to be left out, %d times, of %d; want %d to %d to pass, and %d times",
						passed, out, said, test.lines, test.least, test.most, test.said)
				}
			})
		})
	}
}
