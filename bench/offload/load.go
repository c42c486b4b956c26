package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"runtime"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

const (
	connections = 16
	rate        = 500 // requests a second, on all connections
)

// beLoad sends requests for a while and prints p50, p99 and p99.9 in
// milliseconds. It keeps clear of Go's timers and poller, which may be a
// millisecond late.
func beLoad(addr string, slice time.Duration) error {
	const interval = time.Second * connections / rate
	results := make([][]time.Duration, connections)
	problems := make([]error, connections)
	began := time.Now().Add(20 * time.Millisecond)
	var all sync.WaitGroup
	for i := range connections {
		all.Go(func() {
			first := began.Add(interval * time.Duration(i) / connections)
			results[i], problems[i] = send(addr, first, interval, int(slice/interval))
		})
	}
	all.Wait()
	if err := errors.Join(problems...); err != nil {
		return err
	}
	sorted := slices.Concat(results...)
	slices.Sort(sorted)
	for _, q := range []float64{0.5, 0.99, 0.999} {
		fmt.Printf("%.4f ", sorted[int(q*float64(len(sorted)-1))].Seconds()*1000)
	}
	return nil
}

// send sends requests on one connection at their times, as far as answers
// allow, and returns how long after those the answers came.
func send(addr string, due time.Time, interval time.Duration, count int) ([]time.Duration, error) {
	runtime.LockOSThread()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	file, err := conn.(*net.TCPConn).File()
	if err != nil {
		return nil, err
	}
	defer file.Close()
	fd := int(file.Fd()) // which makes it blocking
	var took []time.Duration
	request, buffer := []byte("GET / HTTP/1.1\r\nHost: bench\r\n\r\n"), make([]byte, 4096)
	for range count {
		if wait := time.Until(due); wait > 0 {
			rest := unix.NsecToTimespec(int64(wait))
			_ = unix.Nanosleep(&rest, nil)
		}
		if _, err := unix.Write(fd, request); err != nil {
			return nil, err
		}
		n := 0
		for !bytes.HasSuffix(buffer[:n], []byte("Hello, world!")) {
			m, err := unix.Read(fd, buffer[n:])
			if err != nil || m == 0 {
				return nil, fmt.Errorf("no answer but %q: %w", buffer[:n], err)
			}
			n += m
		}
		took = append(took, time.Since(due))
		due = due.Add(interval)
	}
	return took, nil
}
