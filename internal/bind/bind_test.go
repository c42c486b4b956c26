package bind_test

import (
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/support-go/support/internal/bind"
)

func ExampleParse() {
	for _, address := range []string{":8888", "unix:/run/app.sock", "fd:http"} {
		network, rest := bind.Parse(address)
		fmt.Println(network, rest)
	}
	// Output:
	// tcp :8888
	// unix /run/app.sock
	// fd http
}

func TestCheck(t *testing.T) {
	tests := map[string]struct {
		socket bind.Socket
		want   string // in the error; "" for none
	}{
		"tcp":             {bind.Socket{Network: "tcp", Address: "127.0.0.1:0"}, ""},
		"any host":        {bind.Socket{Network: "tcp", Address: ":8888"}, ""},
		"IPv6":            {bind.Socket{Network: "tcp", Address: "[::1]:80"}, ""},
		"named port":      {bind.Socket{Network: "tcp", Address: ":http"}, ""},
		"no port":         {bind.Socket{Network: "tcp", Address: "localhost"}, "want host:port"},
		"port too high":   {bind.Socket{Network: "tcp", Address: ":65536"}, "65535"},
		"no such service": {bind.Socket{Network: "tcp", Address: ":nonesuch"}, "neither a number"},
		"naked IPv6":      {bind.Socket{Network: "tcp", Address: "::1:80"}, "want host:port"},
		"unix":            {bind.Socket{Network: "unix", Address: "/run/s"}, ""},
		"unix, no path":   {bind.Socket{Network: "unix"}, "needs a path"},
		"unix, too long":  {bind.Socket{Network: "unix", Address: "/" + strings.Repeat("x", 200)}, "at most 103"},
		"odd mode":        {bind.Socket{Network: "unix", Address: "/run/s", Mode: fs.ModeDir}, "permission bits"},
		"inherited":       {bind.Socket{Network: "fd", Address: "http"}, ""},
		"inherited what":  {bind.Socket{Network: "fd"}, "needs its name"},
		"udp":             {bind.Socket{Network: "udp", Address: ":domain"}, ""},
		"udp, no port":    {bind.Socket{Network: "udp", Address: "localhost"}, "want host:port"},
		"unixgram":        {bind.Socket{Network: "unixgram"}, "needs a path"},
		"fdgram":          {bind.Socket{Network: "fdgram"}, "needs its name"},
		"other network":   {bind.Socket{Network: "sctp", Address: ":1"}, "unknown network"},
		"nothing":         {bind.Socket{}, "unknown network"},
	}
	for name, test := range tests {
		err := test.socket.Check()
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s: Check(%+v) = %v; want %q in it", name, test.socket, err, test.want)
		}
	}
}

func TestUnixSocketFiles(t *testing.T) {
	t.Run("mode", func(t *testing.T) {
		s := unixSocket(t)
		s.Mode = 0o620
		defer listen(t, s).Close()
		if info, err := os.Stat(s.Address); err != nil || info.Mode().Perm() != s.Mode {
			t.Errorf("got %v, %v; want %v", info, err, s.Mode)
		}
	})
	t.Run("mode from the start", func(t *testing.T) {
		if runtime.GOOS != "linux" {
			t.Skip("elsewhere the file has the umask's mode for a moment")
		}
		s := unixSocket(t)
		s.Mode = 0o600
		done := make(chan struct{})
		wide := make(chan fs.FileMode, 1)
		go func() {
			defer close(wide)
			for {
				if info, err := os.Stat(s.Address); err == nil && info.Mode().Perm() != s.Mode {
					wide <- info.Mode()
					return
				}
				select {
				case <-done:
					return
				default:
				}
			}
		}()
		for range 300 {
			_ = listen(t, s).Close()
			s.Remove()
		}
		close(done)
		if mode, found := <-wide; found {
			t.Errorf("for a moment the mode was %v, want %v", mode, s.Mode)
		}
	})
	t.Run("stale", func(t *testing.T) {
		s := unixSocket(t)
		_ = listen(t, s).Close() // leaves its file
		defer listen(t, s).Close()
		if c, err := net.Dial("unix", s.Address); err != nil {
			t.Error(err)
		} else {
			_ = c.Close()
		}
	})
	t.Run("live", func(t *testing.T) {
		s := unixSocket(t)
		defer listen(t, s).Close()
		if _, err := s.Listen(t.Context()); err == nil || !strings.Contains(err.Error(), "another process") {
			t.Errorf("a second listener: got %v", err)
		}
	})
	t.Run("not a socket", func(t *testing.T) {
		s := unixSocket(t)
		if err := os.WriteFile(s.Address, []byte("precious"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Listen(t.Context()); err == nil || !strings.Contains(err.Error(), "not a socket") {
			t.Errorf("got %v", err)
		}
		if got, _ := os.ReadFile(s.Address); string(got) != "precious" {
			t.Errorf("the file now holds %q", got)
		}
	})
	t.Run("removed", func(t *testing.T) {
		s := unixSocket(t)
		_ = listen(t, s).Close()
		s.Remove()
		if _, err := os.Stat(s.Address); !os.IsNotExist(err) {
			t.Errorf("after Remove: %v", err)
		}
	})
}

func TestPortTaken(t *testing.T) {
	s := bind.Socket{Network: "tcp", Address: "127.0.0.1:0"}
	ln := listen(t, s)
	defer ln.Close()
	s.Address = ln.Addr().String()
	if _, err := s.Listen(t.Context()); err == nil || !strings.Contains(err.Error(), "choose another") {
		t.Errorf("got %v; want a hint", err)
	}
}

func unixSocket(t *testing.T) bind.Socket {
	t.Helper()
	return bind.Socket{Network: "unix", Address: filepath.Join(t.TempDir(), "s")}
}

func listen(t *testing.T, s bind.Socket) net.Listener {
	t.Helper()
	ln, err := s.Listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return ln
}
