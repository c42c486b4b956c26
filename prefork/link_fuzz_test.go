package prefork

import (
	"bytes"
	"testing"
)

// FuzzMessages reads what a rogue child may write on its link.
func FuzzMessages(f *testing.F) {
	for _, seed := range []string{
		"", "\n", `{"pong":true,"work":{"busy":1.5,"gc":0.5}}` + "\n", `{"ready":true}` + "\n" + `{"failed":"x"}` + "\n",
		`{"drains":"\u001b[2J"}` + "\n", `{"pong":1}` + "\n", `{"work":{"busy":1e999}}` + "\n", "\x00\xff\n", `{"handover":{"sockets":[{}]}}` + "\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, written []byte) {
		lines := bytes.Count(written, []byte("\n")) + 1
		heard := 0
		_ = messages(bytes.NewReader(written), func(m message) {
			heard++
			if part := gcPart(work{}, m.Work, heartbeat); !(part >= 0 && part <= 1) {
				t.Errorf("%+v makes a part of %v", m.Work, part)
			}
		})
		if heard > lines {
			t.Errorf("%d messages on %d lines", heard, lines)
		}
	})
}
