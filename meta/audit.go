package meta

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/support-go/support/internal/human"
	"github.com/support-go/support/meta/data"
)

// audit remembers what was done, and what was tried. The log has all of it, and
// the page the last few.
type audit struct {
	log *slog.Logger

	mu   sync.Mutex
	last []data.Event
}

const maxAudit = 100

// entry is one thing that was done.
type entry struct {
	action  string
	args    string
	outcome string
	failed  bool
}

func (a *audit) note(ctx context.Context, v *visitor, e entry) {
	log := a.log.InfoContext
	state := data.State("")
	if e.failed {
		log, state = a.log.WarnContext, data.Look
	}
	log(ctx, "meta action", "action", e.action, "args", e.args, "who", v.Name, "role", v.Role.String(), "outcome", strings.ReplaceAll(e.outcome, human.Space, " "))
	a.mu.Lock()
	defer a.mu.Unlock()
	a.last = append(a.last, data.Event{
		At: time.Now(), State: state,
		Text: data.Rich{{Text: v.Name + " "}, {Text: e.action + " " + e.args, Code: true}}, Reason: data.Words(e.outcome),
	})
	if len(a.last) > maxAudit {
		a.last = slices.Delete(a.last, 0, len(a.last)-maxAudit)
	}
}

// events are the last ones, the newest first.
func (a *audit) events() []data.Event {
	a.mu.Lock()
	defer a.mu.Unlock()
	all := slices.Clone(a.last)
	slices.Reverse(all)
	return all
}
