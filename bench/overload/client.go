package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// patience is a client's time-out.
const patience = 2 * time.Second

// client sends requests to one server. It is as lean as it can be, since its core
// may share much with that of the server.
type client struct {
	addr string
	kept bool

	encrypted *http.Client // nil without TLS

	mu   sync.Mutex
	idle []*conn // mu
}

type conn struct {
	net.Conn
	buffer [1 << 10]byte
}

func newClient(addr string, proto string, kept bool) *client {
	c := &client{addr: addr, kept: kept}
	if proto != plain {
		c.encrypted = &http.Client{Timeout: patience, Transport: &http.Transport{
			TLSClientConfig:   &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // of a certificate made for this round
			ForceAttemptHTTP2: proto == http2, MaxIdleConnsPerHost: 1 << 14, DisableKeepAlives: !kept,
		}}
	}
	return c
}

// get takes a connection that is idle, or makes one.
func (c *client) get() (*conn, error) {
	c.mu.Lock()
	if n := len(c.idle); n > 0 {
		defer c.mu.Unlock()
		idle := c.idle[n-1]
		c.idle = c.idle[:n-1]
		return idle, nil
	}
	c.mu.Unlock()
	dialed, err := net.DialTimeout("tcp", c.addr, patience)
	if err != nil {
		return nil, err
	}
	return &conn{Conn: dialed}, nil
}

func (c *client) put(k *conn, keep bool) {
	if !keep {
		_ = k.Close() // everything has been read
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.idle = append(c.idle, k)
}

func (c *client) close() {
	if c.encrypted != nil {
		c.encrypted.CloseIdleConnections()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, k := range c.idle {
		_ = k.Close() // nothing is under way
	}
	c.idle = nil
}

// code sends a request and reads its answer, which fits into a buffer.
func (c *client) code(path string, due time.Time) (int, error) {
	if c.encrypted != nil {
		return c.encryptedCode(path, due)
	}
	k, err := c.get()
	if err != nil {
		return 0, err
	}
	_ = k.SetDeadline(due.Add(patience))
	ending := "\r\nConnection: close\r\n\r\n"
	if c.kept {
		ending = "\r\n\r\n"
	}
	if _, err := io.WriteString(k, "GET "+path+" HTTP/1.1\r\nHost: bench"+ending); err != nil {
		c.put(k, false)
		return 0, err
	}
	n := 0
	for {
		m, err := k.Read(k.buffer[n:])
		n += m
		code, whole, closes := parse(k.buffer[:n])
		if whole {
			c.put(k, c.kept && !closes)
			return code, nil
		}
		if err != nil {
			c.put(k, false)
			return 0, err
		}
	}
}

// encryptedCode takes an alert in the handshake for a 503, as there is no better
// answer without one.
func (c *client) encryptedCode(path string, due time.Time) (int, error) {
	ctx, cancel := context.WithDeadline(context.Background(), due.Add(patience))
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+c.addr+path, nil)
	if err != nil {
		return 0, err
	}
	resp, err := c.encrypted.Do(r)
	var remote *net.OpError
	switch {
	case errors.As(err, &remote) && remote.Op == "remote error": // an alert; tls.AlertError is of QUIC only
		return http.StatusServiceUnavailable, nil
	case err != nil:
		return 0, err
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, cmp.Or(err, resp.Body.Close())
}

// parse says whether an answer is whole.
func parse(text []byte) (code int, whole, closes bool) {
	header, body, found := bytes.Cut(text, []byte("\r\n\r\n"))
	if !found || len(header) < len("HTTP/1.1 200") {
		return 0, false, false
	}
	length := 0
	for line := range bytes.Lines(header) {
		name, value, _ := bytes.Cut(bytes.TrimSpace(line), []byte(": "))
		switch string(name) {
		case "Content-Length":
			length, _ = strconv.Atoi(string(value)) // of servers that we know
		case "Connection":
			closes = string(value) == "close"
		}
	}
	code, _ = strconv.Atoi(string(header[len("HTTP/1.1 "):len("HTTP/1.1 200")]))
	return code, len(body) >= length, closes
}
