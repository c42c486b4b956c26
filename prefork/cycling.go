package prefork

import (
	"cmp"
	"errors"
	"fmt"
	"time"
)

// Cycling says what a worker may have used before it is replaced by a fresh
// one, which is ready before the old one drains, one worker at a time. Zero
// fields take the defaults; below 0 means never. A worker can also ask for it, see
// Worker.Retire.
type Cycling struct {
	Memory    int64         // bytes, shared ones in proportion, at present and not at their peak; default 4/5 of its share of what a cgroup allows, without one never
	GC        float64       // part of its CPU time that goes into collecting garbage; default 0.5
	Files     float64       // part of the open files that it may have; default 0.9
	Age       time.Duration // default never
	Requests  int64         // default never
	Sustained time.Duration // for which Memory, GC and Files must be exceeded; default 10 s; more than a tenth beyond Memory is at once too much
	Jitter    float64       // part of Age and Requests by which workers may go earlier, each by its own; default 0.1; below 0 none
}

func (c Cycling) withDefaults() Cycling {
	c.GC = cmp.Or(c.GC, 0.5)
	c.Files = cmp.Or(c.Files, 0.9)
	c.Sustained = cmp.Or(c.Sustained, 10*time.Second)
	c.Jitter = cmp.Or(c.Jitter, 0.1)
	return c
}

func (c Cycling) check() error {
	var problems []error
	for name, part := range map[string]float64{"GC": c.GC, "Files": c.Files, "Jitter": c.Jitter} {
		if part > 1 || part != part {
			problems = append(problems, fmt.Errorf("Limits.Cycling.%s is %v: want a part of 1, as in 0.5, or 0 for the default", name, part))
		}
	}
	if c.Sustained < 0 {
		problems = append(problems, fmt.Errorf("Limits.Cycling.Sustained is %v: want a duration above 0, or 0 for the default", c.Sustained))
	}
	return errors.Join(problems...)
}

// least is how much more than an empty worker a memory mark must allow: below
// it every worker would be replaced by one that is no better.
const least = 1.25

// checkEmpty refuses a memory mark that a worker which has just got ready has
// almost reached.
func (c Cycling) checkEmpty(empty int64) error {
	if c.Memory <= 0 || float64(c.Memory) >= least*float64(empty) {
		return nil
	}
	return fmt.Errorf("Limits.Cycling.Memory is %s, and a worker that has just got ready needs %s: want at least %s",
		inMiB(c.Memory), inMiB(empty), inMiB(int64(least*float64(empty))))
}

// inMiB writes n in MiB, as people compare it.
func inMiB(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }

// exceeded says which mark p has passed for long enough, or "".
func (c Cycling) exceeded(p *Process, now time.Time) string {
	since := func(t time.Time) time.Duration {
		if t.IsZero() {
			return -1
		}
		return now.Sub(t)
	}
	mark, v := p.memoryMark(c), p.Vitals
	early := 1 - max(c.Jitter, 0)*p.Luck
	switch {
	case since(p.Over.Memory) >= c.Sustained, mark > 0 && v.Memory > mark/10*11:
		return fmt.Sprintf("uses %s of memory, and its mark is %s", inMiB(v.Memory), inMiB(mark))
	case since(p.Over.GC) >= c.Sustained:
		return fmt.Sprintf("spends %.0f %% of its CPU time on collecting garbage, and its mark is %.0f %%", v.GC*100, c.GC*100)
	case since(p.Over.Files) >= c.Sustained:
		return fmt.Sprintf("has %d files open of %d, and its mark is %.0f %%", v.Files, v.MaxFiles, c.Files*100)
	case c.Age > 0 && now.Sub(p.Started) >= time.Duration(float64(c.Age)*early):
		return fmt.Sprintf("has served for %v, and its mark is %v", now.Sub(p.Started).Round(time.Second), c.Age)
	case p.Worn != "" && p.served(now) >= c.Sustained:
		return "asks to be replaced: " + p.Worn
	case c.Requests > 0 && float64(p.Counts.Ended) >= float64(c.Requests)*early:
		return fmt.Sprintf("has served %d requests, and its mark is %d", p.Counts.Ended, c.Requests)
	}
	return ""
}

// memoryMark is c's, unless p needed almost as much when it was empty: a program
// that has grown by a reload is not replaced over and over for that.
func (p *Process) memoryMark(c Cycling) int64 {
	if c.Memory <= 0 {
		return 0
	}
	return max(c.Memory, int64(least*float64(p.Empty)))
}
