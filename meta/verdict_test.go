package meta_test

import (
	"strings"
	"testing"
	"time"

	"github.com/support-go/support/internal/human"
	"github.com/support-go/support/meta"
	"github.com/support-go/support/meta/data"
	"github.com/support-go/support/stats"
)

// TestVerdict has an hour go by, of which the last ten minutes are not as the
// others.
func TestVerdict(t *testing.T) {
	tests := map[string]struct {
		shed, failed int     // of a hundred, in the last minutes
		seconds      float64 // that a request takes then, else 0.02
		group        meta.Group
		state        data.State
		word         string
		says         []string
		since        bool
	}{
		"well":            {state: data.OK, word: "Well", says: []string{"Serving 100 /s, p99 20"}},
		"a little shed":   {shed: 1, state: data.OK, word: "Well", says: []string{"Shedding 0.99 % of what comes."}},
		"much shed":       {shed: 32, state: data.Wrong, word: "Overloaded", says: []string{"Shedding 24 % of what comes."}, since: true},
		"errors":          {failed: 4, state: data.Look, word: "Failing", says: []string{"4 % of the answers are errors, most on POST /v1/charge."}, since: true},
		"slow":            {seconds: 0.2, state: data.Look, word: "Slow", says: []string{"ms, usually 20.0 ms."}, since: true},
		"a worker is ill": {group: meta.Group{Phase: "serving", Processes: []meta.Process{{Name: "w2", State: data.Wrong, Word: "silent", Why: "no sign of life for 12 s"}}}, state: data.Wrong, word: "w2 is silent", says: []string{"w2 is silent: no sign of life for 12 s."}},
		"the worst wins":  {shed: 32, failed: 4, state: data.Wrong, word: "Overloaded", says: []string{"Shedding", "errors"}, since: true},
		"crash loop":      {group: meta.Group{Phase: "crash-looping", State: data.Wrong, Why: "it ends at once"}, state: data.Wrong, word: "Crash-looping", says: []string{"It ends at once."}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			reg := &stats.Registry{}
			h := &meta.Handler{Stats: meta.Of(reg)}
			changed := sufferings{reg, test.shed, test.failed, test.seconds}
			started := changed.hour(t, h)
			v := h.Verdict(t.Context(), test.group)
			said := strings.ReplaceAll(v.Sentence.String(), human.Space, " ")
			if v.State != test.state || v.Word != test.word {
				t.Errorf("%s, %s: want %s, %s", v.State, v.Word, test.state, test.word)
			}
			for _, want := range test.says {
				if !strings.Contains(said, want) {
					t.Errorf("it says %q, want %q in it", said, want)
				}
			}
			if words := len(strings.Fields(said)); words > 30 {
				t.Errorf("the sentence has %d words: %s", words, said)
			}
			if off := v.Since.Sub(started).Abs(); test.since && off > 2*time.Minute {
				t.Errorf("since %v, want since %v", v.Since, started)
			}
		})
	}
}

// sufferings are what happens in the last minutes of an hour.
type sufferings struct {
	reg          *stats.Registry
	shed, failed int
	seconds      float64
}

// hour has it go by, and returns when the last minutes began.
func (s sufferings) hour(t *testing.T, h *meta.Handler) (began time.Time) {
	t.Helper()
	s.reg.Counter("admit.shed", "reason", "waited")
	start := time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)
	for n := range 720 { // each 5 s
		now := start.Add(time.Duration(n) * 5 * time.Second)
		late := n >= 600
		if n == 600 {
			began = now
		}
		s.fiveSeconds(late)
		h.Forget()
		h.Look(t.Context(), now, n)
	}
	return began
}

func (s sufferings) fiveSeconds(late bool) {
	seconds := 0.02
	if late && s.seconds > 0 {
		seconds = s.seconds
	}
	durations := s.reg.Distribution("http.request_seconds", "route", "POST /v1/charge")
	for range 500 {
		durations.Add(seconds)
	}
	if late {
		s.reg.Counter("admit.shed", "reason", "full").Add(int64(5 * s.shed))
		s.reg.Counter("http.responses_5xx", "route", "POST /v1/charge").Add(int64(5 * s.failed))
	}
}
