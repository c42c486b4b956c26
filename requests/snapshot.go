package requests

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// Snapshot is what a Recorder knows of single requests. What it knows of them
// together is in its registry, see Table.
type Snapshot struct {
	At       time.Time      `json:"at"`
	InFlight map[string]int `json:"in_flight"` // how many requests run, by route
	Running  []Running      `json:"running"`   // oldest first, at most MaxRunning
	Recent   []Finished     `json:"recent"`    // latest first, at most MaxFinished
	Slow     []Finished     `json:"slow"`      // slowest first, of the last ten minutes, as many
	Failed   []Finished     `json:"failed"`    // latest first, as many: failed, aborted or cancelled
	Followed int            `json:"followed"`  // of late one request in so many was followed
}

// Bounds of what a Snapshot lists.
const (
	MaxRunning  = 1000
	MaxFinished = 200
)

// Running is a request that runs.
type Running struct {
	ID       ID        `json:"id"`
	Worker   string    `json:"worker,omitempty"` // for whoever merges
	Server   string    `json:"server,omitempty"` // as configured
	Route    string    `json:"route,omitempty"`  // empty if it is not known yet
	Method   string    `json:"method"`
	Host     string    `json:"host,omitempty"`
	Path     string    `json:"path"`
	Peer     string    `json:"peer"`
	Protocol string    `json:"protocol"`
	Start    time.Time `json:"start"`
	Age      float64   `json:"age_seconds"`
	Phase    string    `json:"phase"` // handling, reading, answering, writing, hijacked
	Status   int       `json:"status,omitempty"`
	Received int64     `json:"received_bytes"` // of the body
	Sent     int64     `json:"sent_bytes"`     // of the body of the answer
	// Cancelled says who has cancelled it, if anybody.
	Cancelled string `json:"cancelled,omitempty"`
}

// Finished is a request that has ended.
type Finished struct {
	ID       ID        `json:"id"`
	Worker   string    `json:"worker,omitempty"` // for whoever merges
	Server   string    `json:"server,omitempty"` // as configured
	Route    string    `json:"route"`
	Method   string    `json:"method"`
	Path     string    `json:"path"`
	Peer     string    `json:"peer"`
	Start    time.Time `json:"start"`
	Seconds  float64   `json:"seconds"`
	Status   int       `json:"status"`
	Outcome  string    `json:"outcome"` // done, failed, aborted, cancelled
	Received int64     `json:"received_bytes"`
	Sent     int64     `json:"sent_bytes"`
	Note     string    `json:"note,omitempty"` // what the handler panicked with
}

// Snapshot returns the requests that run and those of late. No request waits
// for it longer than it takes to copy one line of it.
func (rec *Recorder) Snapshot() Snapshot {
	s := rec.Running()
	rec.addFinished(&s, rec.routes.all())
	return s
}

// Route is a Snapshot of one route.
func (rec *Recorder) Route(name string) Snapshot {
	s := rec.Running()
	s.Running = slices.DeleteFunc(s.Running, func(r Running) bool { return r.Route != name })
	s.InFlight = map[string]int{name: s.InFlight[name]}
	rec.addFinished(&s, slices.DeleteFunc(rec.routes.all(), func(at *route) bool { return at.name != name }))
	return s
}

// addFinished adds what has ended on some routes.
func (rec *Recorder) addFinished(s *Snapshot, routes []*route) {
	now := rec.now()
	recent, failed := picks{better: latestRecord}, picks{better: latestRecord}
	slow := picks{better: slowestRecord}
	for _, at := range routes {
		at.recent.each(func(r *record) { recent.add(at, r) })
		at.failed.each(func(r *record) { failed.add(at, r) })
		at.slow.each(now, func(r *record) { slow.add(at, r) })
	}
	s.Recent, s.Failed, s.Slow = recent.finished(rec), failed.finished(rec), slow.finished(rec)
}

// Running returns a Snapshot of the requests that run, without those that have
// ended.
func (rec *Recorder) Running() Snapshot {
	now := rec.now()
	s := Snapshot{
		At:       rec.time(now),
		InFlight: make(map[string]int),
		Running:  []Running{}, Recent: []Finished{}, Slow: []Finished{}, Failed: []Finished{},
		Followed: int(rec.pace.every()),
	}
	for _, v := range rec.visits.visits() {
		var l line
		if v.show(func() { l.read(v) }) {
			r := l.running(now)
			s.InFlight[r.Route]++
			s.Running = append(s.Running, r)
		}
	}
	slices.SortFunc(s.Running, oldest)
	s.Running = s.Running[:min(len(s.Running), MaxRunning)]
	return s
}

// time is a moment as the clock on the wall showed it, if nobody has set it
// since the Recorder was made.
func (rec *Recorder) time(moment int64) time.Time { return time.Unix(0, rec.unix+moment).UTC() }

func oldest(a, b Running) int {
	return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(a.Worker, b.Worker), cmp.Compare(a.ID, b.ID))
}

func latest(a, b Finished) int {
	return cmp.Or(b.Start.Compare(a.Start), cmp.Compare(a.Worker, b.Worker), cmp.Compare(a.ID, b.ID))
}

func longest(a, b Finished) int { return cmp.Or(cmp.Compare(b.Seconds, a.Seconds), latest(a, b)) }

func (s *Snapshot) sort() {
	slices.SortFunc(s.Running, oldest)
	slices.SortFunc(s.Recent, latest)
	slices.SortFunc(s.Failed, latest)
	slices.SortFunc(s.Slow, longest)
}

// Merge adds what another process knows. Set Worker, by From, before.
func (s *Snapshot) Merge(other Snapshot) {
	if other.At.After(s.At) {
		s.At = other.At
	}
	if s.InFlight == nil {
		s.InFlight = make(map[string]int)
	}
	for route, n := range other.InFlight {
		s.InFlight[route] += n
	}
	s.Running = append(s.Running, other.Running...)
	s.Recent = append(s.Recent, other.Recent...)
	s.Slow = append(s.Slow, other.Slow...)
	s.Failed = append(s.Failed, other.Failed...)
	s.Followed = max(s.Followed, other.Followed)
	s.sort()
	s.Running = s.Running[:min(len(s.Running), MaxRunning)]
	for _, list := range []*[]Finished{&s.Recent, &s.Slow, &s.Failed} {
		*list = (*list)[:min(len(*list), MaxFinished)]
	}
}

// From marks all requests as those of a worker.
func (s *Snapshot) From(worker string) {
	for i := range s.Running {
		s.Running[i].Worker = worker
	}
	for _, list := range [][]Finished{s.Recent, s.Slow, s.Failed} {
		for i := range list {
			list[i].Worker = worker
		}
	}
}

// line is a copy of a visit.
type line struct {
	recorder             *Recorder
	matcher              matcher
	named                *route
	id                   ID
	start                int64
	method, host, remote string
	proto, path, rawPath string
	phase                string
	status               int
	received, sent       int64
	cancelled            *CancelError
}

// read copies v while it is shown.
func (l *line) read(v *visit) {
	*l = line{
		recorder: v.recorder, matcher: v.handler.matcher, named: v.named.Load(),
		id: v.id(), start: v.start, method: v.method, host: v.host, remote: v.remote,
		proto: v.proto, path: v.path, rawPath: v.rawPath, cancelled: v.cancelled.Load(),
	}
	var now phase
	now, l.status, l.sent = v.progress.load()
	l.phase = now.String()
	if v.body != nil {
		l.received = v.body.read.Load()
		if now != writing && v.body.waiting.Load() {
			l.phase = "reading"
		}
	}
	if h := v.taken.Load(); h != nil {
		l.phase, l.received, l.sent = "hijacked", h.received.Load(), h.sent.Load()
	}
}

func (l *line) running(now int64) Running {
	r := Running{
		ID: l.id, Server: l.recorder.config.Server, Route: l.route(), Method: clean(l.method, maxMethod), Host: clean(l.host, maxName),
		Path: clean(l.path, maxPath), Peer: clean(l.remote, maxRemote), Protocol: clean(l.proto, maxMethod),
		Start: l.recorder.time(l.start), Age: float64(max(0, now-l.start)) / 1e9,
		Phase: l.phase, Status: l.status, Received: l.received, Sent: l.sent,
	}
	if l.cancelled != nil {
		r.Cancelled = l.cancelled.By
	}
	return r
}

// route asks the mux as it was asked, or is going to be, for the request itself:
// what that has been told must not be read while it runs.
func (l *line) route() string {
	if l.named != nil {
		return l.named.name
	}
	if l.matcher == nil {
		return ""
	}
	_, pattern := l.matcher.Handler(&http.Request{
		Method: l.method, Host: l.host, URL: &url.URL{Path: l.path, RawPath: l.rawPath},
	})
	return l.recorder.routes.shown(pattern)
}
