package meta

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/maphash"
	"net/http"
	"time"

	"github.com/support-go/support/meta/ui"
)

// streamTime is how long one stream lasts; the browser begins another.
const streamTime = 10 * time.Minute

// stream sends what has changed of a page, until whoever looks goes.
func (a *app) stream(w http.ResponseWriter, r *http.Request, l *look) {
	every := a.every(l)
	if every == 0 {
		w.WriteHeader(http.StatusNoContent) // which tells a browser not to ask again
		return
	}
	select {
	case a.streams <- struct{}{}:
		defer func() { <-a.streams }()
	default:
		w.Header().Set("Retry-After", "5")
		http.Error(w, "too many pages are live", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	ctx, cancel := context.WithTimeout(r.Context(), streamTime)
	defer cancel()
	control := http.NewResponseController(w)
	tick := time.NewTicker(every)
	defer tick.Stop()
	s := sent{seed: maphash.MakeSeed(), hashes: make(map[string]uint64)}
	for {
		changes, err := a.changes(ctx, r, l, &s)
		if err != nil {
			a.log().Error("live page", "path", l.path, "error", err)
			return
		}
		b, err := json.Marshal(changes)
		if err != nil {
			return
		}
		if _, err := fmt.Fprintf(w, "event: patch\ndata: %s\n\n", b); err != nil {
			return
		}
		if control.Flush() != nil {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		case <-a.over:
			return
		}
	}
}

// sent remembers what a browser has.
type sent struct {
	seed   maphash.Seed
	hashes map[string]uint64
}

// changes takes a look, and returns what is not as it was sent.
func (a *app) changes(ctx context.Context, r *http.Request, l *look, s *sent) ([]ui.Fragment, error) {
	ctx, cancel := context.WithTimeout(ctx, pageTime)
	defer cancel()
	fresh := &look{page: l.page, path: l.path, query: l.query, who: l.who}
	a.take(ctx, fresh)
	all, err := a.render.Fragments(a.frame(fresh, r))
	if err != nil {
		return nil, err
	}
	changed := []ui.Fragment{}
	for _, f := range all {
		hash := maphash.String(s.seed, f.HTML)
		if old, known := s.hashes[f.ID]; known && old == hash {
			continue
		}
		s.hashes[f.ID] = hash
		changed = append(changed, f)
	}
	return changed, nil
}
