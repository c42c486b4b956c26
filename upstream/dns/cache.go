// Package dns remembers what names resolve to, and goes on knowing it while
// DNS fails.
//
//	var names dns.Cache
//	defer names.Close()
//	addrs, err := names.Addrs(ctx, "db.example.net")
package dns

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/support-go/support/internal/tasks"
)

// ErrClosed says that the Cache has been closed.
var ErrClosed = errors.New("dns: cache is closed")

// Cache looks names up and keeps the answers. An answer that is older than
// Limits.Refresh is given all the same, while it is looked up again in the
// background. The time to live that DNS gives is not looked at: the standard
// resolver does not tell it.
//
// The zero Cache is ready. It is safe for concurrent use; set the fields before
// the first. Close ends and waits for its goroutines.
type Cache struct {
	Resolver *net.Resolver // default net.DefaultResolver
	Limits   Limits

	tasks tasks.Group // the look-ups

	mu      sync.Mutex
	entries map[question]*entry
}

// Limits bound what a Cache does. Zero fields take defaults.
type Limits struct {
	Refresh  time.Duration // age from which an answer is looked up again; default 10 s
	Stale    time.Duration // age at which an answer is no longer given while DNS fails; default 1 h
	Negative time.Duration // for which a failure is given without asking again; default 1 s
	Timeout  time.Duration // of a look-up; default 2 s
	Names    int           // kept at most; default 10,000. The one asked for longest ago makes room
	Addrs    int           // of an answer that are kept; default 1,000
}

func (l Limits) withDefaults() Limits {
	return Limits{
		Refresh:  cmp.Or(l.Refresh, 10*time.Second),
		Stale:    cmp.Or(l.Stale, time.Hour),
		Negative: cmp.Or(l.Negative, time.Second),
		Timeout:  cmp.Or(l.Timeout, 2*time.Second),
		Names:    cmp.Or(l.Names, 10_000),
		Addrs:    cmp.Or(l.Addrs, 1000),
	}
}

// question is what is asked: the addresses of a name, or its SRV records.
type question struct {
	name string
	srv  bool
}

// answer is what was found; its slices are never changed.
type answer struct {
	addrs []netip.Addr
	srv   []net.SRV
}

// entry is what is known of a question. All is guarded by Cache.mu.
type entry struct {
	answer  answer
	good    time.Time // of the answer; zero if there is none
	err     error     // of the last look-up
	tried   time.Time // when that ended
	used    time.Time
	pending chan struct{} // closed when the look-up that runs has ended; nil if none does
}

// Addrs returns the IP addresses of a host name, IPv6 and IPv4, without
// duplicates. An error is a *net.DNSError, unless ctx has ended. The slice must
// not be changed.
func (c *Cache) Addrs(ctx context.Context, host string) ([]netip.Addr, error) {
	a, err := c.ask(ctx, question{name: host})
	return a.addrs, err
}

// SRV returns the SRV records of a name, by priority. An error is a
// *net.DNSError, unless ctx has ended. The slice must not be changed.
func (c *Cache) SRV(ctx context.Context, name string) ([]net.SRV, error) {
	a, err := c.ask(ctx, question{name: name, srv: true})
	return a.srv, err
}

// Close ends all look-ups and waits for them. Later ones fail with ErrClosed.
func (c *Cache) Close() error {
	c.tasks.Close()
	return nil
}

// Len returns how many names are known, failures included.
func (c *Cache) Len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.entries)
}

// ask answers from what is known, or waits for a look-up.
func (c *Cache) ask(ctx context.Context, q question) (answer, error) {
	limits := c.Limits.withDefaults()
	if c.tasks.Closed() {
		return answer{}, ErrClosed
	}
	c.mu.Lock()
	now := time.Now()
	e := c.entryLocked(q, now, limits)
	known, err := e.known(now, limits)
	if !known && e.pending == nil && err == nil { // closed meanwhile
		err = ErrClosed
	}
	if pending := e.pending; !known && pending != nil {
		c.mu.Unlock()
		return c.wait(ctx, q, pending, limits)
	}
	a := e.answer
	c.mu.Unlock()
	return a, err
}

// entryLocked returns the entry of q and starts the look-up that it needs.
func (c *Cache) entryLocked(q question, now time.Time, limits Limits) *entry {
	e := c.entries[q]
	if e == nil {
		if c.entries == nil {
			c.entries = make(map[question]*entry)
		}
		c.makeRoomLocked(limits.Names)
		e = &entry{}
		c.entries[q] = e
	}
	e.used = now
	if e.pending == nil && e.due(now, limits) {
		pending := make(chan struct{})
		if c.tasks.Go(limits.Timeout, func(ctx context.Context) { c.lookUp(ctx, q, e, limits) }) {
			e.pending = pending
		}
	}
	return e
}

func (e *entry) due(now time.Time, limits Limits) bool {
	if e.err != nil {
		return now.Sub(e.tried) >= limits.Negative
	}
	return e.good.IsZero() || now.Sub(e.good) >= limits.Refresh
}

// known tells whether the entry has something to say: an answer that is good
// enough, or a failure that is fresh.
func (e *entry) known(now time.Time, limits Limits) (bool, error) {
	if !e.good.IsZero() && (now.Sub(e.good) < limits.Stale || e.err == nil && e.pending == nil) {
		return true, nil
	}
	return e.err != nil && now.Sub(e.tried) < limits.Negative, e.err
}

// makeRoomLocked removes the entry that was used longest ago, if there are as
// many as allowed.
func (c *Cache) makeRoomLocked(most int) {
	if len(c.entries) < most {
		return
	}
	var oldest question
	var used time.Time
	seen := 0
	for q, e := range c.entries { // a sample will do: looking at all is slow, and their order is random
		if used.IsZero() || e.used.Before(used) {
			oldest, used = q, e.used
		}
		if seen++; seen == 16 {
			break
		}
	}
	delete(c.entries, oldest)
}

// wait waits for a look-up and returns what it has found.
func (c *Cache) wait(ctx context.Context, q question, pending <-chan struct{}, limits Limits) (answer, error) {
	select {
	case <-ctx.Done():
		return answer{}, fmt.Errorf("looking up %q: %w", q.name, context.Cause(ctx))
	case <-pending:
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.entries[q]
	if e == nil {
		return answer{}, &net.DNSError{Err: "too many names at once", Name: q.name, IsTemporary: true}
	}
	if !e.good.IsZero() && time.Since(e.good) < limits.Stale {
		return e.answer, nil
	}
	return answer{}, e.err
}

// lookUp asks DNS and notes what it says.
func (c *Cache) lookUp(ctx context.Context, q question, e *entry, limits Limits) {
	a, err := c.resolve(ctx, q, limits.Addrs)
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	e.err, e.tried = err, now
	if err == nil {
		e.answer, e.good = a, now
	}
	close(e.pending)
	e.pending = nil
}

// resolve asks DNS. An answer without addresses is an error.
func (c *Cache) resolve(ctx context.Context, q question, most int) (answer, error) {
	r := cmp.Or(c.Resolver, net.DefaultResolver)
	if !q.srv {
		return c.families(ctx, r, q, most)
	}
	_, records, err := r.LookupSRV(ctx, "", "", q.name)
	if err != nil {
		return answer{}, err
	}
	var a answer
	for _, record := range records[:min(len(records), most)] {
		a.srv = append(a.srv, *record)
	}
	if len(a.srv) == 0 || len(a.srv) == 1 && a.srv[0].Target == "." { // RFC 2782: not available here
		return answer{}, &net.DNSError{Err: "no such service", Name: q.name, IsNotFound: true}
	}
	return a, nil
}

// families asks for IPv4 and IPv6 apart: asked for both, the resolver says
// nothing of one that fails while the other does not. Of that one, what was
// known stays.
func (c *Cache) families(ctx context.Context, r *net.Resolver, q question, most int) (answer, error) {
	if ip, err := netip.ParseAddr(q.name); err == nil {
		return answer{addrs: []netip.Addr{ip.Unmap()}}, nil
	}
	var v6 []netip.Addr
	var err6 error
	var wait sync.WaitGroup
	wait.Go(func() { v6, err6 = r.LookupNetIP(ctx, "ip6", q.name) })
	v4, err4 := r.LookupNetIP(ctx, "ip4", q.name)
	wait.Wait()
	all := distinct(append(v4, v6...), most)
	if len(all) == 0 {
		if isNotFound(err4) && err6 != nil {
			return answer{}, err6
		}
		return answer{}, err4
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.entries[q]; e != nil {
		for _, ip := range e.answer.addrs {
			if ip.Is4() && err4 != nil && !isNotFound(err4) || ip.Is6() && err6 != nil && !isNotFound(err6) {
				all = append(all, ip)
			}
		}
	}
	return answer{addrs: distinct(all, most)}, nil
}

// isNotFound tells whether DNS has no address of a family, or none that is one.
func isNotFound(err error) bool {
	var e *net.DNSError
	var unsuitable *net.AddrError
	return errors.As(err, &e) && e.IsNotFound || errors.As(err, &unsuitable)
}

// distinct sorts addrs, so that equal answers are equal, and keeps the first.
func distinct(addrs []netip.Addr, most int) []netip.Addr {
	out := make([]netip.Addr, len(addrs))
	for i, a := range addrs {
		out[i] = a.Unmap()
	}
	slices.SortFunc(out, netip.Addr.Compare)
	out = slices.Compact(out)
	return slices.Clip(out[:min(len(out), most)])
}
