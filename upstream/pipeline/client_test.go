package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/support-go/support/netbuf"
	"github.com/support-go/support/supporttest"
	"github.com/support-go/support/upstream"
	"github.com/support-go/support/upstream/pipeline"
)

type lines = pipeline.Client[string, string]

// to returns a Client for lines that is closed with the test.
func to(t testing.TB, addr string) *lines {
	c := lineClient(func(ctx context.Context) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "tcp", addr)
	})
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func lineClient(dial func(context.Context) (net.Conn, error)) *lines {
	return &lines{
		Dial: dial,
		Write: func(conn *netbuf.Conn, request string) error {
			_, err := conn.Queue([]byte(request + "\n"))
			return err
		},
		Read: func(conn *netbuf.Conn) (string, error) {
			line, err := conn.ReadUntil([]byte("\n"), 1024)
			return string(line), err
		},
	}
}

func echo(line string) string { return line + "\n" }

func TestManyCallers(t *testing.T) {
	u := supporttest.NewUpstream(t, nil, supporttest.Lines(echo))
	c := to(t, u.Addr)
	c.Limits.Depth = 4
	var wait sync.WaitGroup
	for i := range 32 {
		wait.Go(func() {
			for j := range 50 {
				want := fmt.Sprintf("%d-%d", i, j)
				got, err := c.Do(context.Background(), want)
				if got != want || err != nil {
					t.Errorf("answer to %s is %q, %v", want, got, err)
					return
				}
			}
		})
	}
	wait.Wait()
	if n := u.Accepted(); n != 1 {
		t.Errorf("%d connections", n)
	}
}

func TestBadAnswers(t *testing.T) {
	tests := map[string]struct {
		behave supporttest.Behaviour
		want   error
	}{
		"half":    {supporttest.SayAndClose("half"), io.ErrUnexpectedEOF},
		"the end": {supporttest.SayAndClose(""), io.EOF},
		"endless": {supporttest.Endless(), netbuf.ErrTooLong},
		"nothing": {supporttest.Silent(), os.ErrDeadlineExceeded},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			u := supporttest.NewUpstream(t, nil, test.behave)
			c := to(t, u.Addr)
			c.Limits.Answer = 50 * time.Millisecond
			_, err := c.Do(context.Background(), "x")
			var e *pipeline.Error
			if !errors.As(err, &e) || !e.Sent || !errors.Is(err, test.want) {
				t.Errorf("error is %v; want %v", err, test.want)
			}
			u.Behave(supporttest.Lines(echo))
			c.Limits.Answer = time.Minute
			if got, err := c.Do(context.Background(), "again"); got != "again" || err != nil {
				t.Errorf("after that: %q, %v", got, err)
			}
		})
	}
}

// TestOneLeaves has a caller give up: the answers of the others are still theirs.
func TestOneLeaves(t *testing.T) {
	hold := make(chan struct{})
	u := supporttest.NewUpstream(t, nil, supporttest.Lines(func(line string) string {
		<-hold
		return line + "\n"
	}))
	c := to(t, u.Addr)
	ctx, cancel := context.WithCancel(context.Background())
	var wait sync.WaitGroup
	wait.Go(func() {
		if _, err := c.Do(ctx, "gives up"); !errors.Is(err, context.Canceled) {
			t.Errorf("error is %v", err)
		}
	})
	for u.Requests() == 0 {
		<-time.NewTimer(time.Millisecond).C
	}
	cancel()
	wait.Wait()
	close(hold)
	if got, err := c.Do(context.Background(), "stays"); got != "stays" || err != nil {
		t.Errorf("answer is %q, %v", got, err)
	}
}

func TestClose(t *testing.T) {
	u := supporttest.NewUpstream(t, nil, supporttest.Silent())
	c := to(t, u.Addr)
	failed := make(chan error)
	go func() {
		_, err := c.Do(context.Background(), "x")
		failed <- err
	}()
	for u.Requests() == 0 {
		<-time.NewTimer(time.Millisecond).C
	}
	_ = c.Close()
	if err := <-failed; !errors.Is(err, pipeline.ErrClosed) {
		t.Errorf("error is %v", err)
	}
	if _, err := c.Do(context.Background(), "x"); !errors.Is(err, pipeline.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

func TestCannotConnect(t *testing.T) {
	refused := errors.New("refused")
	c := lineClient(func(context.Context) (net.Conn, error) { return nil, refused })
	defer c.Close()
	_, err := c.Do(context.Background(), "x")
	var e *pipeline.Error
	if !errors.As(err, &e) || e.Sent || !errors.Is(err, refused) {
		t.Errorf("error is %v", err)
	}

	c = lineClient(func(ctx context.Context) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	})
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	if _, err := c.Do(ctx, "x"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error is %v", err)
	}
	_ = c.Close() // ends the dialling
}

func TestPanicsEndTheConnection(t *testing.T) {
	u := supporttest.NewUpstream(t, nil, supporttest.Lines(echo))
	c := to(t, u.Addr)
	read := c.Read
	c.Read = func(conn *netbuf.Conn) (string, error) {
		line, err := read(conn)
		if strings.HasPrefix(line, "boom") {
			panic("boom")
		}
		return line, err
	}
	if _, err := c.Do(context.Background(), "boom"); err == nil || !strings.Contains(err.Error(), "panic in Read: boom") {
		t.Errorf("error is %v", err)
	}
	if got, err := c.Do(context.Background(), "fine"); got != "fine" || err != nil {
		t.Errorf("after that: %q, %v", got, err)
	}
}

// TestOverAManager moves to another address when one dies.
func TestOverAManager(t *testing.T) {
	a := supporttest.NewUpstream(t, nil, supporttest.Lines(echo))
	b := supporttest.NewUpstream(t, nil, supporttest.Lines(echo))
	var up upstream.Manager
	defer up.Close()
	if err := up.Add("echo", upstream.Service{Tiers: []upstream.Tier{upstream.At(a.Addr), upstream.At(b.Addr)}}); err != nil {
		t.Fatal(err)
	}
	c := lineClient(func(ctx context.Context) (net.Conn, error) { return up.DialContext(ctx, "tcp", "echo") })
	defer c.Close()
	if _, err := c.Do(context.Background(), "x"); err != nil {
		t.Fatal(err)
	}
	a.Stop()
	for {
		got, err := c.Do(context.Background(), "x")
		if err == nil && got == "x" {
			break
		}
		var e *pipeline.Error
		if !errors.As(err, &e) {
			t.Fatal(err)
		}
	}
	if b.Requests() == 0 {
		t.Error("the second has not been asked")
	}
}

func ExampleClient() {
	client := pipeline.Client[string, string]{
		Dial: func(context.Context) (net.Conn, error) {
			near, far := net.Pipe()
			go func() { _, _ = io.Copy(far, far) }()
			return near, nil
		},
		Write: func(conn *netbuf.Conn, question string) error {
			_, err := conn.Queue([]byte(question + "\n"))
			return err
		},
		Read: func(conn *netbuf.Conn) (string, error) {
			line, err := conn.ReadUntil([]byte("\n"), 1024)
			return string(line), err
		},
	}
	defer client.Close()
	fmt.Println(client.Do(context.Background(), "hello"))
	// Output: hello <nil>
}
