package prefork

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// RuntimeDir is where a group of that name keeps its sockets unless told
// otherwise: below $RUNTIME_DIRECTORY (systemd sets it), /run/support for
// root, $XDG_RUNTIME_DIR/support, or a directory of the user's own among the
// temporary files.
func RuntimeDir(name string) string {
	if dir := os.Getenv("RUNTIME_DIRECTORY"); dir != "" {
		return filepath.Join(dir, name)
	}
	if os.Geteuid() == 0 {
		return filepath.Join("/run/support", name)
	}
	if dir := os.Getenv("XDG_RUNTIME_DIR"); dir != "" {
		return filepath.Join(dir, "support", name)
	}
	return filepath.Join(os.TempDir(), "support-"+strconv.Itoa(os.Geteuid()), name)
}

// errTaken means that the directory belongs to a running group.
var errTaken = errors.New("already running")

// runtimeDir is a directory that belongs to this process alone until it ends,
// by a lock that the kernel takes back whatever happens. The zero path is that
// of no directory.
type runtimeDir struct {
	path    string
	lock    *os.File
	crashed bool // whoever had it before has not given it back
}

func (d *runtimeDir) control() string { return filepath.Join(d.path, "control.sock") }

// workerSocket is the path of a worker's own socket. It has the pid in it, since
// orphans of another supervisor may live in the same directory.
func workerSocket(dir string, slot, pid int) string {
	return filepath.Join(dir, fmt.Sprintf("w%d.%d.sock", slot, pid))
}

// workers are the paths of all workers' own sockets, of the living and the dead.
func (d *runtimeDir) workers() []string {
	if d.path == "" {
		return nil
	}
	var paths []string
	entries, _ := os.ReadDir(d.path) // of what can be read
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), "w") && strings.HasSuffix(e.Name(), ".sock") {
			paths = append(paths, filepath.Join(d.path, e.Name()))
		}
	}
	return paths
}

// removeSockets removes what an ended process has left in the directory.
func removeSockets(dir string, pid int) {
	if dir == "" {
		return
	}
	entries, _ := os.ReadDir(dir) // of what can be read
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), fmt.Sprintf(".%d.sock", pid)) {
			_ = os.Remove(filepath.Join(dir, e.Name()))
		}
	}
}

// PrivateDir makes a directory, if need be, that only this user can write to,
// and no other user but root can replace.
func PrivateDir(path string) error {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return err
	}
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	if err := private(path, info); err != nil {
		return err
	}
	return anchored(path)
}

// Sockets in a directory have names of at most longestName bytes, and paths that
// fit into a socket address of longestPath.
const (
	longestPath = 103
	longestName = len("reports.01234567.sock")
)

// openDir makes the directory, if need be, and takes possession of it. Unless
// the error is errTaken, the runtimeDir can be used even beside an error: as
// none.
func openDir(path, name string) (*runtimeDir, error) {
	path = cmp.Or(path, RuntimeDir(name))
	if most := longestPath - 1 - longestName; len(path) > most {
		return &runtimeDir{}, fmt.Errorf("%s has %d bytes, and the paths of the sockets in it would not fit into a socket address: want at most %d, by Dir or RUNTIME_DIRECTORY", path, len(path), most)
	}
	if err := PrivateDir(path); err != nil {
		return &runtimeDir{}, err
	}
	lock, err := os.OpenFile(filepath.Join(path, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return &runtimeDir{}, err
	}
	if err := lockFile(lock); err != nil && !errors.Is(err, syscall.EWOULDBLOCK) {
		return &runtimeDir{}, errors.Join(fmt.Errorf("lock %s: %w", lock.Name(), err), lock.Close())
	} else if err != nil {
		pid, _ := os.ReadFile(lock.Name())
		_ = lock.Close()
		return nil, fmt.Errorf("group %q is %w as process %s, in %s: stop it, or give this one another name or Dir", name, errTaken, pid, path)
	}
	left, _ := os.ReadFile(lock.Name()) // nothing, if it was given back
	d := &runtimeDir{path: path, lock: lock, crashed: len(left) > 0}
	if lock.Truncate(0) == nil { // on a full disk the message above lacks the pid, and no more
		_, _ = lock.WriteAt([]byte(strconv.Itoa(os.Getpid())), 0)
	}
	return d, nil
}

// private wants a directory that nobody else can put anything into.
func private(path string, info fs.FileInfo) error {
	switch {
	case !info.IsDir():
		return fmt.Errorf("%s is not a directory", path)
	case info.Mode().Perm()&0o077 != 0:
		return fmt.Errorf("%s is open to others (mode %v): want 0700", path, info.Mode().Perm())
	case !ownedBySelf(info):
		return fmt.Errorf("%s belongs to another user", path)
	}
	return nil
}

// anchored wants a parent in which no other user but root can put another
// directory in the place of this one.
func anchored(path string) error {
	parent := filepath.Dir(path)
	info, err := os.Stat(parent)
	if err != nil {
		return err
	}
	open := info.Mode().Perm()&0o002 != 0 && info.Mode()&fs.ModeSticky == 0
	if open || !ownedBySelf(info) && !ownedByRoot(info) {
		return fmt.Errorf("%s can be replaced by another user: %s (mode %v) must belong to this user or root, and be writable by no others", path, parent, info.Mode())
	}
	return nil
}

func (d *runtimeDir) close() {
	if d != nil && d.lock != nil {
		_ = d.lock.Truncate(0)
		_ = d.lock.Close()
	}
}
