package strict_test

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"

	"github.com/support-go/support/internal/strict"
)

// target serves handler over "tcp", "unix" or "tls" with net/http, in every
// version of HTTP, until the test is over.
func target(tb testing.TB, network string, handler http.Handler) strict.Target {
	tb.Helper()
	srv := httptest.NewUnstartedServer(handler)
	srv.Config.Protocols = allProtocols()
	srv.EnableHTTP2 = true
	if network == "unix" {
		_ = srv.Listener.Close()
		ln, err := net.Listen("unix", filepath.Join(tb.TempDir(), "s"))
		if err != nil {
			tb.Fatal(err)
		}
		srv.Listener = ln
	}
	tb.Cleanup(srv.Close)
	addr := srv.Listener.Addr()
	if network == "tls" {
		srv.StartTLS()
		return strict.Target{Addr: addr.String(), TLS: &tls.Config{InsecureSkipVerify: true}}
	}
	srv.Start()
	return strict.Target{Network: network, Addr: addr.String()}
}

// allProtocols returns HTTP/1.1 and HTTP/2, with and without TLS.
func allProtocols() *http.Protocols {
	p := new(http.Protocols)
	p.SetHTTP1(true)
	p.SetHTTP2(true)
	p.SetUnencryptedHTTP2(true)
	return p
}

// lines is a buffer that is safe for concurrent writing.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) reader() io.Reader {
	l.mu.Lock()
	defer l.mu.Unlock()
	return bytes.NewReader(bytes.Clone(l.buf.Bytes()))
}
