package inspect

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/support-go/support/internal/control"
)

// TestConnectionsOfOneProcess: those that are too many are closed at once, and
// one that is closed makes room.
func TestConnectionsOfOneProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	unix, err := control.Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	ln := &listener{UnixListener: unix, most: 3}
	defer ln.Close()
	accepted := make(chan net.Conn, 10)
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				close(accepted)
				return
			}
			accepted <- conn
		}
	}()
	dial := func() net.Conn {
		conn, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		return conn
	}
	var open []net.Conn
	for range 3 {
		dial()
		open = append(open, <-accepted)
	}
	if _, err := dial().Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("a fourth connection: %v, want its end", err)
	}
	for range 2 { // twice, to make room for one alone
		_ = open[0].Close()
	}
	dial()
	<-accepted
	if _, err := dial().Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("a fourth connection, again: %v, want its end", err)
	}
	for _, conn := range open[1:] {
		_ = conn.Close()
	}
	if ln.open[os.Getpid()] != 1 || len(ln.open) != 1 {
		t.Errorf("%v are open, want one", ln.open)
	}
}

// TestBodyTakesNoLongerThanItMay has a client send half of a body, and another
// one a whole one to a handler that then takes longer than the limit.
func TestBodyTakesNoLongerThanItMay(t *testing.T) {
	const limit = 50 * time.Millisecond
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	failed := make(chan error, 1)
	passed := make(chan struct{})
	server := http.Server{Handler: inTime(limit, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadAll(r.Body); err != nil {
			failed <- err
			return
		}
		select {
		case <-passed:
			_, _ = io.WriteString(w, "done")
		case <-r.Context().Done():
		}
	}))}
	go func() { _ = server.Serve(ln) }()
	defer server.Close()
	send := func(request string) net.Conn {
		conn, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		if _, err := io.WriteString(conn, request); err != nil {
			t.Fatal(err)
		}
		return conn
	}
	whole := send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab")
	send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf")
	if err := <-failed; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("half of a body: %v, want that time is over", err)
	}
	close(passed) // the limit is over for the other one too
	resp, err := http.ReadResponse(bufio.NewReader(whole), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("a whole body, and a handler that takes its time: %s", resp.Status)
	}
}
