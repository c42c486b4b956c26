package logs

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"strings"
)

// site is a place in the source that logs; for records without one, such as those
// of requests, their message.
type site struct {
	pc      uintptr
	message string
}

// siteCount is what is known of a site.
type siteCount struct {
	level   slog.Level // of the last record
	message string
	n       uint64
}

const (
	maxSites   = 1000 // that are counted apart
	maxMessage = 100  // bytes
)

// Site is a place in the source that logs, and how often it has.
type Site struct {
	Place   string // directory, file and line; "" of records that name none
	Level   slog.Level
	Message string // the last one, at most 100 bytes
	Count   uint64
}

// Handler returns a handler that counts records by the place in the source that
// they come from, for Sites, and passes them on to next.
func (r *Ring) Handler(next slog.Handler) slog.Handler { return counting{r, next} }

type counting struct {
	ring *Ring
	next slog.Handler
}

func (h counting) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

func (h counting) Handle(ctx context.Context, r slog.Record) error {
	h.ring.count(&r)
	return h.next.Handle(ctx, r)
}

func (h counting) WithAttrs(attrs []slog.Attr) slog.Handler {
	return counting{h.ring, h.next.WithAttrs(attrs)}
}

func (h counting) WithGroup(name string) slog.Handler {
	return counting{h.ring, h.next.WithGroup(name)}
}

func (r *Ring) count(record *slog.Record) {
	message := record.Message
	if len(message) > maxMessage {
		message, _ = cut(message, maxMessage)
	}
	at := site{pc: record.PC}
	if at.pc == 0 {
		at.message = message
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.sites[at]
	if c == nil && len(r.sites) >= maxSites {
		at, message = site{message: overflow}, overflow
		c = r.sites[at]
	}
	if c == nil {
		if r.sites == nil {
			r.sites = make(map[site]*siteCount)
		}
		c = new(siteCount)
		r.sites[at] = c
	}
	c.n++
	c.level, c.message = record.Level, message
}

// overflow stands for all sites beyond the first thousand.
const overflow = "overflow …"

// Sites returns the places that have logged through Handler, those that log most
// first. Beyond the first thousand they are counted together.
func (r *Ring) Sites() []Site {
	r.mu.Lock()
	defer r.mu.Unlock()
	sites := make([]Site, 0, len(r.sites))
	for at, c := range r.sites {
		s := Site{Level: c.level, Message: c.message, Count: c.n}
		if at.pc != 0 {
			s.Place = place(at.pc)
		}
		sites = append(sites, s)
	}
	slices.SortFunc(sites, func(a, b Site) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Message, b.Message), strings.Compare(a.Place, b.Place))
	})
	return sites
}
