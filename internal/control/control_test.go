package control_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/support-go/support/internal/control"
)

func Example() {
	dir, err := os.MkdirTemp("", "control")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	ln, err := control.Listen(filepath.Join(dir, "s"))
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error)
	go func() {
		done <- control.Serve(ctx, ln, func(_ context.Context, r control.Request) (control.Answer, error) {
			return control.Answer{Value: "you said " + r.Do}, nil
		})
	}()
	var answer string
	_, err = control.Ask(ctx, filepath.Join(dir, "s"), control.Request{Do: "hello"}, &answer)
	fmt.Println(answer, err)
	stop()
	fmt.Println(<-done)
	// Output:
	// you said hello <nil>
	// <nil>
}

func TestDescriptorsTravel(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer inner.Close()
	file, err := inner.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	fd := int(file.Fd())
	path := serve(t, func(context.Context, control.Request) (control.Answer, error) {
		return control.Answer{Value: 1, Descriptors: []int{fd}}, nil
	})
	fds, err := control.Ask(t.Context(), path, control.Request{Do: "sockets"}, nil)
	if err != nil || len(fds) != 1 {
		t.Fatalf("got %v, %v; want one descriptor", fds, err)
	}
	got := os.NewFile(uintptr(fds[0]), "passed")
	defer got.Close()
	ln, err := net.FileListener(got)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if ln.Addr().String() != inner.Addr().String() {
		t.Errorf("got a listener on %s, want %s", ln.Addr(), inner.Addr())
	}
}

func TestHostileQuestions(t *testing.T) {
	path := serve(t, func(context.Context, control.Request) (control.Answer, error) {
		return control.Answer{}, errors.New("no such thing")
	})
	tests := map[string]struct{ send, want string }{
		"unknown":       {`{"do":"dance"}` + "\n", "no such thing"},
		"not JSON":      {"GET / HTTP/1.1\n", "want a line like"},
		"wrong type":    {`{"do":7}` + "\n", "want a line like"},
		"endless":       {strings.Repeat("a", control.MaxLine+1), "line longer than"},
		"no line break": {`{"do":"dance"}`, "no such thing"},
	}
	for name, test := range tests {
		conn, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(conn, test.send)
		_ = conn.(*net.UnixConn).CloseWrite()
		got, _ := io.ReadAll(conn)
		if !strings.Contains(string(got), test.want) {
			t.Errorf("%s: got %q, want %q in it", name, got, test.want)
		}
		_ = conn.Close()
	}
}

func TestCrowd(t *testing.T) {
	path := serve(t, func(context.Context, control.Request) (control.Answer, error) {
		return control.Answer{Value: "here"}, nil
	})
	for range control.MaxClients - 1 { // all places but one are held by silent clients
		c, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	for range 200 {
		var got string
		if _, err := control.Ask(t.Context(), path, control.Request{Do: "x"}, &got); err != nil || got != "here" {
			t.Fatalf("got %q, %v", got, err)
		}
	}
}

func TestAskStopsWithItsContext(t *testing.T) {
	path := serve(t, func(ctx context.Context, _ control.Request) (control.Answer, error) {
		<-ctx.Done()
		return control.Answer{}, ctx.Err()
	})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err := control.Ask(ctx, path, control.Request{Do: "wait"}, nil)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want %v", err, context.DeadlineExceeded)
	}
}

func TestSocketIsPrivate(t *testing.T) {
	path := serve(t, nil)
	info, err := os.Stat(path)
	if err != nil || info.Mode() != fs.ModeSocket|0o600 {
		t.Errorf("mode is %v, %v; want srw-------", info.Mode(), err)
	}
}

func serve(t *testing.T, handler control.Handler) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "s")
	ln, err := control.Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- control.Serve(ctx, ln, handler) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return path
}

func FuzzServer(f *testing.F) {
	for _, seed := range []string{"", "\n", `{"do":"status"}` + "\n", `{"do":`, "\x00\xff\n", strings.Repeat("[", 10000) + "\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, sent []byte) {
		path := serve(t, func(context.Context, control.Request) (control.Answer, error) {
			return control.Answer{Value: 1}, nil
		})
		conn, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_, _ = conn.Write(sent)
		_ = conn.(*net.UnixConn).CloseWrite()
		if _, err := io.ReadAll(conn); err != nil {
			t.Fatal(err)
		}
	})
}
