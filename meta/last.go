package meta

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/support-go/support/internal/human"
	"github.com/support-go/support/meta/data"
)

// lastAnswers has the last answers of processes, for when one of them is silent. Its
// zero value is ready.
type lastAnswers struct {
	mu      sync.Mutex
	answers map[string]lastAnswer // by process and question
	bytes   int                   // of all
}

// lastAnswer is what a process has said, as it has sent it.
type lastAnswer struct {
	encoded []byte
	at      time.Time
}

// Bounds of what is kept.
const (
	mostKept  = 512
	keptBytes = 8 << 20
	keptOf    = 1 << 20 // of one answer; a longer one is not kept
	keptFor   = time.Hour
)

// add keeps an answer in the place of the one before it.
func (k *lastAnswers) add(question string, encoded []byte, now time.Time) {
	if len(encoded) > keptOf {
		encoded = nil // what there was before is too old now
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.answers == nil {
		k.answers = make(map[string]lastAnswer)
	}
	k.bytes += len(encoded) - len(k.answers[question].encoded)
	k.answers[question] = lastAnswer{encoded, now}
	if len(k.answers) > mostKept || k.bytes > keptBytes {
		k.sweepLocked(question, now)
	}
}

// sweepLocked forgets what is old, and then the oldest, but not the newest.
func (k *lastAnswers) sweepLocked(newest string, now time.Time) {
	for question, a := range k.answers {
		if now.Sub(a.at) > keptFor {
			k.forgetLocked(question)
		}
	}
	for len(k.answers) > 1 && (len(k.answers) > mostKept || k.bytes > keptBytes) {
		oldest, at := "", now.Add(time.Hour)
		for question, a := range k.answers {
			if question != newest && a.at.Before(at) {
				oldest, at = question, a.at
			}
		}
		k.forgetLocked(oldest)
	}
}

func (k *lastAnswers) forgetLocked(question string) {
	k.bytes -= len(k.answers[question].encoded)
	delete(k.answers, question)
}

// of is what was said, and when, if it is kept.
func (k *lastAnswers) of(question string) (View, time.Time, bool) {
	k.mu.Lock()
	a := k.answers[question]
	k.mu.Unlock()
	if a.encoded == nil {
		return View{}, time.Time{}, false
	}
	v, err := data.Decode(bytes.NewReader(a.encoded))
	return v, a.at, err == nil
}

// asOf marks the blocks of a view as the last that is known of a process, and
// takes out what could be done there.
func asOf(name string, v View, at, now time.Time) []Block {
	var blocks []Block
	for _, b := range v.Blocks {
		if b.Form != nil || b.Verdict != nil {
			continue
		}
		b.Stale = true
		b.Name = fmt.Sprintf("%s of %s, late", b.Name, name)
		b.Note = data.Words("the last that is known, " + human.Ago(at, now))
		b.Title = strings.TrimPrefix(b.Title+" · "+name, " · ")
		if b.Table != nil {
			for i := range b.Table.Rows {
				b.Table.Rows[i].Stale, b.Table.Rows[i].Detail = true, nil
			}
			b.Table.Filter = false
		}
		blocks = append(blocks, b)
	}
	return blocks
}
