package prefork

import "testing"

func TestShares(t *testing.T) {
	const gib = 1 << 30
	tests := map[string]struct {
		share   share
		role    string
		workers int
		mark    int64
		procs   int
		memory  int64
	}{
		"no limit":                {share{procs: 8}, WorkerRole, 4, 0, 2, 0},
		"one worker gets all":     {share{procs: 8}, WorkerRole, 1, 0, 8, 0},
		"uneven":                  {share{procs: 8}, WorkerRole, 3, 0, 3, 0},
		"never fewer than two":    {share{procs: 1}, WorkerRole, 4, 0, 2, 0},
		"a helper":                {share{procs: 64, memory: gib}, "meta", 4, 0, 2, 0},
		"memory, with the surge":  {share{procs: 8, memory: 10 * gib}, WorkerRole, 3, 0, 3, (10*gib/10*9 - overhead) / 4},
		"a mark without a limit":  {share{procs: 8}, WorkerRole, 3, 400 << 20, 3, 500 << 20},
		"a mark above the share":  {share{procs: 8, memory: gib}, WorkerRole, 3, 240 << 20, 3, 300 << 20},
		"GOMEMLIMIT is set":       {share{procs: 8, own: true}, WorkerRole, 3, 400 << 20, 3, 0},
		"too little for overhead": {share{procs: 8, memory: overhead}, WorkerRole, 3, 0, 3, overhead / 4},
	}
	for name, test := range tests {
		procs, memory := test.share.of(test.role, test.workers, test.mark)
		if procs != test.procs || memory != test.memory {
			t.Errorf("%s: got %d Ps and %d bytes, want %d and %d", name, procs, memory, test.procs, test.memory)
		}
	}
}

func TestSurge(t *testing.T) {
	const gib = 1 << 30
	tests := map[string]struct {
		share share
		mark  int64
		fits  bool
	}{
		"no mark":         {share{whole: gib}, 0, true},
		"never":           {share{whole: gib}, -1, true},
		"fits":            {share{whole: gib}, 240 << 20, true},
		"without a surge": {share{whole: gib}, 300 << 20, false},
		"unknown machine": {share{}, 1 << 50, true},
	}
	for name, test := range tests {
		if err := test.share.surge(3, test.mark); (err == nil) != test.fits {
			t.Errorf("%s: %v", name, err)
		}
	}
	machine := share{memory: 10 * gib, whole: 10 * gib}
	if c := machine.marks(Cycling{}, 3); machine.surge(3, c.Memory) != nil || c.Memory >= machine.each(3) || c.Memory < gib {
		t.Errorf("the default mark is %d of a share of %d", c.Memory, machine.each(3))
	}
}
