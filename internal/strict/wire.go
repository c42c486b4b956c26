package strict

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"syscall"
	"time"
)

// dialer opens connections to one target.
type dialer struct {
	target  Target
	addr    netip.AddrPort // of a TCP target
	tls     *tls.Config    // with ALPN set; nil without TLS
	timeout time.Duration
}

// newDialer prepares connections of a load.
func newDialer(l Load) (*dialer, error) {
	addr, err := l.Target.resolve()
	if err != nil {
		return nil, err
	}
	d := &dialer{target: l.Target, addr: addr, timeout: l.Limits.Timeout}
	if l.Target.TLS == nil {
		return d, nil
	}
	d.tls = l.Target.TLS.Clone()
	d.tls.NextProtos = []string{"http/1.1"}
	if l.Mode == HTTP2 {
		d.tls.NextProtos = []string{"h2"}
	}
	if d.tls.ServerName == "" && !d.tls.InsecureSkipVerify {
		d.tls.ServerName, _, _ = net.SplitHostPort(l.Target.host())
	}
	return d, nil
}

// dial connects and shakes hands, all before the deadline.
func (d *dialer) dial(deadline time.Time) (net.Conn, error) {
	conn, err := d.connect(deadline)
	if err != nil || d.tls == nil {
		return conn, err
	}
	secured := tls.Client(conn, d.tls)
	_ = secured.SetDeadline(deadline) // a closed connection says so below
	if err := secured.Handshake(); err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("handshake: %w", err)
	}
	if got := secured.ConnectionState().NegotiatedProtocol; d.tls.NextProtos[0] == "h2" && got != "h2" {
		_ = conn.Close()
		return nil, fmt.Errorf("handshake: server chose %q by ALPN instead of h2", got)
	}
	return secured, nil
}

// connect leaves keep-alive probes off: they cost four system calls a
// connection and every request has a time-out anyway.
func (d *dialer) connect(deadline time.Time) (net.Conn, error) {
	nd := net.Dialer{Deadline: deadline, KeepAlive: -1}
	if d.target.Network == "unix" {
		return nd.Dial("unix", d.target.Addr)
	}
	conn, err := nd.DialTCP(context.Background(), "tcp", netip.AddrPort{}, d.addr)
	if err != nil {
		return nil, err
	}
	return conn, nil
}

// ownFault reports whether dialling failed for want of something on the
// client's side, which says nothing about the server.
func ownFault(err error) bool {
	for _, e := range []error{syscall.EADDRNOTAVAIL, syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// wire is a connection in use. It counts what comes back.
type wire struct {
	conn   net.Conn
	in     *bufio.Reader // reads through the wire
	got    int64         // bytes since begin
	served int64         // requests that had their answer
}

// open makes conn the wire's connection, new and unused.
func (w *wire) open(conn net.Conn) {
	w.conn, w.got, w.served = conn, 0, 0
	w.in.Reset(w)
}

// Read reads from the connection and counts.
func (w *wire) Read(p []byte) (int, error) {
	n, err := w.conn.Read(p)
	w.got += int64(n)
	return n, err
}

// close ends the connection, if there is one.
func (w *wire) close() {
	if w.conn != nil {
		_ = w.conn.Close()
		w.conn = nil
	}
}

// closedByPeer waits until the server has ended the connection and says what
// came instead if it does not.
func (w *wire) closedByPeer(deadline time.Time) error {
	_ = w.conn.SetReadDeadline(deadline)
	_, err := w.in.ReadByte()
	switch {
	case err == nil:
		return errors.New("bytes follow an answer that announced the end of the connection")
	case timedOut(err):
		return errors.New("connection stays open after its end was announced")
	}
	return nil
}

// fault is what is known when a request got no good answer.
type fault struct {
	reused   bool  // the connection had answered before
	promised bool  // by a GOAWAY that named this stream or a later one
	sent     int   // bytes of the request that were written
	got      int64 // bytes of its answer that came
	err      error
}

// outcome classifies; the package comment has the definitions.
func (f fault) outcome() Outcome {
	switch {
	case errors.Is(f.err, errMisdirected):
		return Misdirected
	case errors.Is(f.err, errWrong):
		return Wrong
	case errors.Is(f.err, errUnprocessed):
		return Unprocessed
	case timedOut(f.err):
		return Hung
	case f.got > 0:
		return Truncated
	case f.promised:
		return Lost
	case f.reused:
		return Stale
	case f.sent == 0:
		return Refused
	}
	return Lost
}

// timedOut asks the error itself, since dialling and reading have different
// ones.
func timedOut(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

// Errors of an answer that came, but not as it had to.
var (
	errMisdirected = errors.New("the answer to another request")
	errWrong       = errors.New("wrong answer")
)

// wrong returns an error that counts as Wrong.
func wrong(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errWrong, fmt.Sprintf(format, args...))
}

// noEOF turns the end of a connection in the middle of an answer into an error
// that says so.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
