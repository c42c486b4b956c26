//go:build !linux && !darwin

package prefork

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
)

// Supported says whether this system can run a Supervisor.
const Supported = false

// Inherited returns nil: no Supervisor runs here.
func Inherited(*slog.Logger) (*Worker, error) { return nil, nil }

var errSystem = fmt.Errorf("prefork: worker processes on this system: %w", errors.ErrUnsupported)

// Listener fails: nothing is inherited here.
func (w *Worker) Listener(string) (net.Listener, error) { return nil, errSystem }

// PacketConn fails like Listener.
func (w *Worker) PacketConn(string) (net.PacketConn, error) { return nil, errSystem }

func closeSockets([]Bound) {}

func (w *Worker) takeOutput() {}

func newSystem(*Supervisor, string, Limits, share, <-chan struct{}) (system, error) {
	return system{}, errSystem
}

func (s *Supervisor) sockets(context.Context, *runtimeDir) ([]Bound, []string, error) {
	return nil, nil, errSystem
}

func dismiss(context.Context, *runtimeDir, <-chan struct{}) {}

func lockFile(*os.File) error { return nil }

func ownedBySelf(fs.FileInfo) bool { return true }

func ownedByRoot(fs.FileInfo) bool { return false }
