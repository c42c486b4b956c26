package requests

import (
	"cmp"
	"context"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/support-go/support/stats"
)

// Config says what a Recorder keeps. Zero fields take defaults.
type Config struct {
	Server string // the label server of all that is recorded; default none
	Routes int    // different routes; default 1,000. Further ones are together "overflow"
	Keep   int    // recent, slow and failed requests to remember of each route; default 16

	// Proxies are the peers whose X-Forwarded-For is believed. Default none.
	Proxies []netip.Prefix
}

func (c Config) withDefaults() Config {
	c.Routes = cmp.Or(max(c.Routes, 0), 1000)
	c.Keep = cmp.Or(max(c.Keep, 0), 16)
	return c
}

// Recorder records the requests that pass through its handlers. Its methods
// may be called by any number of goroutines.
type Recorder struct {
	config Config
	base   time.Time // moments are durations since then
	unix   int64     // base in Unix nanoseconds
	mark   uint32    // tells recorders apart, in the labels of goroutines

	pool   sync.Pool // of *visit
	visits table
	routes routes
	pace   pace

	clients *stats.Cardinality
	talkers *stats.Top

	hooked  atomic.Bool // connections are announced, by ConnContext
	told    atomic.Bool // what becomes of them too, by ConnState
	conns   conns
	pending pending // followed requests whose answers are being flushed
}

// New returns a Recorder whose numbers are in reg, which may be nil. They have
// their right time while reg runs, see stats.Registry.Run.
func New(config Config, reg *stats.Registry) *Recorder {
	if reg == nil {
		reg = new(stats.Registry)
	}
	now := time.Now()
	rec := &Recorder{config: config.withDefaults(), base: now, unix: now.UnixNano(), mark: rand.Uint32()}
	rec.pool.New = func() any { return rec.newVisit() }
	rec.routes = routes{registry: reg, server: rec.config.Server, limit: rec.config.Routes, keep: rec.config.Keep}
	rec.clients = reg.Cardinality("http.clients", rec.routes.labels()...)
	rec.talkers = reg.Top("http.talkers", rec.routes.labels()...)
	describe(reg)
	return rec
}

// Handler returns next with its requests recorded. The route of a request is
// its http.Request.Pattern, which an http.ServeMux sets, or what SetRoute says.
// If next is itself a ServeMux, or has its method Handler, the routes of running
// requests are known as well.
//
// The ResponseWriter that next gets can do what the one below it can, as far as
// net/http's can: Flush, Hijack, ReadFrom, Push, and all that an
// http.ResponseController asks for. As with net/http's, it must not be used
// once the handler has returned.
func (rec *Recorder) Handler(next http.Handler) http.Handler {
	m, _ := next.(matcher)
	return &handler{recorder: rec, next: next, matcher: m}
}

// Hook has server tell rec of its connections, beside whatever ConnContext and
// ConnState it has. Without it HTTP/1 requests cannot be cancelled and the time
// before and after the handler is not known. Call it before the server serves.
func (rec *Recorder) Hook(server *http.Server) {
	inner, state := server.ConnContext, server.ConnState
	server.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		if inner != nil {
			ctx = inner(ctx, c)
		}
		return rec.ConnContext(ctx, c)
	}
	server.ConnState = func(c net.Conn, s http.ConnState) {
		if state != nil {
			state(c, s)
		}
		rec.ConnState(c, s)
	}
}

// now is the time since rec was made.
func (rec *Recorder) now() int64 { return int64(time.Since(rec.base)) }

// at turns a moment into a time.
func (rec *Recorder) at(moment int64) time.Time { return rec.base.Add(time.Duration(moment)) }

func describe(reg *stats.Registry) {
	for name, help := range map[string]string{
		"http.request_seconds":  "from the beginning of the handler to its end",
		"http.received_bytes":   "of request bodies, as far as the handler has read them",
		"http.sent_bytes":       "of answers, as written by the handler",
		"http.panics":           "handlers that panicked",
		"http.aborted":          "requests whose client went, or whose handler gave up",
		"http.cancelled":        "requests that an operator has cancelled",
		"http.hijacked_seconds": "from the beginning of the handler to the end of the connection",
		"http.request_states":   "where requests spend their time, of those followed",
		"http.clients":          "different client addresses (IPv6: networks of 64 bits)",
		"http.talkers":          "clients by requests, estimated from those followed",
	} {
		reg.Describe(name, help)
	}
}
