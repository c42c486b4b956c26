package main

import (
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// visit makes the plan's connections, each for one request, and prints how many
// a second, and two quantiles of the time that they took in microseconds.
func visit(addr string, p plan) error {
	clients, err := strconv.Atoi(p.clients)
	if err != nil {
		return err
	}
	var left atomic.Int64
	left.Store(int64(p.conns))
	times := make([][]time.Duration, clients)
	failures := make([]error, clients)
	var visiting sync.WaitGroup
	began := time.Now()
	for i := range clients {
		visiting.Go(func() {
			for left.Add(-1) >= 0 && failures[i] == nil {
				start := time.Now()
				failures[i] = once(addr)
				times[i] = append(times[i], time.Since(start))
			}
		})
	}
	visiting.Wait()
	took := time.Since(began)
	for _, err := range failures {
		if err != nil {
			return err
		}
	}
	all := slices.Sorted(slices.Values(slices.Concat(times...)))
	fmt.Println(float64(p.conns)/took.Seconds(), all[len(all)/2].Microseconds(), all[len(all)*99/100].Microseconds())
	return nil
}

func once(addr string) error {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, conn)
	return err
}
