// Package inspect speaks HTTP between the processes of a group, over unix
// sockets that only their own user and root can reach.
package inspect

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/support-go/support/internal/control"
)

// Bounds on what a client can make a server hold. Those who may connect are
// the group's own, but one of them may have gone mad.
const (
	HeaderTimeout = 5 * time.Second
	BodyTimeout   = 10 * time.Second
	AnswerTimeout = 2 * time.Minute // from the header to the end of the answer
	IdleTimeout   = time.Minute
	Connections   = 64          // of one process at once
	closing       = time.Second // for what is being answered when ctx ends
)

// Serve answers at path until ctx ends, and removes the socket then, unless
// another has taken its place. It replaces a socket that is there already,
// without a moment in which there is none.
func Serve(ctx context.Context, path string, handler http.Handler) error {
	ln, err := control.Listen(path)
	if err != nil {
		return err
	}
	mine, err := os.Lstat(path)
	if err != nil {
		return errors.Join(err, ln.Close())
	}
	server := http.Server{
		Handler:           inTime(BodyTimeout, handler),
		ReadHeaderTimeout: HeaderTimeout,
		WriteTimeout:      AnswerTimeout,
		IdleTimeout:       IdleTimeout,
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, peerKey{}, c.(*admitted).pid)
		},
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(&listener{UnixListener: ln, most: Connections}) }()
	select {
	case err = <-ended:
	case <-ctx.Done():
		if now, err := os.Lstat(path); err == nil && os.SameFile(mine, now) {
			_ = os.Remove(path)
		}
		grace, cancel := context.WithTimeout(context.Background(), closing)
		defer cancel()
		if server.Shutdown(grace) != nil {
			_ = server.Close() // its error is that of a listener closed already
		}
		err = <-ended
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

type peerKey struct{}

// Peer returns the pid of the process that has sent the request to which ctx
// belongs, by the kernel's word.
func Peer(ctx context.Context) int {
	pid, _ := ctx.Value(peerKey{}).(int)
	return pid
}

// Client returns a client of the server at path, whatever the host of a URL. It
// keeps one connection.
func Client(path string) *http.Client {
	var dialer net.Dialer
	return &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, "unix", path)
		},
		MaxIdleConns:       1,
		IdleConnTimeout:    IdleTimeout / 2, // before the server ends it
		DisableCompression: true,
	}}
}
