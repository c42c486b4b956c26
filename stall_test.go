package support_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/support-go/support"
)

// stall is the bound in these tests, and untouched how long something must
// last to show that it does not fall under it.
const (
	stall     = 300 * time.Millisecond
	untouched = 6 * stall
)

// pour answers without end, and tells how that failed.
func pour(failed chan<- error) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		block := make([]byte, 64<<10)
		for {
			if _, err := w.Write(block); err != nil {
				failed <- err
				return
			}
		}
	}
}

// stays wants nothing to come for a time in which a stall would have been seen.
func stays[T any](t *testing.T, what string, unwanted <-chan T) {
	t.Helper()
	select {
	case v := <-unwanted:
		t.Fatalf("%s: %v", what, v)
	case <-time.After(untouched):
	}
}

func TestStalledAnswer(t *testing.T) {
	t.Parallel()
	certificate, roots := newCertificate(t)
	tests := map[string]struct {
		listen         string
		server, client *tls.Config
	}{
		"tcp":  {listen: "127.0.0.1:0"},
		"unix": {listen: "unix:" + filepath.Join(shortDir(t), "s")},
		"TLS": {
			"127.0.0.1:0",
			&tls.Config{Certificates: []tls.Certificate{certificate}},
			&tls.Config{RootCAs: roots, ServerName: "localhost"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			group := support.New("pour")
			failed := make(chan error, 1)
			server := group.HTTP(test.listen, pour(failed))
			server.TLS = test.server
			server.HTTP.Stall = stall
			r := start(t, group)
			c := dial(t, server.Addr())
			if test.client != nil {
				secret := tls.Client(c.Conn, test.client)
				c = newClient(t, secret)
			}
			c.get("/")
			if err := receive(t, "error for the handler", failed); err == nil {
				t.Error("the handler's Write did not fail")
			}
			r.logs.has(t, "clients stood still", "connections_closed=1", "streams_ended=0")
			r.stop()
			r.endsWell()
		})
	}
}

func TestSlowAnswer(t *testing.T) {
	t.Parallel()
	group := support.New("slow")
	failed := make(chan error, 1)
	server := group.HTTP("127.0.0.1:0", pour(failed))
	server.HTTP.Stall = stall
	start(t, group)
	c := dial(t, server.Addr())
	// A kernel says that there is room again when a part of its buffer is free.
	if err := c.Conn.(*net.TCPConn).SetReadBuffer(2 << 10); err != nil {
		t.Fatal(err)
	}
	c.get("/")
	pace := time.NewTicker(stall / 3)
	defer pace.Stop()
	for begun := time.Now(); time.Since(begun) < untouched; <-pace.C {
		if _, err := io.CopyN(io.Discard, c, 2<<10); err != nil {
			t.Fatalf("after %v: %v", time.Since(begun), err)
		}
	}
	select {
	case err := <-failed:
		t.Errorf("the handler's Write: %v", err)
	default:
	}
}

func TestNeverStalls(t *testing.T) {
	t.Parallel()
	group := support.New("never")
	failed := make(chan error, 2)
	mux := http.NewServeMux()
	mux.Handle("GET /", pour(failed))
	mux.HandleFunc("POST /", func(_ http.ResponseWriter, r *http.Request) {
		_, err := io.ReadAll(r.Body)
		failed <- err
	})
	server := group.HTTP("127.0.0.1:0", mux)
	server.HTTP.Stall = -1
	start(t, group)
	dial(t, server.Addr()).get("/")
	dial(t, server.Addr()).send("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 10\r\n\r\nhalf")
	stays(t, "a handler failed", failed)
}

// TestSilenceIsNoStall has handlers that wait, and nothing else does.
func TestSilenceIsNoStall(t *testing.T) {
	t.Parallel()
	certificate, roots := newCertificate(t)
	tests := map[string]struct {
		path           string
		server, client *tls.Config
	}{
		"long poll": {path: "/poll"},
		"long poll over TLS": {
			"/poll", &tls.Config{Certificates: []tls.Certificate{certificate}}, &tls.Config{RootCAs: roots},
		},
		"events": {path: "/events"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			group := support.New("silence")
			release, left := make(chan struct{}), make(chan error, 1)
			server := group.HTTP("127.0.0.1:0", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/events" {
					fmt.Fprint(w, "first, ")
					_ = http.NewResponseController(w).Flush()
				}
				select {
				case <-release:
					fmt.Fprint(w, "last")
				case <-r.Context().Done():
					left <- context.Cause(r.Context())
				}
			}))
			server.TLS = test.server
			server.HTTP.Stall = stall
			start(t, group)
			c := dial(t, server.Addr())
			if test.client != nil {
				test.client.ServerName = "localhost"
				c = newClient(t, tls.Client(c.Conn, test.client))
			}
			c.get(test.path)
			stays(t, "the request ended", left)
			close(release)
			if _, body := c.answer(); body != "last" && body != "first, last" {
				t.Errorf("got %q", body)
			}
		})
	}
}

// readBody answers with the body, or tells how reading failed.
func readBody(failed chan<- error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		text, err := io.ReadAll(r.Body)
		if err != nil {
			failed <- err
			http.Error(w, "no body", http.StatusRequestTimeout)
			return
		}
		_, _ = w.Write(text)
	}
}

func TestStalledBody(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"of a length": "Content-Length: 10\r\n\r\nhalf",
		"in chunks":   "Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
	}
	for name, request := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			group := support.New("body")
			failed := make(chan error, 1)
			server := group.HTTP("127.0.0.1:0", readBody(failed))
			server.HTTP.Stall = stall
			r := start(t, group)
			c := dial(t, server.Addr())
			c.send("POST / HTTP/1.1\r\nHost: test\r\n" + request)
			if err := receive(t, "error for the handler", failed); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("reading the body: got %v, want %v", err, os.ErrDeadlineExceeded)
			}
			if resp, _ := c.answer(); resp.StatusCode != http.StatusRequestTimeout || !resp.Close {
				t.Errorf("got %d, close %v; want the handler's answer and the connection closed", resp.StatusCode, resp.Close)
			}
			r.logs.has(t, "clients stood still", "connections_closed=0", "streams_ended=1")
		})
	}
}

// TestBodyNobodyReads has net/http wait for the rest of a body that the handler
// left.
func TestBodyNobodyReads(t *testing.T) {
	t.Parallel()
	group := support.New("left")
	server := group.HTTP("127.0.0.1:0", http.HandlerFunc(ok))
	server.HTTP.Stall = stall
	start(t, group)
	c := dial(t, server.Addr())
	c.send("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 10\r\n\r\nhalf")
	if _, body := c.answer(); body != "ok" {
		t.Errorf("got %q, want ok", body)
	}
	c.closes()
}

func TestSlowBody(t *testing.T) {
	t.Parallel()
	group := support.New("slow")
	failed := make(chan error, 1)
	server := group.HTTP("127.0.0.1:0", readBody(failed))
	server.HTTP.Stall = stall
	start(t, group)
	c := dial(t, server.Addr())
	const pieces = 18
	piece := bytes.Repeat([]byte("x"), 1<<10)
	c.send(fmt.Sprintf("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: %d\r\n\r\n", pieces*len(piece)))
	pace := time.NewTicker(untouched / pieces)
	defer pace.Stop()
	for range pieces {
		<-pace.C
		c.send(string(piece))
	}
	if resp, body := c.answer(); resp.StatusCode != http.StatusOK || len(body) != pieces*len(piece) {
		t.Errorf("got %d with %d bytes, want all %d", resp.StatusCode, len(body), pieces*len(piece))
	}
	// The connection is as good as before.
	c.get("/")
	c.answer()
}

// TestStalledStream has two streams on one connection of HTTP/2, one of which
// waits for its body, and a third that converses as gRPC does.
func TestStalledStream(t *testing.T) {
	t.Parallel()
	group := support.New("streams")
	failed, peers, left := make(chan error, 1), make(chan string, 3), make(chan error, 2)
	release := make(chan struct{})
	mux := http.NewServeMux()
	mux.HandleFunc("/body", func(w http.ResponseWriter, r *http.Request) {
		peers <- r.RemoteAddr
		readBody(failed)(w, r)
	})
	mux.HandleFunc("/talk", func(w http.ResponseWriter, r *http.Request) {
		peers <- r.RemoteAddr
		readBody(left)(w, r)
	})
	mux.HandleFunc("/wait", func(w http.ResponseWriter, r *http.Request) {
		peers <- r.RemoteAddr
		select {
		case <-release:
			fmt.Fprint(w, "done")
		case <-r.Context().Done():
			left <- context.Cause(r.Context())
		}
	})
	server := group.HTTP("127.0.0.1:0", mux)
	server.HTTP.Stall = stall
	start(t, group)
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetUnencryptedHTTP2(true)
	defer transport.CloseIdleConnections()
	body, stop := io.Pipe()
	defer stop.Close()
	talk, hangUp := io.Pipe()
	answers := make(map[string]chan string)
	peer := ""
	for path, body := range map[string]io.Reader{"/wait": nil, "/body": body, "/talk": talk} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+server.Addr().String()+path, body)
		if err != nil {
			t.Fatal(err)
		}
		if path == "/talk" {
			request.Header.Set("Content-Type", "application/grpc+proto")
		}
		answer := make(chan string, 1)
		answers[path] = answer
		go func() { answer <- roundTrip(transport, request) }()
		switch got := receive(t, "request", peers); peer {
		case "":
			peer = got
		case got:
		default:
			t.Fatal("the requests came over two connections")
		}
	}
	if err := receive(t, "error for the handler", failed); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("reading the body: got %v, want %v", err, os.ErrDeadlineExceeded)
	}
	stays(t, "another stream ended", left)
	close(release)
	if got := receive(t, "answer", answers["/wait"]); got != "200 OK: done" {
		t.Errorf("the stream that waited: got %q", got)
	}
	_, _ = io.WriteString(hangUp, "bye")
	_ = hangUp.Close()
	if got := receive(t, "answer", answers["/talk"]); got != "200 OK: bye" {
		t.Errorf("the stream that conversed: got %q", got)
	}
	_ = stop.Close()
	receive(t, "answer", answers["/body"])
}

func roundTrip(transport *http.Transport, request *http.Request) string {
	resp, err := transport.RoundTrip(request)
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return err.Error()
	}
	return resp.Status + ": " + string(text)
}
