package prefork

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/support-go/support/internal/ledger"
)

// TestDeaf: a worker that takes no connection, though it should, is expelled. The
// first of two workers is the one that may be deaf.
func TestDeaf(t *testing.T) {
	tests := map[string]struct {
		stuck   time.Duration
		waiting bool               // connections, all the time
		taken   []uint64           // each second, by seat
		first   func(*ledger.Page) // what the first does, once
		gone    bool               // it is expelled
	}{
		"nobody comes":                   {time.Minute, false, []uint64{0, 0}, nil, false},
		"the sibling takes all":          {time.Minute, false, []uint64{0, 5}, nil, true},
		"the sibling takes one a second": {time.Minute, false, []uint64{0, 1}, nil, true},
		"both take":                      {time.Minute, true, []uint64{1, 5}, nil, false},
		"connections wait":               {time.Minute, true, []uint64{0, 5}, nil, true},
		"it has a connection":            {time.Minute, true, []uint64{0, 5}, func(p *ledger.Page) { p.Accept() }, false},
		"it had one":                     {time.Minute, true, []uint64{0, 5}, func(p *ledger.Page) { p.Accept(); p.Close() }, true},
		"it streams":                     {time.Minute, true, []uint64{0, 5}, func(p *ledger.Page) { p.Begin(); p.Stream(1) }, false},
		"switched off":                   {-1, true, []uint64{0, 5}, nil, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tr := begin(t, &Supervisor{Workers: 2, Limits: Limits{Stuck: test.stuck}}, manner{})
				<-tr.Ready()
				before := tr.state()
				if test.first != nil {
					test.first(tr.world.alive(before.serving()[0]).page)
				}
				tr.world.mu.Lock()
				tr.world.waiting = test.waiting
				tr.world.mu.Unlock()
				for range 63 {
					time.Sleep(time.Second)
					for seat, n := range test.taken {
						tr.world.connect(n, seat)
					}
				}
				s := tr.state()
				if gone := !slices.Contains(s.serving(), before.serving()[0]); gone != test.gone {
					t.Errorf("expelled: %v, want %v; deaths %+v", gone, test.gone, s.Deaths)
				}
				if !slices.Contains(s.serving(), before.serving()[1]) {
					t.Errorf("the other one is expelled: %+v", s.Deaths)
				}
				if test.gone && (len(s.Deaths) != 1 || !strings.Contains(s.Deaths[0].Why, "took no connection for 1m0s")) {
					t.Errorf("deaths: %+v", s.Deaths)
				}
				tr.end()
			})
		})
	}
}

// TestDeafGroup: when nobody takes the connections that wait, one worker is
// replaced at a time.
func TestDeafGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := begin(t, &Supervisor{Workers: 3}, manner{})
		<-tr.Ready()
		tr.world.mu.Lock()
		tr.world.waiting = true
		tr.world.mu.Unlock()
		for minute := range 3 {
			if s := tr.state(); len(s.Deaths) != minute {
				t.Errorf("%d deaths after %d minutes", len(s.Deaths), minute)
			}
			time.Sleep(62 * time.Second)
		}
		tr.end()
	})
}
