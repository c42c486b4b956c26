package bind_test

import (
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/support-go/support/internal/bind"
)

// TestUnsent writes to a client that takes nothing: the kernel soon has enough.
func TestUnsent(t *testing.T) {
	ln, err := bind.Socket{Name: "x", Network: "tcp", Address: "127.0.0.1:0"}.Listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	client, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	conn, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetWriteDeadline(time.Now().Add(time.Second))
	n, err := conn.Write(make([]byte, 64<<20))
	const window, slack = 128 << 10, 1 << 20 // of the client, and packets are whole
	if !os.IsTimeout(err) || n > window+128<<10+slack {
		t.Errorf("wrote %d KiB, %v; want at most some hundred", n>>10, err)
	}
	// A client that takes it gets it all.
	const large = 32 << 20
	sent := make(chan error, 1)
	go func() {
		_ = conn.SetWriteDeadline(time.Time{})
		_, err := conn.Write(make([]byte, large))
		sent <- err
	}()
	if _, err := io.CopyN(io.Discard, client, int64(n)+large); err != nil {
		t.Error(err)
	}
	if err := <-sent; err != nil {
		t.Error(err)
	}
}
