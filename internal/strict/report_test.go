package strict_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/support-go/support/internal/strict"
)

// reported is a report of one load with these counts.
func reported(counts strict.Counts) *strict.Report {
	return &strict.Report{Seed: 7, Loads: []*strict.Tally{{Name: "kept", Counts: counts}}}
}

// TestCriteria says which criterion allows one request of each outcome.
func TestCriteria(t *testing.T) {
	tests := map[strict.Outcome]struct{ strict, nothingLost, atMostOne, atMostNone bool }{
		strict.Answered:    {true, true, true, true},
		strict.Unprocessed: {true, true, true, true},
		strict.Shed:        {false, true, true, true},
		strict.Refused:     {false, false, false, false},
		strict.Lost:        {false, false, true, false},
		strict.Truncated:   {false, false, true, false},
		strict.Stale:       {false, false, true, false},
		strict.Misdirected: {false, false, false, false},
		strict.Hung:        {false, false, false, false},
		strict.Wrong:       {false, false, false, false},
	}
	for _, o := range strict.Outcomes() {
		test, ok := tests[o]
		if !ok {
			t.Errorf("no case for %v", o)
		}
		counts := strict.Counts{strict.Answered: 9}
		counts[o]++
		r := reported(counts)
		for name, check := range map[string]struct {
			err  error
			pass bool
		}{
			"L0-strict": {r.L0Strict(), test.strict},
			"L0":        {r.L0(), test.nothingLost},
			"LK of 1":   {r.LK(1), test.atMostOne},
			"LK of 0":   {r.LK(0), test.atMostNone},
		} {
			if (check.err == nil) != check.pass {
				t.Errorf("%v: %s returns %v, want nil: %v", o, name, check.err, check.pass)
			}
			if check.err != nil && !strings.Contains(check.err.Error(), o.String()+" 1") {
				t.Errorf("%v: %s does not name it: %v", o, name, check.err)
			}
		}
	}
}

// TestErrorTellsWhen wants what is needed to look into a loss.
func TestErrorTellsWhen(t *testing.T) {
	r := reported(strict.Counts{strict.Stale: 1})
	r.Marks = []strict.Mark{{At: time.Second, Label: "reload 1"}, {At: 2 * time.Second, Label: "reload 2"}, {At: 3 * time.Second, Label: "reload 3"}}
	r.Loads[0].Examples = []strict.Example{{
		At: 2012 * time.Millisecond, Outcome: strict.Stale, What: "stale", Load: "kept",
		ID: "00000007-0000-0000002a", Local: "127.0.0.1:4242", Served: 41, Error: "EOF",
	}}
	const want = `strict: of 1 requests (seed 7): stale 1` + "\n\t" +
		`2.012s kept stale id 00000007-0000-0000002a, answer 42 of connection "127.0.0.1:4242": EOF (12ms after reload 2)`
	if err := r.L0(); err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestCreditShed(t *testing.T) {
	r := reported(strict.Counts{strict.Answered: 5, strict.Refused: 1, strict.Lost: 2, strict.Stale: 1, strict.Truncated: 1})
	for _, n := range []int64{-1, 5} {
		if err := r.CreditShed(n); err == nil {
			t.Errorf("%d credited, of 4", n)
		}
	}
	if err := r.CreditShed(3); err != nil {
		t.Fatal(err)
	}
	want := strict.Counts{strict.Answered: 5, strict.Shed: 3, strict.Stale: 1, strict.Truncated: 1}
	if got := r.Total(); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestBalance(t *testing.T) {
	r := reported(strict.Counts{strict.Answered: 100, strict.Shed: 50, strict.Lost: 1, strict.Truncated: 1, strict.Hung: 1, strict.Refused: 20})
	for finished, ok := range map[int64]bool{99: false, 100: true, 103: true, 104: false} {
		if err := r.Balance(finished); (err == nil) != ok {
			t.Errorf("%d finished: got %v, want nil: %v", finished, err, ok)
		}
	}
}

func TestGuards(t *testing.T) {
	r := reported(strict.Counts{strict.Answered: 9})
	if err := r.AtLeast(9); err != nil {
		t.Error(err)
	}
	if err := r.AtLeast(10); err == nil {
		t.Error("9 answers were taken for 10")
	}
	if err := r.Closed(); err != nil {
		t.Error(err)
	}
	r.Loads[0].Unclosed = 1
	if err := r.Closed(); err == nil {
		t.Error("a connection that stayed open was overlooked")
	}
}

func TestCountsJSON(t *testing.T) {
	counts := strict.Counts{strict.Answered: 3, strict.Wrong: 1}
	data, err := json.Marshal(counts)
	if want := `{"answered":3,"wrong":1}`; err != nil || string(data) != want {
		t.Errorf("got %s, %v, want %s", data, err, want)
	}
	var back strict.Counts
	if err := json.Unmarshal(data, &back); err != nil || back != counts {
		t.Errorf("read back %v, %v, want %v", back, err, counts)
	}
	for _, bad := range []string{`{"eaten":1}`, `[]`, `{"lost":"x"}`} {
		if err := json.Unmarshal([]byte(bad), &back); err == nil {
			t.Errorf("%s was accepted", bad)
		}
	}
	if got := (strict.Counts{}).String(); got != "none" {
		t.Errorf("no counts print as %q", got)
	}
	if got := strict.Outcome(99).String(); got != "outcome(99)" {
		t.Errorf("an unknown outcome prints as %q", got)
	}
}
