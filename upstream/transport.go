package upstream

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"
)

// ErrScheme is the error for a request with https to a service without TLS.
var ErrScheme = errors.New("upstream: https to a service without TLS; set Service.TLS")

// Transport is an http.RoundTripper over the services of a Manager, which gives
// it out. The host of a request's URL is the name of a service; the port does
// not matter, and other hosts are refused. Whether TLS is spoken depends on the
// service; with TLS, HTTP/2 as well.
//
// Requests that may be repeated (GET, HEAD, OPTIONS, TRACE, those with an
// Idempotency-Key header, and all that have not been sent) are, as Service.Retry
// says: after a failure, and after the answers 502, 503 and 504, which count
// against the address. Redirects are for the http.Client, and go to services as
// well.
type Transport struct {
	m *Manager

	mu  sync.Mutex
	web map[webKey]*http.Transport
}

// webKey tells apart what has time-outs of its own.
type webKey struct {
	svc  *service
	near bool
}

// Transport returns the Manager's http.RoundTripper.
func (m *Manager) Transport() *Transport {
	m.web.CompareAndSwap(nil, &Transport{m: m, web: make(map[webKey]*http.Transport)})
	return m.web.Load()
}

// RoundTrip sends a request to a service, see http.RoundTripper. An error is an
// *Error that names every address tried and why.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	svc, err := t.serviceOf(req)
	if err != nil {
		closeBody(req)
		return nil, err
	}
	ctx, cancel := req.Context(), context.CancelFunc(nil)
	if limit := svc.conf.Timeouts.Call; limit > 0 {
		ctx, cancel = context.WithTimeout(ctx, limit)
	}
	c := &webCall{t: t, req: req, header: t.m.propagated(req), trail: trail{svc: svc}, repeatable: isRepeatable(req)}
	resp, end, err := c.do(ctx)
	if err != nil {
		if cancel != nil {
			cancel()
		}
		return nil, c.trail.error(err)
	}
	if cancel != nil || end != nil {
		c.finally(resp, cancel, end)
	}
	return resp, nil
}

// serviceOf returns the service that a request is for.
func (t *Transport) serviceOf(req *http.Request) (*service, error) {
	host := req.URL.Host
	svc := t.m.service(host)
	if svc == nil {
		svc = t.m.service(req.URL.Hostname())
	}
	if svc == nil {
		return nil, t.m.unknown(host)
	}
	if req.URL.Scheme == "https" && svc.conf.TLS == nil {
		return nil, &Error{Service: svc.name, Err: ErrScheme}
	}
	return svc, nil
}

// propagated returns the header of a request with what Propagate adds. The
// request's own is not changed.
func (m *Manager) propagated(req *http.Request) http.Header {
	if m.Propagate == nil {
		return req.Header
	}
	more := make(http.Header)
	m.Propagate(req.Context(), more)
	if len(more) == 0 {
		return req.Header
	}
	maps.Copy(more, req.Header)
	return more
}

func closeBody(req *http.Request) {
	if req.Body != nil {
		_ = req.Body.Close() // nobody reads it
	}
}

// isRepeatable tells whether a request may be sent twice.
func isRepeatable(req *http.Request) bool {
	if req.Body != nil && req.Body != http.NoBody && req.GetBody == nil {
		return false
	}
	switch req.Method {
	case "", http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return true
	}
	return req.Header.Get("Idempotency-Key") != "" || req.Header.Get("X-Idempotency-Key") != ""
}

// webCall is one request, however often it is sent.
type webCall struct {
	t          *Transport
	req        *http.Request
	header     http.Header // as it is sent
	repeatable bool
	trail      trail

	mu     sync.Mutex
	status *http.Response // the last answer for which an address is to blame
}

// keep keeps such an answer in case nothing better comes, and closes the one
// before.
func (c *webCall) keep(resp *http.Response) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.status != nil {
		_ = c.status.Body.Close() // it is not wanted any more
	}
	c.status = resp
}

// do sends the request. end, if not nil, must be called when the body has been
// read.
func (c *webCall) do(ctx context.Context) (*http.Response, func(), error) {
	svc := c.trail.svc
	delay := time.Duration(svc.hedgeAfter.Load())
	var first *outcome[*http.Response]
	if delay <= 0 || !c.repeatable { // most requests end here, and need nothing else
		o := c.attempt(ctx, 0)
		if o.err == nil {
			svc.budget.earn()
			return o.value, nil, nil
		}
		delay, first = 0, &o
	}
	o, end := c.repeat(ctx, delay, first)
	var status *statusError
	if errors.As(o.err, &status) { // it is an answer after all
		return status.resp, end, nil
	}
	c.keep(nil)
	if o.err != nil {
		end()
		return nil, nil, o.err
	}
	svc.budget.earn()
	return o.value, end, nil
}

// repeat makes the attempts after the first, if there has been one.
func (c *webCall) repeat(ctx context.Context, delay time.Duration, first *outcome[*http.Response]) (outcome[*http.Response], context.CancelFunc) {
	r := &repeater[*http.Response]{
		attempts: c.trail.svc.conf.Retry.Attempts,
		delay:    delay,
		before:   first,
		may:      c.trail.svc.mayRepeat,
		call:     c.attempt,
		discard:  func(resp *http.Response) { _ = resp.Body.Close() },
	}
	return r.run(ctx) //nolint:bodyclose // whoever made the request closes it
}

// statusError is an answer for which the address is to blame.
type statusError struct{ resp *http.Response }

func (e *statusError) Error() string { return "answered " + e.resp.Status }

// webRequest is a request as it is sent to one address, in one piece.
type webRequest struct {
	req  http.Request
	url  url.URL
	body webBody
}

// attempt sends the request to one address.
func (c *webCall) attempt(ctx context.Context, n int) (o outcome[*http.Response]) {
	svc := c.trail.svc
	if n > 0 {
		c.keep(nil)
	}
	e, err := svc.somewhere(ctx, c.trail.endpoints())
	if err != nil {
		return outcome[*http.Response]{err: err}
	}
	x := c.requestTo(ctx, e)
	if n > 0 && c.req.GetBody != nil {
		if x.req.Body, err = c.req.GetBody(); err != nil {
			return outcome[*http.Response]{err: err}
		}
	}
	e.active.Add(1)
	start := c.trail.add(e)
	resp, err := c.t.of(e).RoundTrip(&x.req)
	if err != nil {
		e.active.Add(-1)
		c.failed(ctx, e, err, start)
		return outcome[*http.Response]{err: err, again: ctx.Err() == nil && (c.repeatable || unsent(err) && rewound(c.req))}
	}
	resp.Request = c.req
	x.body.begin(e, resp, start)
	switch resp.StatusCode {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		err := &statusError{resp}
		e.fail(err, soft)
		c.trail.failed(e, err, start)
		c.keep(resp)
		return outcome[*http.Response]{err: err, again: c.repeatable}
	}
	return outcome[*http.Response]{value: resp}
}

// requestTo returns the request as it is sent to e.
func (c *webCall) requestTo(ctx context.Context, e *endpoint) *webRequest {
	x := &webRequest{url: *c.req.URL}
	if ctx == c.req.Context() {
		x.req = *c.req
	} else {
		x.req = *c.req.WithContext(ctx)
	}
	x.req.Header = c.header
	x.url.Host = e.webHost
	x.url.Scheme = "http"
	if e.svc.conf.TLS != nil {
		x.url.Scheme = "https"
	}
	x.req.URL = &x.url
	if x.req.Host == "" {
		x.req.Host = c.req.URL.Host
	}
	return x
}

// failed notes that an address has failed, and why.
func (c *webCall) failed(ctx context.Context, e *endpoint, err error, start time.Time) {
	switch {
	case context.Cause(ctx) == errBeaten: //nolint:errorlint // a cause is not wrapped
		e.late(time.Since(start))
	case unsent(err), errors.Is(err, context.Canceled):
	case isTimeout(err): // the transport has closed the connection, which shows nothing there
		e.fail(err, soft)
	}
	var d *unsentError
	if errors.As(err, &d) {
		err = d.err
	}
	c.trail.failed(e, err, start)
}

// somewhere returns the address that should serve next.
func (s *service) somewhere(ctx context.Context, tried []*endpoint) (*endpoint, error) {
	if err := s.ready(ctx); err != nil {
		return nil, s.closedOr(&Error{Service: s.name, Err: err})
	}
	e := s.live.Load().choose(tried)
	if e == nil && len(tried) > 0 {
		e = s.live.Load().choose(nil)
	}
	if e == nil {
		return nil, s.closedOr(&Error{Service: s.name, Err: s.noAddress()})
	}
	return e, nil
}

// unsentError is a failure to connect: no byte of the request has been sent.
type unsentError struct{ err error }

func (e *unsentError) Error() string { return e.err.Error() }
func (e *unsentError) Unwrap() error { return e.err }

func unsent(err error) bool {
	var u *unsentError
	return errors.As(err, &u)
}

// rewound tells whether the body can be had once more.
func rewound(req *http.Request) bool {
	return req.Body == nil || req.Body == http.NoBody || req.GetBody != nil
}

// of returns the http.Transport for an address. Its connections are told apart
// by endpoint.webHost.
func (t *Transport) of(e *endpoint) *http.Transport {
	if w := e.web.Load(); w != nil {
		return w
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	key := webKey{e.svc, isNear(e.ip)}
	w := t.web[key]
	if w == nil {
		w = newWeb(e.svc, e.timeouts)
		t.web[key] = w
	}
	e.web.Store(w)
	return w
}

func newWeb(svc *service, timeouts Timeouts) *http.Transport {
	return &http.Transport{
		DialContext:            svc.dialWeb,
		DialTLSContext:         svc.dialWebTLS,
		ForceAttemptHTTP2:      true,
		MaxIdleConns:           0,
		MaxIdleConnsPerHost:    svc.conf.Pool.Idle,
		MaxConnsPerHost:        svc.conf.Pool.Max,
		IdleConnTimeout:        svc.conf.Pool.IdleTime,
		ResponseHeaderTimeout:  max(0, timeouts.Response),
		MaxResponseHeaderBytes: 64 << 10,
	}
}

// webHostOf is the name by which http.Transport knows an endpoint.
func webHostOf(id uint64) string { return "e" + strconv.FormatUint(id, 10) + ":1" }

// byWebHost returns the endpoint that http.Transport asks for.
func (s *service) byWebHost(addr string) *endpoint {
	for e := range s.all {
		if e.webHost == addr {
			return e
		}
	}
	return nil
}

// dialWeb connects for http.Transport.
func (s *service) dialWeb(ctx context.Context, _, addr string) (net.Conn, error) {
	e := s.byWebHost(addr)
	if e == nil {
		return nil, &unsentError{fmt.Errorf("%w: it has just been removed", ErrNoAddress)}
	}
	c, err := e.dialWeb(ctx)
	if err != nil {
		return nil, &unsentError{err}
	}
	return c, nil
}

func (e *endpoint) dialWeb(ctx context.Context) (*Conn, error) {
	sock, err := e.dial(context.WithValue(ctx, plainKey{}, true), true)
	if err != nil {
		return nil, err
	}
	if e.svc.m.tasks.Closed() {
		e.drop(sock, causeUnwanted)
		return nil, ErrClosed
	}
	return sock.lend(0), nil
}

// dialWebTLS connects for http.Transport, which wants to see the *tls.Conn.
func (s *service) dialWebTLS(ctx context.Context, network, addr string) (net.Conn, error) {
	c, err := s.dialWeb(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	e := s.byWebHost(addr)
	if e == nil {
		_ = c.Close()
		return nil, &unsentError{ErrNoAddress}
	}
	conf := e.tlsConfig()
	if len(conf.NextProtos) == 0 {
		conf = conf.Clone()
		conf.NextProtos = []string{"h2", "http/1.1"}
	}
	t, err := e.shake(ctx, tls.Client(c, conf))
	if err != nil {
		_ = c.Close()
		return nil, &unsentError{err}
	}
	return t, nil
}

// closeWeb closes the connections that http.Transport has: those of a request
// that has just ended it would keep.
func (e *endpoint) closeWeb() {
	e.mu.Lock()
	var all []*socket
	for s := range e.open {
		if s.uncounted {
			all = append(all, s)
		}
	}
	e.mu.Unlock()
	for _, s := range all {
		e.drop(s, causeUnwanted)
	}
}

// closeIdle closes what http.Transport keeps.
func (t *Transport) closeIdle() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, w := range t.web {
		w.CloseIdleConnections()
	}
}

// CloseIdleConnections closes connections that no request uses, as http.Client
// expects of a transport.
func (t *Transport) CloseIdleConnections() { t.closeIdle() }

var _ http.RoundTripper = (*Transport)(nil)
