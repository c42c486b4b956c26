package main

import (
	"bufio"
	"fmt"
	"net"
	"runtime"

	"github.com/support-go/support/netbuf"
)

// idle shows the memory that connections hold once each has had one message
// and waits for the next.
func idle(int) error {
	const conns = 2000
	message := append(make([]byte, 4095), '\n')
	ours, err := heapOf(conns, message, func(nc net.Conn) func() error {
		conn := netbuf.NewConn(nc)
		return func() error { _, err := conn.ReadUntil(newline, 0); return err }
	})
	if err != nil {
		return err
	}
	peer, err := heapOf(conns, message, func(nc net.Conn) func() error {
		reader := bufio.NewReaderSize(nc, bufferSize)
		return func() error { _, err := reader.ReadSlice('\n'); return err }
	})
	if err != nil {
		return err
	}
	fmt.Printf("%-44s ours %.1f KiB, bufio of 32 KiB %.1f KiB\n", "heap of an idle connection", ours, peer)
	return nil
}

// heapOf returns the KiB of heap that each of n readers on pipes holds while it
// waits for its second message.
func heapOf(n int, message []byte, start func(net.Conn) func() error) (float64, error) {
	before := heap()
	first := make(chan error, n)
	ended := make(chan error, n)
	var far []net.Conn
	for range n {
		near, peer := net.Pipe()
		far = append(far, peer)
		go func() {
			read := start(near)
			first <- read()
			ended <- read()
		}()
	}
	for _, peer := range far {
		if _, err := peer.Write(message); err != nil {
			return 0, err
		}
		if err := <-first; err != nil {
			return 0, err
		}
	}
	after := heap()
	for _, peer := range far {
		_ = peer.Close()
		<-ended //nolint:errcheck // it has been told to end
	}
	return float64(int64(after)-int64(before)) / float64(n) / 1024, nil
}

// heap returns the bytes of live objects.
func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}
