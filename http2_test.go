package support_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/support-go/support"
	"github.com/support-go/support/logs/access"
)

// TestDrainOverHTTP2 has one idle connection, and one with a stream that runs.
func TestDrainOverHTTP2(t *testing.T) {
	t.Parallel()
	certificate, roots := newCertificate(t)
	tests := map[string]struct {
		server *tls.Config
		client *tls.Config
	}{
		"cleartext": {},
		"TLS": {
			&tls.Config{Certificates: []tls.Certificate{certificate}},
			&tls.Config{RootCAs: roots, ServerName: "localhost", NextProtos: []string{"h2"}},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			group := support.New("h2")
			group.Drain = support.Drain{LameDuck: never, Grace: never}
			release := make(chan struct{})
			server := group.HTTP("127.0.0.1:0", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/slow" {
					fmt.Fprint(w, "begun, ")
					_ = http.NewResponseController(w).Flush()
					<-release
				}
				fmt.Fprint(w, r.Proto)
			}))
			server.TLS = test.server
			r := start(t, group)
			idle, busy := dial2(t, server.Addr(), test.client), dial2(t, server.Addr(), test.client)
			idle.get(1, "/")
			if got := idle.body(1); got != "HTTP/2.0" {
				t.Fatalf("before the stop: got %q", got)
			}
			busy.get(1, "/slow")
			busy.until(func(f http2.Frame) bool { return f.Header().Type == http2.FrameData })
			r.stop()
			idle.goesAway()
			idle.closes()
			last := busy.goesAway()
			close(release)
			if got := busy.body(1); last < 1 || got != "HTTP/2.0" {
				t.Errorf("stream 1, with GOAWAY up to %d: got %q, want the rest of it", last, got)
			}
			busy.closes()
			r.endsQuietly()
		})
	}
}

// TestHTTP2WhileDraining opens a connection when the drain has begun: it is told
// to go too, and each of its requests is answered, or known not to be.
func TestHTTP2WhileDraining(t *testing.T) {
	t.Parallel() // net/http waits a second before it closes a connection that it has told to go
	group := support.New("late")
	group.Drain = support.Drain{LameDuck: never, Grace: never}
	begins := noteDrain(group)
	server := group.HTTP("127.0.0.1:0", http.HandlerFunc(ok))
	r := start(t, group)
	silent := dial(t, server.Addr())
	kept := dial(t, server.Addr())
	kept.get("/")
	kept.answer() // so that the silent one has been accepted
	r.stop()
	receive(t, "drain", begins)
	late := greet(t, silent.Conn)
	late.get(1, "/")
	if got, unprocessed := late.all(); got != "ok" && !unprocessed {
		t.Errorf("got %q, want ok, or to be told that nothing is processed", got)
	}
	_ = kept.Close()
	r.endsQuietly()
}

func TestHTTP2Streams(t *testing.T) {
	tests := map[string]struct {
		limits support.HTTP
		want   uint32
	}{
		"default": {support.HTTP{}, 100},
		"7":       {support.HTTP{Streams: 7}, 7},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			group := support.New("streams")
			server := group.HTTP("127.0.0.1:0", http.HandlerFunc(ok))
			server.HTTP = test.limits
			r := start(t, group)
			c := dial2(t, server.Addr(), nil)
			var got uint32
			c.until(func(f http2.Frame) bool {
				settings, ok := f.(*http2.SettingsFrame)
				if ok && !settings.IsAck() {
					got, _ = settings.Value(http2.SettingMaxConcurrentStreams)
				}
				return ok && !settings.IsAck()
			})
			if got != test.want {
				t.Errorf("got at most %d streams, want %d", got, test.want)
			}
			_ = c.conn.Close()
			r.stop()
			r.endsQuietly()
		})
	}
}

// client2 speaks HTTP/2 frames.
type client2 struct {
	t      *testing.T
	conn   net.Conn
	framer *http2.Framer
}

func dial2(t *testing.T, addr net.Addr, config *tls.Config) *client2 {
	t.Helper()
	conn := dial(t, addr).Conn
	if config != nil {
		secret := tls.Client(conn, config)
		if err := secret.Handshake(); err != nil {
			t.Fatal(err)
		}
		conn = secret
	}
	return greet(t, conn)
}

// greet begins to speak HTTP/2 on a connection.
func greet(t *testing.T, conn net.Conn) *client2 {
	t.Helper()
	c := &client2{t: t, conn: conn, framer: http2.NewFramer(conn, conn)}
	if _, err := io.WriteString(conn, http2.ClientPreface); err != nil {
		t.Fatal(err)
	}
	if err := c.framer.WriteSettings(); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *client2) get(stream uint32, path string) {
	c.t.Helper()
	var block bytes.Buffer
	e := hpack.NewEncoder(&block)
	for _, f := range []hpack.HeaderField{
		{Name: ":method", Value: "GET"}, {Name: ":scheme", Value: "http"},
		{Name: ":authority", Value: "localhost"}, {Name: ":path", Value: path},
	} {
		if err := e.WriteField(f); err != nil {
			c.t.Fatal(err)
		}
	}
	err := c.framer.WriteHeaders(http2.HeadersFrameParam{
		StreamID: stream, BlockFragment: block.Bytes(), EndStream: true, EndHeaders: true,
	})
	if err != nil {
		c.t.Fatal(err)
	}
}

// until reads frames, up to one that is wanted.
func (c *client2) until(wanted func(http2.Frame) bool) {
	c.t.Helper()
	for {
		f, err := c.framer.ReadFrame()
		if err != nil {
			c.t.Fatalf("read a frame: %v", err)
		}
		if wanted(f) {
			return
		}
	}
}

// body reads what is left of a stream's answer. What until has passed over is
// the caller's to know.
func (c *client2) body(stream uint32) string {
	c.t.Helper()
	var text []byte
	c.until(func(f http2.Frame) bool {
		if f.Header().StreamID != stream {
			return false
		}
		switch f := f.(type) {
		case *http2.DataFrame:
			text = append(text, f.Data()...)
			return f.StreamEnded()
		case *http2.HeadersFrame:
			return f.StreamEnded()
		case *http2.RSTStreamFrame:
			c.t.Fatalf("stream %d reset: %v", stream, f.ErrCode)
		}
		return false
	})
	return string(text)
}

// goesAway waits for a GOAWAY and returns the last stream that is answered.
func (c *client2) goesAway() (last uint32) {
	c.t.Helper()
	c.until(func(f http2.Frame) bool {
		away, ok := f.(*http2.GoAwayFrame)
		if ok && away.ErrCode != http2.ErrCodeNo {
			c.t.Fatalf("GOAWAY with %v", away.ErrCode)
		}
		if ok {
			last = away.LastStreamID
		}
		return ok
	})
	return last
}

// closes wants the server to close the connection.
func (c *client2) closes() {
	c.t.Helper()
	for {
		if _, err := c.framer.ReadFrame(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			c.t.Fatalf("got %v, want the connection to be closed in good order", err)
		}
	}
}

// all reads what comes until the server closes the connection: of bodies, and
// whether the server has said that it processes no stream.
func (c *client2) all() (bodies string, unprocessed bool) {
	c.t.Helper()
	for {
		f, err := c.framer.ReadFrame()
		switch {
		case errors.Is(err, io.EOF):
			return bodies, unprocessed
		case err != nil:
			c.t.Fatalf("got %v, want the connection to be closed in good order", err)
		}
		switch f := f.(type) {
		case *http2.DataFrame:
			bodies += string(f.Data())
		case *http2.GoAwayFrame:
			unprocessed = f.LastStreamID == 0
		}
	}
}

// newCertificate makes a certificate for localhost that signs itself.
func newCertificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, roots
}

// TestRouteOverHTTP2 has the access log name the route of a stream, whose request
// the recorder gives a context of its own.
func TestRouteOverHTTP2(t *testing.T) {
	group := support.New("routes")
	group.Logs.Access = new(access.Log)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /users/{id}", func(http.ResponseWriter, *http.Request) {})
	server := group.HTTP("127.0.0.1:0", mux)
	r := start(t, group)
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	client := &http.Client{Transport: &http.Transport{Protocols: protocols}}
	answer, err := client.Get("http://" + server.Addr().String() + "/users/7")
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	client.CloseIdleConnections()
	if answer.ProtoMajor != 2 {
		t.Errorf("it speaks %s", answer.Proto)
	}
	r.logs.has(t, "GET /users/{id}", "status=200")
	r.stop()
	r.endsQuietly()
}
