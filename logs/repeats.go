package logs

import (
	"cmp"
	"context"
	"log/slog"
	"sync"
	"time"
)

// Repeats passes records on, but of one place in the source not more of a level
// than Burst in each Window. Those beyond become one: the last of them, at the
// end of the window, with their number as its attribute "repeated". Records
// below Level, and those that name no place, are passed on whatever their
// number.
type Repeats struct {
	Next   slog.Handler  // required
	Level  slog.Leveler  // from which records are bounded; default slog.LevelWarn: what is less is what was asked for
	Burst  int           // default 10
	Window time.Duration // default 1 s

	once sync.Once
	book *book
}

// book has the places of which there is a window.
type book struct {
	next   slog.Handler
	level  slog.Level
	burst  int
	window time.Duration

	mu    sync.Mutex
	spots map[spot]*window
}

type spot struct {
	pc    uintptr
	level slog.Level
}

// window is a time in which records of a spot are counted.
type window struct {
	seen int
	last slog.Record
	next slog.Handler
	end  *time.Timer
}

// maxSpots bounds the places that are watched at a time.
const maxSpots = 1000

// Handler returns the handler that does so. All that come from one Repeats
// count together.
func (c *Repeats) Handler() slog.Handler {
	c.once.Do(func() {
		c.book = &book{
			next: c.Next, level: slog.LevelWarn, burst: cmp.Or(c.Burst, 10),
			window: cmp.Or(c.Window, time.Second), spots: make(map[spot]*window),
		}
		if c.Level != nil {
			c.book.level = c.Level.Level()
		}
	})
	return repeated{c.book, c.book.next}
}

// Flush ends all windows: what has been held back is written.
func (c *Repeats) Flush() {
	b := c.book
	if b == nil {
		return
	}
	b.mu.Lock()
	spots := b.spots
	b.spots = make(map[spot]*window)
	b.mu.Unlock()
	for _, w := range spots {
		w.end.Stop()
		b.sum(w)
	}
}

// admit says whether r is to be passed on now.
func (b *book) admit(r slog.Record, next slog.Handler) bool {
	at := spot{r.PC, r.Level}
	b.mu.Lock()
	defer b.mu.Unlock()
	w := b.spots[at]
	if w == nil {
		if len(b.spots) < maxSpots {
			w = &window{seen: 1}
			w.end = time.AfterFunc(b.window, func() { b.close(at, w) })
			b.spots[at] = w
		}
		return true
	}
	if w.seen++; w.seen <= b.burst {
		return true
	}
	w.last, w.next = r.Clone(), next
	return false
}

func (b *book) close(at spot, w *window) {
	b.mu.Lock()
	if b.spots[at] != w {
		b.mu.Unlock()
		return
	}
	delete(b.spots, at)
	b.mu.Unlock()
	b.sum(w)
}

// sum writes one record for those of w that were held back.
func (b *book) sum(w *window) {
	if held := w.seen - b.burst; held > 0 {
		w.last.AddAttrs(slog.Int("repeated", held))
		_ = w.next.Handle(context.Background(), w.last) // there is nobody to tell
	}
}

type repeated struct {
	book *book
	next slog.Handler
}

func (h repeated) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

func (h repeated) Handle(ctx context.Context, r slog.Record) error {
	if r.Level < h.book.level || r.PC == 0 || h.book.admit(r, h.next) {
		return h.next.Handle(ctx, r)
	}
	return nil
}

func (h repeated) WithAttrs(attrs []slog.Attr) slog.Handler {
	return repeated{h.book, h.next.WithAttrs(attrs)}
}

func (h repeated) WithGroup(name string) slog.Handler {
	return repeated{h.book, h.next.WithGroup(name)}
}
