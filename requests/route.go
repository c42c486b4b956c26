package requests

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/support-go/support/stats"
)

// noRoute is the route of requests that no pattern matches.
const noRoute = "(none)"

// routes are those seen so far. Looking one up takes no lock.
type routes struct {
	registry *stats.Registry
	server   string
	limit    int
	keep     int

	known atomic.Pointer[map[string]*route]
	full  atomic.Pointer[route] // overflow, once there are as many as may be
	mu    sync.Mutex            // of adding one
}

// of returns the route of that name. Those past the limit are one, overflow.
func (rs *routes) of(name string) *route {
	if m := rs.known.Load(); m != nil {
		if at := (*m)[name]; at != nil {
			return at
		}
	}
	if full := rs.full.Load(); full != nil {
		return full
	}
	return rs.add(name)
}

func (rs *routes) add(name string) *route {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	known := make(map[string]*route)
	if m := rs.known.Load(); m != nil {
		known = maps.Clone(*m)
	}
	switch {
	case known[name] != nil:
		return known[name]
	case len(known) < rs.limit:
		at := rs.open(shownName(name))
		known[strings.Clone(name)] = at
		rs.known.Store(&known)
		return at
	}
	if rs.full.Load() == nil {
		rs.full.Store(rs.open(stats.Overflow))
	}
	return rs.full.Load()
}

// shown is the name under which requests of a pattern are or will be counted.
func (rs *routes) shown(pattern string) string {
	if m := rs.known.Load(); m != nil {
		if at := (*m)[pattern]; at != nil {
			return at.name
		}
	}
	if full := rs.full.Load(); full != nil {
		return full.name
	}
	return shownName(pattern)
}

func shownName(pattern string) string {
	if pattern == "" {
		return noRoute
	}
	return clean(pattern, maxName)
}

// all gives each route.
func (rs *routes) all() []*route {
	var all []*route
	if m := rs.known.Load(); m != nil {
		all = slices.Collect(maps.Values(*m))
	}
	if full := rs.full.Load(); full != nil {
		all = append(all, full)
	}
	return all
}

// labels are those of what is counted of all routes together.
func (rs *routes) labels(more ...string) []string {
	if rs.server != "" {
		more = append(more, "server", rs.server)
	}
	return more
}

// route is where the requests of one pattern are counted.
type route struct {
	name     string
	labels   []string
	registry *stats.Registry

	seconds  *stats.Distribution
	sent     *stats.Distribution
	received atomic.Pointer[stats.Distribution]
	classes  [6]atomic.Pointer[stats.Counter]

	once   sync.Once
	states *stats.States
	names  [stages]stats.State

	recent, failed ring
	slow           slowest
}

func (rs *routes) open(name string) *route {
	labels := rs.labels("route", name)
	return &route{
		name: name, labels: labels, registry: rs.registry,
		seconds: rs.registry.Distribution("http.request_seconds", labels...),
		sent:    rs.registry.Distribution("http.sent_bytes", labels...),
		recent:  ring{size: rs.keep},
		failed:  ring{size: rs.keep},
		slow:    slowest{size: rs.keep},
	}
}

// count counts a request that has ended.
func (at *route) count(v *visit, f *finish) {
	at.class(f.status).Add(1)
	if v.taken.Load() != nil {
		at.registry.Distribution("http.hijacked_seconds", at.labels...).Add(float64(f.took) / 1e9)
		return
	}
	at.seconds.Add(float64(f.took) / 1e9)
	at.sent.Add(float64(f.sent))
	if v.body != nil {
		at.receivedBytes().Add(float64(f.received))
	}
	if f.took > at.slow.floor.Load() {
		at.slow.add(v, f)
	}
	if f.ending != done {
		at.fail(v, f)
	}
}

// classNames are the counters of answers by class; the first is for a status
// that cannot be.
var classNames = [...]string{
	"http.responses_odd", "http.responses_1xx", "http.responses_2xx",
	"http.responses_3xx", "http.responses_4xx", "http.responses_5xx",
}

// class is the counter of answers like status. It is made when first needed.
func (at *route) class(status int) *stats.Counter {
	i := status / 100
	if i >= len(classNames) {
		i = 0
	}
	if c := at.classes[i].Load(); c != nil {
		return c
	}
	at.classes[i].Store(at.registry.Counter(classNames[i], at.labels...))
	return at.classes[i].Load()
}

func (at *route) receivedBytes() *stats.Distribution {
	if d := at.received.Load(); d != nil {
		return d
	}
	at.received.Store(at.registry.Distribution("http.received_bytes", at.labels...))
	return at.received.Load()
}

// fail counts a request that has not ended well. There are few.
func (at *route) fail(v *visit, f *finish) {
	switch {
	case v.note != "":
		at.registry.Counter("http.panics", at.labels...).Add(1)
	case f.ending == aborted:
		at.registry.Counter("http.aborted", at.labels...).Add(1)
	case f.ending == stopped:
		at.registry.Counter("http.cancelled", at.labels...).Add(1)
	}
	at.failed.add(v, f)
}

// followed returns the States of the route.
func (at *route) followed() (*stats.States, *[stages]stats.State) {
	at.once.Do(func() {
		at.states = at.registry.States("http.request_states", at.labels...)
		for s := range at.names {
			at.names[s] = at.states.State(stage(s).String())
		}
	})
	return at.states, &at.names
}

// SetRoute says which route the request that w answers belongs to, for routers
// that do not set http.Request.Pattern and for routes that are better named
// otherwise. w may wrap the ResponseWriter that the Recorder gave. Routes are
// for few names: patterns, not paths.
func SetRoute(w http.ResponseWriter, name string) {
	for w != nil {
		if v, ok := w.(interface{ setRoute(name string) }); ok {
			v.setRoute(name)
			return
		}
		u, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return
		}
		w = u.Unwrap()
	}
}

func (v *visit) setRoute(name string) { v.named.Store(v.recorder.routes.of(name)) }
