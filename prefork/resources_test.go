package prefork

import "testing"

func TestShares(t *testing.T) {
	const gib = 1 << 30
	tests := map[string]struct {
		share   share
		role    string
		workers int
		procs   int
		memory  int64
	}{
		"no limit":                {share{procs: 8}, WorkerRole, 4, 2, 0},
		"one worker gets all":     {share{procs: 8}, WorkerRole, 1, 8, 0},
		"uneven":                  {share{procs: 8}, WorkerRole, 3, 3, 0},
		"never fewer than two":    {share{procs: 1}, WorkerRole, 4, 2, 0},
		"a helper":                {share{procs: 64, memory: gib}, "meta", 4, 2, 0},
		"memory, with the surge":  {share{procs: 8, memory: 10 * gib}, WorkerRole, 3, 3, (10*gib/10*9 - overhead) / 4},
		"too little for overhead": {share{procs: 8, memory: overhead}, WorkerRole, 3, 3, overhead / 4},
	}
	for name, test := range tests {
		procs, memory := test.share.of(test.role, test.workers)
		if procs != test.procs || memory != test.memory {
			t.Errorf("%s: got %d Ps and %d bytes, want %d and %d", name, procs, memory, test.procs, test.memory)
		}
	}
}
