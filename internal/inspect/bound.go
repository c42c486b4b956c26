package inspect

import (
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/support-go/support/internal/control"
)

// listener hands out connections of those who may connect, and not too many of
// one process.
type listener struct {
	*net.UnixListener
	most int // of one process

	mu   sync.Mutex
	open map[int]int // by process id
}

// admitted is a connection of a process that may connect.
type admitted struct {
	*net.UnixConn
	pid  int
	once sync.Once
	end  func()
}

// Close closes the connection, and makes room for another one.
func (a *admitted) Close() error {
	a.once.Do(a.end)
	return a.UnixConn.Close()
}

// Accept closes at once what there is no room for: whoever has gone mad does
// not keep others waiting.
func (l *listener) Accept() (net.Conn, error) {
	for {
		conn, err := l.AcceptUnix()
		if err != nil {
			return nil, err
		}
		pid, err := control.Admit(conn)
		if err == nil && l.enter(pid) {
			return &admitted{UnixConn: conn, pid: pid, end: func() { l.leave(pid) }}, nil
		}
		_ = conn.Close() // what it was to say, it has no right to know
	}
}

func (l *listener) enter(pid int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[pid] >= l.most {
		return false
	}
	if l.open == nil {
		l.open = make(map[int]int)
	}
	l.open[pid]++
	return true
}

func (l *listener) leave(pid int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[pid]--; l.open[pid] == 0 {
		delete(l.open, pid)
	}
}

// inTime gives clients until a time to send a body. Server.ReadTimeout would go
// on when the body is there, and end the context of a handler that takes
// longer.
func inTime(limit time.Duration, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength != 0 {
			control := http.NewResponseController(w)
			_ = control.SetReadDeadline(time.Now().Add(limit)) // there is one on any socket
			r.Body = &body{r.Body, control}
		}
		next.ServeHTTP(w, r)
	})
}

// body takes the limit back once it has been read.
type body struct {
	io.ReadCloser
	control *http.ResponseController
}

// Read reads some of the body.
func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF {
		_ = b.control.SetReadDeadline(time.Time{})
	}
	return n, err
}
