package upstream

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"time"
)

// dial makes a connection, within the time-outs and the limit of all
// connections. A failure counts against the address, unless ctx has ended.
func (e *endpoint) dial(ctx context.Context, fresh bool) (*socket, error) {
	nc, err := e.connect(ctx)
	if err == nil && e.svc.conf.TLS != nil && !plain(ctx) {
		nc, err = e.handshake(ctx, nc)
	}
	if err != nil {
		if ctx.Err() == nil && !errors.Is(err, ErrDescriptors) && !errors.Is(err, ErrRefused) {
			e.fail(err, hard)
		}
		return nil, err
	}
	e.connected()
	s := newSocket(e, nc)
	s.fresh = fresh
	s.uncounted = plain(ctx) // its requests count as load, not itself
	e.admit(s)
	return s, nil
}

// plainKey marks the context of a dial for http.Transport, which is given a
// plain connection and counts requests.
type plainKey struct{}

func plain(ctx context.Context) bool { return ctx.Value(plainKey{}) != nil }

// connect takes a place under the limit and connects. If it fails, the place is
// given back.
func (e *endpoint) connect(ctx context.Context) (net.Conn, error) {
	m := e.svc.m
	if m.Egress != nil && e.ip.IsValid() {
		if err := m.Egress(e.ip); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrRefused, err)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, e.timeouts.Connect)
	defer cancel()
	start := time.Now()
	if err := m.quota.acquire(ctx, m.cullOldest); err != nil {
		return nil, err
	}
	nc, err := e.openOnce(ctx)
	if errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) {
		if m.cullOldest() {
			nc, err = e.openOnce(ctx)
		}
		if err != nil {
			err = fmt.Errorf("%w: %w", ErrDescriptors, err)
		}
	}
	if err != nil {
		m.quota.release()
		return nil, e.stepFailed("connect", e.timeouts.Connect, err)
	}
	e.svc.instruments.connect.AddSince(start)
	return nc, nil
}

// openOnce opens a connection, once.
func (e *endpoint) openOnce(ctx context.Context) (net.Conn, error) {
	if dial := e.svc.m.Dial; dial != nil {
		return dial(ctx, e.network, e.addr)
	}
	var d net.Dialer
	d.SetMultipathTCP(false)
	return d.DialContext(ctx, e.network, e.addr)
}

// handshake speaks TLS on nc, or closes it and gives its place back.
func (e *endpoint) handshake(ctx context.Context, nc net.Conn) (net.Conn, error) {
	t, err := e.shake(ctx, tls.Client(nc, e.tlsConfig()))
	if err != nil {
		_ = nc.Close()
		e.svc.m.quota.release()
		return nil, err
	}
	return t, nil
}

// shake shakes hands within the time-out.
func (e *endpoint) shake(ctx context.Context, t *tls.Conn) (*tls.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, e.timeouts.Handshake)
	defer cancel()
	start := time.Now()
	if err := t.HandshakeContext(ctx); err != nil {
		return nil, e.stepFailed("TLS handshake", e.timeouts.Handshake, err)
	}
	e.svc.instruments.handshake.AddSince(start)
	return t, nil
}

func (e *endpoint) tlsConfig() *tls.Config {
	conf := e.svc.conf.TLS
	if conf.ServerName == "" {
		conf = conf.Clone()
		conf.ServerName = e.server
	}
	return conf
}

// stepFailed says in which step an attempt has failed, without the address,
// which is named beside it.
func (e *endpoint) stepFailed(step string, limit time.Duration, err error) error {
	if isTimeout(err) {
		return &stepError{step: fmt.Sprintf("%s took longer than %v", step, limit), err: os.ErrDeadlineExceeded}
	}
	var op *net.OpError
	if errors.As(err, &op) && step == "connect" && !errors.Is(err, ErrDescriptors) {
		err = op.Err
	}
	var call *os.SyscallError
	if errors.As(err, &call) && call.Syscall == step {
		err = call.Err
	}
	return &stepError{step: step, err: err}
}

// connected notes that connections succeed.
func (e *endpoint) connected() {
	if !e.uneasy.Load() {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.kind == soft {
		return // which this does not disprove
	}
	e.inRow = 0
	if e.condition() == down && !e.probing {
		e.rose(&e.svc.conf.Health, e.clock().now(), up)
		e.svc.decide(e, DecideUp, "a connection has succeeded")
	}
}

// probe asks whether an address that is down works again.
func (e *endpoint) probe(ctx context.Context) {
	err := e.ask(ctx)
	now := e.clock().now()
	conf := &e.svc.conf.Health
	e.mu.Lock()
	defer e.mu.Unlock()
	e.probing = false
	switch {
	case ctx.Err() != nil, e.condition() != down:
	case err != nil:
		e.fell(conf, now, "probe: "+err.Error())
		e.svc.decide(e, DecideProbe, "failed: "+err.Error())
	case conf.Probe != nil, e.kind == hard:
		e.rose(conf, now, up)
		e.svc.decide(e, DecideUp, "the probe has succeeded")
	default:
		e.rose(conf, now, trial)
		e.svc.decide(e, DecideProbe, "connections succeed; one call at a time is let through")
	}
}

// ask makes a connection and has Health.Probe use it, if there is one.
func (e *endpoint) ask(ctx context.Context) error {
	s, err := e.dial(ctx, false)
	if err != nil {
		return err
	}
	e.active.Add(1)
	conn := s.lend(0)
	defer conn.Close()
	if probe := e.svc.conf.Health.Probe; probe != nil {
		defer context.AfterFunc(ctx, s.expire)()
		return probe(ctx, conn)
	}
	return nil
}
