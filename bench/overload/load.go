package main

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// patience is a client's time-out, and onTime that of a good answer.
const (
	patience = 2 * time.Second
	onTime   = 250 * time.Millisecond
)

// client sends requests to one server. It is as lean as it can be, since its core
// may share much with that of the server.
type client struct {
	addr string
	kept bool

	mu   sync.Mutex
	idle []*conn // mu
}

type conn struct {
	net.Conn
	buffer [1 << 10]byte
}

func newClient(addr string, kept bool) *client { return &client{addr: addr, kept: kept} }

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
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, k := range c.idle {
		_ = k.Close() // nothing is under way
	}
	c.idle = nil
}

// code sends a request and reads its answer, which fits into a buffer.
func (c *client) code(path string, due time.Time) (int, error) {
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

// answer is what became of one request.
type answer struct {
	due  time.Duration // since the beginning
	took time.Duration // from the moment that it was due
	code int           // 0 for none
	late bool          // no answer in the client's time
}

// ask sends one request, which was due at a time.
func (c *client) ask(path string, start, due time.Time) answer {
	code, err := c.code(path, due)
	a := answer{due: due.Sub(start)}
	a.took = time.Since(due)
	if err == nil {
		a.code = code
	}
	a.late = a.took >= patience
	return a
}

// open sends requests at a rate, however long they take, until the time is
// over, and returns when the last has been answered. Random arrivals are those of
// a Poisson process.
func (c *client) open(path string, rate float64, random bool, length time.Duration) []answer {
	var mu sync.Mutex
	var answers []answer
	var pending sync.WaitGroup
	start := time.Now()
	for due := start; due.Sub(start) < length; {
		time.Sleep(time.Until(due))
		at := due
		pending.Go(func() {
			a := c.ask(path, start, at)
			mu.Lock()
			defer mu.Unlock()
			answers = append(answers, a)
		})
		gap := 1.0
		if random {
			gap = rand.ExpFloat64()
		}
		due = due.Add(time.Duration(gap / rate * float64(time.Second)))
	}
	pending.Wait()
	return answers
}

// closed sends one request after another over a few connections, and returns
// how many were answered in a second.
func (c *client) closed(ctx context.Context, connections int, length time.Duration) float64 {
	var all sync.WaitGroup
	counts := make([]int, connections)
	start := time.Now()
	for i := range connections {
		all.Go(func() {
			for ctx.Err() == nil && time.Since(start) < length {
				if c.ask("/", start, time.Now()).code == http.StatusOK {
					counts[i]++
				}
			}
		})
	}
	all.Wait()
	total := 0
	for _, n := range counts {
		total += n
	}
	return float64(total) / time.Since(start).Seconds()
}
