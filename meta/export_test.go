package meta

import (
	"context"
	"net/url"
	"time"

	"github.com/support-go/support/meta/data"
)

// Routes lists what a Handler answers, for the test that asks all of it.
func (h *Handler) Routes() []string {
	var all []string
	for _, r := range h.start().routes {
		if r.path != "*" {
			all = append(all, r.method+" "+r.path)
		}
	}
	for _, p := range h.start().pages {
		all = append(all, "GET "+p.Path)
	}
	return all
}

// Audit returns how many things were done or tried.
func (h *Handler) Audit() int { return len(h.start().audit.events()) }

// Policy is the content security policy.
const Policy = policy

// Look records what there is, as Run does each 5 s.
func (h *Handler) Look(ctx context.Context, now time.Time, n int) {
	a := h.start()
	if a.history.began.IsZero() {
		a.history.began = now
	}
	a.history.look(ctx, a, now, n)
}

// Forget has the statistics asked for again.
func (h *Handler) Forget() { clear(h.start().cached) }

// Kept is the rate that is kept of an instrument.
func (h *Handler) Kept(process, id string) []float64 {
	return h.start().past(url.Values{"worker": {process}}).get(id, perSecond, false).values
}

// LastAnswers adds n answers of a size, a second apart, and says how many are
// kept, of how many bytes, and whether the first and the last are.
func LastAnswers(n, size int) (count, bytes int, first, last bool) {
	var l lastAnswers
	question := func(i int) string { return itoa(i) }
	for i := range n {
		l.add(question(i), make([]byte, size), time.Unix(int64(i), 0))
	}
	return len(l.answers), l.bytes, l.answers[question(0)].encoded != nil, l.answers[question(n-1)].encoded != nil
}

// Verdict is what Overview says first.
func (h *Handler) Verdict(ctx context.Context, g Group) *data.Verdict {
	return h.start().verdict(ctx, &look{group: g, who: &visitor{}})
}
