package journal_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/support-go/support/internal/journal"
)

func TestLatest(t *testing.T) {
	tests := map[string]struct{ events, kept, first int }{
		"none": {0, 0, 0},
		"few":  {3, 3, 0},
		"full": {256, 256, 0},
		"many": {1000, 256, 744},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var j journal.Journal[int]
			for i := range test.events {
				j.Add(i, time.Now())
			}
			got := j.Latest()
			if len(got) != test.kept || !slices.IsSorted(got) || test.kept > 0 && got[0] != test.first {
				t.Errorf("%d events, kept %v; want %d from %d on, in order", test.events, got, test.kept, test.first)
			}
		})
	}
}

func TestSeldom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var j journal.Journal[string]
		var said []uint64
		for range 30 { // one a second
			if since, _ := j.Add("x", time.Now()); since > 0 {
				said = append(said, since)
			}
			time.Sleep(time.Second)
		}
		if want := []uint64{1, 10, 10}; !slices.Equal(said, want) {
			t.Errorf("said %d events at a time, want %d", said, want)
		}
	})
}

func ExampleJournal() {
	var j journal.Journal[string]
	for _, peer := range []string{"192.0.2.1", "192.0.2.2"} {
		if since, total := j.Add(peer, time.Now()); since > 0 {
			fmt.Println(since, "more, in all", total)
		}
	}
	fmt.Println(j.Latest())
	// Output:
	// 1 more, in all 1
	// [192.0.2.1 192.0.2.2]
}
