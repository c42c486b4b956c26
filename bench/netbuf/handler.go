package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/support-go/support/netbuf"
)

// handlers compares the CPU that a handler on netbuf takes for a request with
// that of a bare read and write loop. The client is a process of its own, so
// that only the serving side is counted.
func handlers(pairs int) error {
	bare, err := serve(bareLoop)
	if err != nil {
		return err
	}
	defer bare.Close()
	ours, err := serve(netbufLoop)
	if err != nil {
		return err
	}
	defer ours.Close()
	for _, size := range []int{64, 4096} {
		client, err := startClient()
		if err != nil {
			return err
		}
		comparison{
			ours: func() float64 { return client.cpuPerRequest(ours, size) },
			peer: func() float64 { return client.cpuPerRequest(bare, size) },
		}.report(fmt.Sprintf("handler / bare loop, CPU, %d B", size), pairs)
		if err := client.stop(); err != nil {
			return err
		}
	}
	return nil
}

// bareLoop answers each read with what was read.
func bareLoop(conn net.Conn) {
	buf := make([]byte, bufferSize)
	for {
		n, err := conn.Read(buf)
		if err != nil {
			return
		}
		if _, err := conn.Write(buf[:n]); err != nil {
			return
		}
	}
}

// netbufLoop answers each message with itself.
func netbufLoop(nc net.Conn) {
	conn := netbuf.NewConn(nc)
	for {
		msg, err := conn.ReadThrough(newline, 0)
		if err != nil {
			return
		}
		if _, err := conn.Write(msg); err != nil {
			return
		}
	}
}

// serve runs handle on every connection to the listener that it returns.
func serve(handle func(net.Conn)) (net.Listener, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				handle(conn)
			}()
		}
	}()
	return ln, nil
}

const requestsPerSlice = 1000

// A client is the process that sends the requests.
type client struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

func startClient() (*client, error) {
	cmd := exec.Command(os.Args[0], "-client")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	return &client{cmd, in, bufio.NewReader(out)}, cmd.Start()
}

func (c *client) stop() error {
	_ = c.in.Close()
	return c.cmd.Wait()
}

// cpuPerRequest has a slice of requests sent to ln and returns the nanoseconds
// of CPU that this process spent on each.
func (c *client) cpuPerRequest(ln net.Listener, size int) float64 {
	before := cpuTime()
	fmt.Fprintln(c.in, ln.Addr(), size)
	if _, err := c.out.ReadString('\n'); err != nil {
		fail(fmt.Errorf("client process: %w", err))
	}
	return float64(cpuTime()-before) / requestsPerSlice
}

// cpuTime returns the CPU time of this process.
func cpuTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		fail(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// serveClient is the client process: for each line with an address and a size
// it sends a slice of requests over one kept connection and says when done.
func serveClient() {
	conns := make(map[string]net.Conn)
	for {
		var addr string
		var size int
		if _, err := fmt.Scanln(&addr, &size); err != nil {
			return
		}
		if conns[addr] == nil {
			conn, err := net.Dial("tcp", addr)
			if err != nil {
				fail(err)
			}
			conns[addr] = conn
		}
		sendRequests(conns[addr], size)
		fmt.Println("done")
	}
}

// sendRequests makes a slice of round trips.
func sendRequests(conn net.Conn, size int) {
	request := append(bytes.Repeat([]byte{'x'}, size-1), '\n')
	answer := make([]byte, size)
	for range requestsPerSlice {
		if _, err := conn.Write(request); err != nil {
			fail(err)
		}
		if _, err := io.ReadFull(conn, answer); err != nil {
			fail(err)
		}
	}
}
