package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"slices"
	"time"

	"github.com/jackc/puddle/v2"
	"github.com/support-go/support/upstream"
)

// cost prints what each way costs, every slice of ours between two of the
// base's.
func cost() error {
	addr, err := echoServer()
	if err != nil {
		return err
	}
	web, err := webServer()
	if err != nil {
		return err
	}
	if err := compareLoans(addr); err != nil {
		return err
	}
	if err := compareTrips(addr); err != nil {
		return err
	}
	return compareWeb(web)
}

// slice is how long one measurement takes.
const slice = 25 * time.Millisecond

// perCall returns the nanoseconds of a call of do.
func perCall(do func()) float64 {
	n := 0
	start := time.Now()
	for time.Since(start) < slice {
		for range 16 {
			do()
		}
		n += 16
	}
	return float64(time.Since(start)) / float64(n)
}

// compare prints the median of both, and of the ratio of each slice of ours to
// the mean of the base's slices around it.
func compare(what string, ours, base func()) {
	const pairs = 40
	for range 200 {
		ours()
		base()
	}
	var all, bases, ratios []float64
	before := perCall(base)
	for range pairs {
		our := perCall(ours)
		after := perCall(base)
		all, bases = append(all, our), append(bases, after)
		ratios = append(ratios, 2*our/(before+after))
		before = after
	}
	fmt.Printf("%-48s %8.0f ns  base %8.0f ns  ratio %.2f (%.2f to %.2f)  %d allocs, base %d\n",
		what, median(all), median(bases), median(ratios), at(ratios, 0.1), at(ratios, 0.9), allocs(ours), allocs(base))
}

func median(v []float64) float64 { return at(v, 0.5) }

func at(v []float64, q float64) float64 {
	v = slices.Sorted(slices.Values(v))
	return v[int(q*float64(len(v)-1))]
}

// allocs returns the allocations of a call.
func allocs(do func()) uint64 {
	const n = 1000
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range n {
		do()
	}
	runtime.ReadMemStats(&after)
	return (after.Mallocs - before.Mallocs) / n
}

func service(addrs ...string) (*upstream.Manager, error) {
	m := new(upstream.Manager)
	return m, m.Add("echo", upstream.Service{Tiers: []upstream.Tier{upstream.At(addrs...)}})
}

func compareLoans(addr string) error {
	ctx := context.Background()
	m, err := service(addr)
	if err != nil {
		return err
	}
	defer m.Close()
	pool, err := puddle.NewPool(&puddle.Config[net.Conn]{
		Constructor: func(ctx context.Context) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "tcp", addr)
		},
		Destructor: func(c net.Conn) { _ = c.Close() },
		MaxSize:    64,
	})
	if err != nil {
		return err
	}
	defer pool.Close()
	if err := trip(m); err != nil {
		return err
	}
	lend := func() {
		c, err := m.Get(ctx, "echo")
		check(err)
		check(c.Release())
	}
	compare("Get + Release / puddle", lend, func() {
		r, err := pool.Acquire(ctx)
		check(err)
		r.Release()
	})
	idle := make(chan net.Conn, 1)
	idle <- nil
	compare("Get + Release / buffered channel", lend, func() { idle <- <-idle })
	return nil
}

// trip makes one round trip, so that a connection is there and emptied.
func trip(m *upstream.Manager) error {
	_, err := upstream.Call(context.Background(), m, "echo", func(_ context.Context, c *upstream.Conn) (int, error) {
		return roundTrip(c)
	})
	return err
}

var message = []byte("twenty-three bytes long\n")

func roundTrip(c net.Conn) (int, error) {
	if _, err := c.Write(message); err != nil {
		return 0, err
	}
	var b [64]byte
	return io.ReadFull(c, b[:len(message)])
}

func roundTripOnce(c net.Conn) (int, error) {
	if _, err := c.Write(message); err != nil {
		return 0, err
	}
	var b [64]byte
	return c.Read(b[:])
}

func compareTrips(addr string) error {
	ctx := context.Background()
	m, err := service(addr)
	if err != nil {
		return err
	}
	defer m.Close()
	raw, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer raw.Close()
	base := func() {
		_, err := roundTripOnce(raw)
		check(err)
	}
	compare("round trip, pooled / kept raw connection", func() {
		c, err := m.Get(ctx, "echo")
		check(err)
		_, err = roundTripOnce(c)
		check(err)
		check(c.Release())
	}, base)
	compare("round trip by Call / kept raw connection", func() {
		_, err := upstream.Call(ctx, m, "echo", func(_ context.Context, c *upstream.Conn) (int, error) { return roundTripOnce(c) })
		check(err)
	}, base)
	_, err = roundTrip(raw)
	return err
}

func compareWeb(addr string) error {
	m, err := service(addr)
	if err != nil {
		return err
	}
	defer m.Close()
	plain := &http.Transport{ResponseHeaderTimeout: 10 * time.Second, MaxResponseHeaderBytes: 64 << 10, MaxIdleConnsPerHost: 64}
	defer plain.CloseIdleConnections()
	do := func(rt http.RoundTripper, url string) func() {
		req, err := http.NewRequest("GET", url, nil)
		check(err)
		return func() {
			resp, err := rt.RoundTrip(req)
			check(err)
			_, err = io.Copy(io.Discard, resp.Body)
			check(err)
			check(resp.Body.Close())
		}
	}
	compare("HTTP by Transport / http.Transport", do(m.Transport(), "http://echo/"), do(plain, "http://"+addr+"/"))
	return nil
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

// echoServer answers each message with itself.
func echoServer() (string, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	go serve(ln, func(c net.Conn) {
		b := make([]byte, 4096)
		for {
			n, err := c.Read(b)
			if err != nil {
				return
			}
			if _, err := c.Write(b[:n]); err != nil {
				return
			}
		}
	})
	return ln.Addr().String(), nil
}

// webServer answers each read with the same, so that the client is what is
// measured.
func webServer() (string, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	answer := []byte("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Type: text/plain\r\n\r\nhello")
	go serve(ln, func(c net.Conn) {
		b := make([]byte, 4096)
		for {
			if _, err := c.Read(b); err != nil {
				return
			}
			if _, err := c.Write(answer); err != nil {
				return
			}
		}
	})
	return ln.Addr().String(), nil
}

func serve(ln net.Listener, one func(net.Conn)) {
	for {
		c, err := ln.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			one(c)
		}()
	}
}
