package support

import (
	"context"
	"crypto/tls"
	"errors"
	"log"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/support-go/support/accept"
	"github.com/support-go/support/internal/track"
)

// httpServer serves a Handler with net/http.
//
// Draining it is the hard part. http.Server.Shutdown would close every idle
// connection at once, and with it lose the requests that are on their way; so
// that comes last, after the lame-duck time, in which each answer asks its
// client to go ("Connection: close").
//
// HTTP/2 can do better: GOAWAY says exactly which requests will be answered.
// net/http sends it only in Shutdown. So the connections of HTTP/2 are handed
// to a companion, a second http.Server that never accepts any itself, and whose
// Shutdown does nothing but send it.
type httpServer struct {
	process   *process
	scope     *scope
	server    http.Server
	companion http.Server
	handler   http.Handler
	stall     time.Duration
	bodyBytes int64 // 0 for any length
}

func newHTTP(p *process, s *Server, q *accept.Queue) *httpServer {
	h := &httpServer{process: p, scope: &scope{process: p, server: s}}
	limits := s.HTTP.withDefaults()
	h.stall, h.bodyBytes = limits.Stall, limits.BodyBytes
	complain := log.New(p.complaints(s), "", 0)
	for _, server := range []*http.Server{&h.server, &h.companion} {
		server.Handler = http.HandlerFunc(h.serveHTTP)
		server.ReadHeaderTimeout = limits.HeaderTimeout
		server.IdleTimeout = limits.IdleTimeout
		server.MaxHeaderBytes = limits.HeaderBytes
		server.HTTP2 = &http.HTTP2Config{MaxConcurrentStreams: limits.Streams, CountError: p.countError}
		server.ErrorLog = complain
		server.Protocols = new(http.Protocols)
		server.Protocols.SetHTTP1(true)
		server.Protocols.SetHTTP2(true)
		server.Protocols.SetUnencryptedHTTP2(true)
	}
	h.server.ConnState = func(c net.Conn, state http.ConnState) { follow(c, state, limits.HeaderBytes) }
	if q != nil {
		q.Hook(&h.server)
		q.Hook(&h.companion)
	}
	h.server.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		return context.WithValue(ctx, connKey{}, track.Of(c))
	}
	h.handler = p.accessing(s, h.bounding(p.admitting(s, s.record(p, &h.server))))
	_ = h.companion.Serve(closedListener{}) // returns at once, ready to speak HTTP/2
	h.server.TLSNextProto = make(map[string]func(*http.Server, *tls.Conn, http.Handler))
	for protocol, speak := range h.companion.TLSNextProto {
		h.server.TLSNextProto[protocol] = func(_ *http.Server, c *tls.Conn, handler http.Handler) {
			track.Of(c).Multiplex(limits.Streams)
			speak(&h.companion, c, handler)
		}
	}
	return h
}

// countError counts what clients of HTTP/2 do wrong, such as a flood of resets.
// net/http has some seventy names for it.
func (p *process) countError(kind string) {
	p.group.Stats.Counter("http.http2_errors", "kind", kind).Add(1)
}

// closedListener accepts nothing.
type closedListener struct{}

func (closedListener) Accept() (net.Conn, error) { return nil, net.ErrClosed }
func (closedListener) Close() error              { return nil }
func (closedListener) Addr() net.Addr            { return &net.TCPAddr{} }

type connKey struct{}

// serveHTTP counts the request, and hands it to the group's handler.
func (h *httpServer) serveHTTP(w http.ResponseWriter, r *http.Request) {
	c := r.Context().Value(connKey{}).(*track.Conn)
	c.Begin()
	if h.process.leaving.Load() {
		w.Header().Set("Connection", "close") // HTTP/2 sends GOAWAY for it
	}
	if r.ProtoMajor > 1 {
		// The stream's context ends when its last frame has been written.
		context.AfterFunc(r.Context(), c.End)
		h.handle(w, r, c)
		return
	}
	h.handle(w, r, c)
	c.Handled()
}

func (h *httpServer) handle(w http.ResponseWriter, r *http.Request, c *track.Conn) {
	if r.Body != http.NoBody {
		own := r.Body
		// By its own, net/http knows that some of it has not been read. It then
		// lets the client read the answer before it closes the connection.
		defer func() { r.Body = own }()
		if h.bodyBytes > 0 {
			r.Body = http.MaxBytesReader(w, own, h.bodyBytes)
		}
	}
	if h.stall <= 0 {
		h.handler.ServeHTTP(w, r)
		return
	}
	conversation := converses(r)
	if r.ProtoMajor > 1 {
		answer := c.WatchAnswer(w, conversation)
		defer answer.Release()
		w = answer
	}
	if !mayHaveBody(r) || conversation && r.ProtoMajor == 1 {
		h.handler.ServeHTTP(w, r)
		return
	}
	h.handleBody(w, r, c, conversation)
}

// handleBody has the reading of the request's body watched. What the handler
// leaves of it, net/http itself reads from an HTTP/1 connection, up to a bound
// in bytes; the deadline for that gives way to the idle time-out.
func (h *httpServer) handleBody(w http.ResponseWriter, r *http.Request, c *track.Conn, conversation bool) {
	control := http.NewResponseController(w)
	body := c.WatchBody(r.Body, control, conversation)
	defer func() {
		if !body.Release() && r.ProtoMajor == 1 {
			_ = control.SetReadDeadline(time.Now().Add(h.stall)) // fails if the connection is closed
		}
	}()
	r.Body = body
	h.handler.ServeHTTP(w, r)
}

// bounding answers requests itself whose body is announced to be too long.
func (h *httpServer) bounding(next http.Handler) http.Handler {
	if h.bodyBytes <= 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength <= h.bodyBytes {
			next.ServeHTTP(w, r)
			return
		}
		r.Context().Value(connKey{}).(*track.Conn).BlameBody()
		w.Header().Set("Connection", "close") // rather than to read all of it
		http.Error(w, "the body is too long", http.StatusRequestEntityTooLarge)
	})
}

// mayHaveBody says whether reading the body of r can wait. Over HTTP/2 it is
// never NoBody; an open one has a length, -1, or a header that says 0.
func mayHaveBody(r *http.Request) bool {
	return r.Body != http.NoBody && (r.ContentLength != 0 || len(r.Header["Content-Length"]) > 0)
}

// converses says whether the body of r is half of a conversation, in which the
// client may wait for the server before it says more.
func converses(r *http.Request) bool {
	return r.Method == http.MethodConnect || strings.HasPrefix(r.Header.Get("Content-Type"), "application/grpc")
}

// follow ends the one request of an HTTP/1 connection when its answer has
// been written. A connection that is hijacked keeps its request, which may wait
// for ever, until it is closed.
//
// Of a connection that is closed, it finds out whether that was the client's fault.
func follow(conn net.Conn, state http.ConnState, headerBytes int) {
	switch state {
	case http.StateIdle:
		track.Of(conn).End()
	case http.StateHijacked:
		track.Of(conn).Lasts()
	case http.StateClosed:
		track.Of(conn).Blame(conn, headerBytes+slop)
	}
}

// slop is what net/http reads of a header beyond its limit.
const slop = 4 << 10

func (h *httpServer) serve(ctx context.Context, ln net.Listener) error {
	ctx = context.WithValue(ctx, scopeKey{}, h.scope)
	if h.process.gated(h.scope.server) {
		ctx = h.process.gate.NewContext(ctx)
	}
	h.server.BaseContext = func(net.Listener) context.Context { return ctx }
	err := h.server.Serve(ln)
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

func (h *httpServer) drain(context.Context, *unit) { h.sendGoaway() }

// sendGoaway has no connections to wait for, so that it needs no context.
func (h *httpServer) sendGoaway() { _ = h.companion.Shutdown(context.Background()) }

func (h *httpServer) lame(ctx context.Context, u *unit) {
	h.sendGoaway()             // to those whose handshake was not over the first time
	u.ln.CloseSilent()         // which net/http would wait five seconds for
	_ = h.server.Shutdown(ctx) // its error is that ctx has ended
}

func (h *httpServer) close() { _ = h.server.Close() }
