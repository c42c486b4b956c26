package portrait_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/support-go/support/meta"
	"github.com/support-go/support/meta/data"
	"github.com/support-go/support/meta/portrait"
	"github.com/support-go/support/prefork"
	"github.com/support-go/support/stats"
)

func now() time.Time { return time.Date(2026, 11, 22, 3, 4, 12, 0, time.UTC) }

func ago(d time.Duration) time.Time { return now().Add(-d) }

func state() prefork.State {
	w := func(slot, pid int, phase prefork.Phase) prefork.Process {
		return prefork.Process{Slot: slot, Role: prefork.WorkerRole, PID: pid, Phase: phase, Started: ago(time.Hour), Heard: ago(time.Second)}
	}
	silent := w(2, 102, prefork.Serving)
	silent.Heard = ago(7 * time.Second)
	return prefork.State{
		Name: "shop", PID: 100, Phase: prefork.GroupServing, Workers: 3, Generation: 2, Started: ago(2 * time.Hour),
		Slots:     []prefork.Slot{{ID: 1, Role: prefork.WorkerRole}, {ID: 2, Role: prefork.WorkerRole}, {ID: 3, Role: prefork.WorkerRole, NotBefore: ago(-time.Minute)}},
		Processes: []prefork.Process{w(1, 99, prefork.Draining), silent, w(1, 101, prefork.Serving), {Slot: 4, Role: "meta", PID: 103, Phase: prefork.Serving, Heard: now()}},
		Deaths: []prefork.Death{
			{Slot: 3, Role: prefork.WorkerRole, Ended: ago(90 * time.Minute), Expected: true, Why: "a reload"},
			{Slot: 3, Role: prefork.WorkerRole, Ended: ago(10 * time.Minute), Why: "it ended by itself", Exit: prefork.Exit{Code: 3}, LostLeast: 1, LostMost: 4},
		},
		LastReload: &prefork.LastReload{Began: ago(31 * time.Minute), Ended: ago(30 * time.Minute), Error: "not ready\nin time"},
	}
}

func find(t *testing.T, g meta.Group, name string) meta.Process {
	t.Helper()
	for _, p := range g.Processes {
		if p.Name == name {
			return p
		}
	}
	t.Fatalf("no process %q among %+v", name, g.Processes)
	return meta.Process{}
}

func TestProcesses(t *testing.T) {
	g := portrait.Group(state(), now())
	tests := map[string]struct {
		state data.State
		word  string
	}{
		"supervisor":   {data.OK, "watching"},
		"meta":         {data.OK, "answering"},
		"w1":           {data.OK, "serving"},
		"w1, old (99)": {data.Busy, "draining"},
		"w2":           {data.Wrong, "silent"},
		"w3":           {data.Wrong, "missing"},
	}
	for name, want := range tests {
		if p := find(t, g, name); p.State != want.state || p.Word != want.word {
			t.Errorf("%s is %s, %q; want %s, %q", name, p.State, p.Word, want.state, want.word)
		}
	}
	if p := find(t, g, "w3"); !strings.Contains(p.Why, "03:05:12") || !strings.Contains(p.Last, "exit status 3") && !strings.Contains(p.Last, "code 3") {
		t.Errorf("w3: %q, %q; want when it is started again, and how it ended", p.Why, p.Last)
	}
}

func TestEventsHaveLetters(t *testing.T) {
	g := portrait.Group(state(), now())
	var all []string
	for _, e := range g.Events {
		all = append(all, e.Mark+" "+e.Text.String())
	}
	want := []string{"b Worker 3 ended, 1 to 4 requests lost", "a A reload failed; the old workers serve on", " Worker 3 ended", " The group started"}
	if strings.Join(all, "|") != strings.Join(want, "|") {
		t.Errorf("events are\n%q\nwant\n%q", all, want)
	}
}

func TestFindings(t *testing.T) {
	numbers := func(set func(*stats.Registry)) stats.Snapshot {
		var reg stats.Registry
		reg.Limits.PerName = 1
		set(&reg)
		return reg.Snapshot()
	}
	none := numbers(func(*stats.Registry) {})
	tests := map[string]struct {
		facts portrait.Facts
		want  string
	}{
		"nothing":   {portrait.Facts{Stats: none}, ""},
		"time-outs": {portrait.Facts{Stats: none, Endless: []string{":8080"}}, "never ended"},
		"few files": {portrait.Facts{Stats: numbers(func(r *stats.Registry) { r.Gauge("process.max_files").Set(1024) })}, "limit of open files is low"},
		"files used up": {portrait.Facts{Stats: numbers(func(r *stats.Registry) {
			r.Gauge("process.max_files").Set(10_000)
			r.Gauge("process.open_files").Set(9_000)
		})}, "near their limit"},
		"memory":         {portrait.Facts{State: prefork.State{Workers: 2}, Memory: 1 << 30, Stats: numbers(func(r *stats.Registry) { r.Gauge("process.rss_bytes").Set(900 << 20) })}, "may not fit"},
		"memory for all": {portrait.Facts{State: prefork.State{Workers: 2}, Memory: 4 << 30, Stats: numbers(func(r *stats.Registry) { r.Gauge("process.rss_bytes").Set(900 << 20) })}, ""},
		"backlog":        {portrait.Facts{Stats: none, Backlog: 128, Backlogs: map[string]int{":8080": 1024}}, "cuts a backlog short"},
		"exposed":        {portrait.Facts{Stats: none, Exposed: []string{":9090"}}, "to other machines"},
		"too many names": {portrait.Facts{Stats: numbers(func(r *stats.Registry) {
			r.Counter("a", "k", "1")
			r.Counter("a", "k", "2")
			r.Counter("a", "k", "3").Add(1)
		})}, "too many labels"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var all []string
			for _, e := range portrait.Findings(test.facts) {
				all = append(all, e.Text.String())
			}
			if got := strings.Join(all, "; "); (test.want == "") != (got == "") || !strings.Contains(got, test.want) {
				t.Errorf("found %q, want %q", got, test.want)
			}
		})
	}
}

func TestTokenFile(t *testing.T) {
	dir := t.TempDir()
	file := portrait.TokenFile{Dir: dir}
	first, err := file.Renew()
	if err != nil {
		t.Fatal(err)
	}
	second, err := file.Renew()
	if err != nil || first == second || len(second) != 64 {
		t.Errorf("tokens %q and %q, %v: want two different ones of 64 digits", first, second, err)
	}
	if b, err := os.ReadFile(filepath.Join(dir, "operator.token")); err != nil || strings.TrimSpace(string(b)) != second {
		t.Errorf("the file has %q, %v; want the second", b, err)
	}
	if _, err := (portrait.TokenFile{Dir: filepath.Join(dir, "missing")}).Renew(); err == nil {
		t.Error("a directory that is not there is no error")
	}
}

// TestTokenFilesOfProcesses lie beside each other, and those of the dead go.
func TestTokenFilesOfProcesses(t *testing.T) {
	dir := t.TempDir()
	dead := exec.Command(os.Args[0], "-test.run=^$")
	if err := dead.Run(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{fmt.Sprintf("operator.%d.token", dead.Process.Pid), fmt.Sprintf("operator.%d.token", os.Getpid()), "operator.token"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	file := portrait.TokenFile{Dir: dir, PID: 1}
	if _, err := file.Renew(); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 3 {
		t.Errorf("%v are there, %v; want those of the living, and the supervisor's", entries, err)
	}
	if info, err := os.Stat(file.Path()); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file is %v, %v; want mode 0600", info, err)
	}
	file.Remove()
	if _, err := os.Stat(file.Path()); !os.IsNotExist(err) {
		t.Errorf("after Remove: %v", err)
	}
}

func TestSettings(t *testing.T) {
	type inner struct{ Part float64 }
	type limits struct {
		Running int
		Wait    time.Duration
		Name    string
		Inner   inner
		Class   func()
		hidden  int
	}
	set, used := limits{Wait: time.Second, Class: func() {}, hidden: 1}, limits{Running: -1, Wait: time.Second, Name: "<b>", Inner: inner{0.5}}
	var got []string
	for _, r := range portrait.Config("Limits", portrait.Settings("L", set, used)).Table.Rows {
		got = append(got, r.Cells[0].String()+" "+strings.ReplaceAll(r.Cells[1].String(), "\u202f", " ")+" "+r.Cells[2].String())
	}
	want := []string{"L.Running off default", "L.Wait 1.00 s set", "L.Name <b> default", "L.Inner.Part 0.5 default", "L.Class by the program set"}
	if strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
}

func TestConfig(t *testing.T) {
	b := portrait.Config("Drain", []portrait.Setting{{Name: "Grace", Used: 30 * time.Second, Default: true}, {Name: "Stall", Used: -time.Second}, {Name: "Dir", Used: ""}})
	if got := b.Table.Rows[0].Cells[2].String() + b.Table.Rows[1].Cells[1].String() + b.Table.Rows[2].Cells[1].String(); got != "defaultnever–" {
		t.Errorf("got %q", got)
	}
}
