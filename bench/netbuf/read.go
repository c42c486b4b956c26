package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/support-go/support/netbuf"
)

const bufferSize = 32 << 10 // the same on both sides

var newline = []byte{'\n'}

// endless is a connection on which the same messages arrive for ever.
type endless struct {
	net.Conn
	messages []byte
	at       int
}

func newEndless(size int) *endless {
	message := append(bytes.Repeat([]byte{'x'}, size-1), '\n')
	return &endless{messages: bytes.Repeat(message, 1<<20/size)}
}

func (e *endless) Read(p []byte) (int, error) {
	n := copy(p, e.messages[e.at:])
	e.at += n
	if e.at == len(e.messages) {
		e.at = 0
	}
	return n, nil
}

// memory compares ReadUntil and bufio.Reader.ReadSlice without system calls.
func memory(pairs int) error {
	for _, size := range []int{64, 4096} {
		views(newEndless(size), newEndless(size), size, 4<<20/size).
			report(fmt.Sprintf("ReadUntil / ReadSlice, memory, %d B", size), pairs)
	}
	return nil
}

// views compares reading n messages a slice as views.
func views(ours, peer net.Conn, size, n int) comparison {
	conn := netbuf.NewConn(ours)
	reader := bufio.NewReaderSize(peer, bufferSize)
	return timed(n, func() {
		for range n {
			if msg, err := conn.ReadUntil(newline, 4096); err != nil || len(msg) != size-1 {
				fail(fmt.Errorf("%d bytes, %w", len(msg), err))
			}
		}
	}, func() {
		for range n {
			if msg, err := reader.ReadSlice('\n'); err != nil || len(msg) != size {
				fail(fmt.Errorf("%d bytes, %w", len(msg), err))
			}
		}
	})
}

// copying compares AppendUntil and bufio.Reader.ReadBytes.
func copying(pairs int) error {
	const n = 20_000
	conn := netbuf.NewConn(newEndless(64))
	reader := bufio.NewReaderSize(newEndless(64), bufferSize)
	buf := make([]byte, 0, 128)
	timed(n, func() {
		for range n {
			var err error
			if buf, err = conn.AppendUntil(buf[:0], newline, 0); err != nil {
				fail(err)
			}
		}
	}, func() {
		for range n {
			if _, err := reader.ReadBytes('\n'); err != nil {
				fail(err)
			}
		}
	}).report("AppendUntil / ReadBytes, memory, 64 B", pairs)
	return nil
}

// loopback compares ReadUntil and ReadSlice on TCP with a sender that never
// pauses. A connection may be a fifth faster than its twin for as long as it
// lives, so there is a new pair every few slices.
func loopback(pairs int) error {
	const each = 5
	for _, size := range []int{64, 4096} {
		var s samples
		for range (pairs + each - 1) / each {
			if err := loopbackRound(&s, size, each); err != nil {
				return err
			}
		}
		s.print(fmt.Sprintf("ReadUntil / ReadSlice, TCP, %d B", size))
	}
	return nil
}

// loopbackRound measures one pair of connections.
func loopbackRound(s *samples, size, pairs int) error {
	ours, err := flooded(size)
	if err != nil {
		return err
	}
	defer ours.Close()
	peer, err := flooded(size)
	if err != nil {
		return err
	}
	defer peer.Close()
	s.measure(views(ours, peer, size, 8<<20/size), pairs)
	return nil
}

// flooded returns a loopback connection whose peer sends messages as fast as
// they are taken, until it is closed.
func flooded(size int) (net.Conn, error) {
	near, far, err := tcpPair()
	if err != nil {
		return nil, err
	}
	messages := newEndless(size).messages
	go func() {
		for {
			if _, err := far.Write(messages); err != nil {
				return
			}
		}
	}()
	return near, nil
}

// tcpPair returns both ends of a loopback connection.
func tcpPair() (near, far net.Conn, err error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	defer ln.Close()
	if near, err = net.Dial("tcp", ln.Addr().String()); err != nil {
		return nil, nil, err
	}
	if far, err = ln.Accept(); err != nil {
		_ = near.Close()
		return nil, nil, err
	}
	return near, far, nil
}

// timeouts shows what a time-out on each operation costs a round trip.
func timeouts(pairs int) error {
	const n = 500
	with, err := echoed()
	if err != nil {
		return err
	}
	defer with.Close()
	without, err := echoed()
	if err != nil {
		return err
	}
	defer without.Close()
	with.Limits.ReadTimeout, with.Limits.WriteTimeout = time.Minute, time.Minute
	trips := func(conn *netbuf.Conn) func() {
		message := append(bytes.Repeat([]byte{'x'}, 63), '\n')
		return func() {
			for range n {
				if _, err := conn.Write(message); err != nil {
					fail(err)
				}
				if _, err := conn.ReadUntil(newline, 0); err != nil {
					fail(err)
				}
			}
		}
	}
	timed(n, trips(with), trips(without)).
		report("round trip with / without time-outs", pairs)
	return nil
}

// echoed returns a loopback connection whose peer sends everything back.
func echoed() (*netbuf.Conn, error) {
	near, far, err := tcpPair()
	if err != nil {
		return nil, err
	}
	go func() { _, _ = io.Copy(struct{ io.Writer }{far}, struct{ io.Reader }{far}) }()
	return netbuf.NewConn(near), nil
}
