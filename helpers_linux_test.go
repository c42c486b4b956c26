package support_test

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
)

// TestHelpersOfWorkers has two workers with a helper process each. A helper, a
// worker, and all of the program end, and nothing is left of what was theirs.
func TestHelpersOfWorkers(t *testing.T) {
	p, get := onSocket(t, "helping", "WORKERS=2")
	p.start()
	helpers := make(map[int]int) // by worker
	ask := func(path string) (worker, helper int, died bool) {
		answer := get(path)
		if _, err := fmt.Sscanf(answer, "200 %d %d %v", &worker, &helper, &died); err == nil && helper != 0 {
			helpers[worker] = helper
		}
		return worker, helper, died
	}
	eventually(t, "not both workers have a helper", func() bool {
		ask("/")
		return len(helpers) == 2
	})
	for worker, helper := range helpers {
		if worker == helper || !exists(helper) {
			t.Errorf("worker %d has the helper %d", worker, helper)
		}
	}

	worker, _, died := ask("/die")
	if !died {
		t.Fatal("the death of a helper is not the error of its job")
	}
	dead := helpers[worker]
	eventually(t, "there is no new helper", func() bool {
		ask("/")
		return helpers[worker] != dead
	})

	orphan := helpers[worker]
	if err := syscall.Kill(worker, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a helper has outlived its worker", func() bool { return !exists(orphan) })
	delete(helpers, worker)
	eventually(t, "there is no new worker with a helper", func() bool {
		ask("/")
		return len(helpers) == 2
	})

	p.signal(syscall.SIGTERM)
	p.exits(0)
	for _, helper := range helpers {
		eventually(t, "a helper has outlived the program", func() bool { return !exists(helper) })
	}
	if text := p.stderr.String(); !strings.Contains(text, "INFO  said by a helper  ") || !strings.Contains(text, " worker=2\n") {
		t.Errorf("what helpers print is no record of their worker:\n%s", text)
	}
}

// exists says whether a process runs: one that nobody has waited for does not.
func exists(pid int) bool {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, rest, _ := bytes.Cut(status, []byte(") "))
	return len(rest) > 0 && rest[0] != 'Z' && rest[0] != 'X'
}
