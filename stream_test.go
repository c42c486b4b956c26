package support_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/support-go/support"
)

// converse echoes lines, and does what some of them say.
func converse(_ context.Context, conn net.Conn) error {
	lines := bufio.NewScanner(conn)
	for lines.Scan() {
		switch lines.Text() {
		case "panic":
			panic("as told")
		case "fail":
			return errors.New("failed as told")
		case "half": // what follows is for a peer that has closed its side
			_, _ = io.Copy(io.Discard, conn)
			_, err := io.WriteString(conn, "all read\n")
			return err
		}
		if _, err := io.WriteString(conn, lines.Text()+"\n"); err != nil {
			return err
		}
	}
	return lines.Err()
}

func TestStream(t *testing.T) {
	certificate, roots := newCertificate(t)
	tests := map[string]struct {
		server *tls.Config
		client *tls.Config
	}{
		"plain": {},
		"TLS": {
			&tls.Config{Certificates: []tls.Certificate{certificate}},
			&tls.Config{RootCAs: roots, ServerName: "localhost"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			group := support.New("echo")
			server := group.Stream("127.0.0.1:0", converse)
			server.TLS = test.server
			r := start(t, group)
			talk := func() *client {
				c := dial(t, server.Addr())
				if test.client == nil {
					return c
				}
				return newClient(t, tls.Client(c.Conn, test.client))
			}
			bystander := talk()
			bystander.send("one\n")
			bystander.says("one\n")
			for word, logged := range map[string][]string{
				"panic": {"level=WARN", "panic in Stream: as told", "stream_test.go"},
				"fail":  {"level=WARN", "failed as told", "peer=127.0.0.1"},
			} {
				c := talk()
				c.send("x\n")
				c.says("x\n")
				c.send(word + "\n")
				c.closes()
				r.logs.has(t, logged...)
			}
			half := talk()
			half.send("half\nand more")
			if err := half.Conn.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
				t.Fatal(err)
			}
			half.says("all read\n")
			half.closes()
			bystander.send("two\n")
			bystander.says("two\n")
			_ = bystander.Close()
			r.stop()
			r.endsWell()
		})
	}
}

// TestStreamHandshakeTimeout has a client that says nothing where TLS is
// spoken.
func TestStreamHandshakeTimeout(t *testing.T) {
	certificate, _ := newCertificate(t)
	group := support.New("shy")
	server := group.Stream("127.0.0.1:0", converse)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
	server.HTTP.HeaderTimeout = 50 * time.Millisecond
	r := start(t, group)
	dial(t, server.Addr()).closes()
	r.logs.has(t, "handshake")
	r.stop()
	r.endsWell()
}
