package accept

import (
	"bytes"
	"io"
	"net"
	"time"
)

// refuse reads what a client asks, tells it that it is not wanted, and closes the
// connection when the client has had the time to read that. To close it with
// something unread would take the answer back.
func refuse(c net.Conn, refusal Refusal) {
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(reading)) // a connection that is broken shows it in Read
	head := make([]byte, enough)
	n, answer := 0, []byte(nil)
	for n < len(head) {
		m, err := c.Read(head[n:])
		n += m
		if answer = refusal(head[:n]); answer != nil || err != nil || bytes.Contains(head[:n], []byte("\r\n\r\n")) {
			break
		}
	}
	if answer == nil && n > 0 && !handshake(head[:n]) { // a request with a body, or a long header
		answer = refusal([]byte("GET / HTTP/1.1\r\n\r\n"))
	}
	if len(answer) == 0 {
		return
	}
	_, err := c.Write(answer)
	half, ok := c.(interface{ CloseWrite() error })
	if err != nil || !ok || half.CloseWrite() != nil {
		return
	}
	_ = c.SetDeadline(time.Now().Add(draining))
	_, _ = io.CopyN(io.Discard, c, most) // until the client closes, or the time is over
}

// reset closes a connection so that the kernel forgets it at once.
func reset(c net.Conn) {
	if tcp, ok := c.(interface{ SetLinger(int) error }); ok {
		_ = tcp.SetLinger(0) // without it Close does, later
	}
	_ = c.Close()
}
