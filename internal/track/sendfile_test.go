package track_test

import (
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/support-go/support/internal/ledger"
	"github.com/support-go/support/internal/track"
)

// TestHTTPSendsFilesInTheKernel looks at what reaches the TCP connection when a
// handler copies a file: a file, which net.TCPConn.ReadFrom gives to sendfile.
func TestHTTPSendsFilesInTheKernel(t *testing.T) {
	content := strings.Repeat("0123456789abcdef", 1<<14)
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var copied atomic.Int64
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		file, err := os.Open(path)
		if err != nil {
			t.Error(err)
			return
		}
		defer file.Close()
		w.Header().Set("Content-Length", strconv.Itoa(len(content))) // without it net/http has to chunk
		if _, err := io.Copy(w, file); err != nil {
			t.Error(err)
		}
	})}
	go func() { _ = server.Serve(track.NewListener(observed{inner, &copied}, ledger.New())) }()
	defer server.Close()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+inner.Addr().String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || string(body) != content {
		t.Fatalf("got %d bytes, %v; want the %d of the file", len(body), err, len(content))
	}
	if err := server.Shutdown(t.Context()); err != nil { // when the handler has returned
		t.Fatal(err)
	}
	// net/http writes the first 512 bytes by itself.
	if n := copied.Load(); n < int64(len(content))-512 {
		t.Errorf("%d of %d bytes were copied from the file itself", n, len(content))
	}
}

// observed tells how many bytes of files its connections have copied.
type observed struct {
	net.Listener
	copied *atomic.Int64
}

func (l observed) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return observedConn{c.(*net.TCPConn), l.copied}, nil
}

type observedConn struct {
	*net.TCPConn
	copied *atomic.Int64
}

func (c observedConn) ReadFrom(src io.Reader) (int64, error) {
	from := src
	if limited, ok := src.(*io.LimitedReader); ok {
		from = limited.R
	}
	n, err := c.TCPConn.ReadFrom(src)
	if _, ok := from.(syscall.Conn); ok { // as a file is, also when os has wrapped it
		c.copied.Add(n)
	}
	return n, err
}
