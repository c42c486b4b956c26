package stats_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/support-go/support/stats"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// shown is a snapshot of a few of each instrument, with times that do not
// depend on when the test runs. It sleeps by the clock of a bubble.
func shown(sleep func(time.Duration)) stats.Snapshot {
	reg := &stats.Registry{Secret: [16]byte{1}}
	reg.Counter("http.sent_bytes", "route", "GET /<x>").Add(123456)
	reg.Gauge("http.open").Set(12.3456)
	reg.Peak("http.waiting_longest").Reach(7)
	wait := reg.Distribution("http.wait_seconds")
	for i := range 100 {
		sleep(time.Second)
		wait.AddSince(time.Now().Add(-time.Duration(i) * time.Millisecond))
		reg.Rate("http.requests").Tick()
	}
	conns := reg.States("http.conns")
	visit := conns.Enter(conns.State("read"))
	sleep(time.Second)
	visit.Transition(conns.State("write"))
	reg.Top("http.clients").AddWeight("10.0.0.1", 5)
	reg.Cardinality("http.users").Add("somebody")
	return reg.Snapshot()
}

func TestJSON(t *testing.T) {
	for name, digits := range map[string]int{"three.json": 3, "full.json": 0} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				got, err := shown(time.Sleep).JSON(digits)
				if err != nil {
					t.Fatal(err)
				}
				var b bytes.Buffer
				if err := json.Indent(&b, got, "", " "); err != nil {
					t.Fatal(err)
				}
				golden(t, name, b.Bytes())
			})
		})
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("JSON is not as in %s; see what has changed with -update and git diff", path)
	}
}

func TestRegistryIsAnExpvar(t *testing.T) {
	reg := new(stats.Registry)
	reg.Distribution("d").AddN(1e300, 1<<40) // its variance overflows
	for range 3 {
		reg.Distribution("d").Add(-1e300)
	}
	if s := reg.String(); !json.Valid([]byte(s)) {
		t.Errorf("String is not JSON: %s", s)
	}
}
