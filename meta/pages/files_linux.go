package pages

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

const ownDescriptors = "/proc/self/fd"

// descriptors lists those that are open, at most so many. Of sockets it asks the
// kernel where they are, since it is only asked by number: what closes meanwhile
// may be described as what has taken its place.
func descriptors(most int) ([]file, error) {
	dir, err := os.Open(ownDescriptors)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(most)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	all := make([]file, 0, len(names))
	for _, name := range names {
		fd, err := strconv.Atoi(name)
		if err != nil || fd == int(dir.Fd()) {
			continue
		}
		target, err := os.Readlink(filepath.Join(ownDescriptors, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue // closed since
		}
		f := file{fd: fd, target: target, kind: kindOf(target)}
		if f.kind == "socket" {
			f.target = socketAt(fd, target)
		}
		all = append(all, f)
	}
	return all, nil
}

// kindOf reads what the kernel calls a descriptor: "socket:[4711]",
// "anon_inode:[eventpoll]", a path.
func kindOf(target string) string {
	kind, rest, found := strings.Cut(target, ":")
	switch {
	case strings.HasPrefix(target, "/memfd:"):
		return "memory"
	case strings.HasPrefix(target, "/dev/"):
		return "device"
	case strings.HasPrefix(target, "/"):
		return "file"
	case kind == "anon_inode" && found:
		return strings.Trim(rest, "[]")
	case found:
		return kind
	}
	return "other"
}

// socketAt adds the address of a socket that is not one of a server.
func socketAt(fd int, target string) string {
	at, err := unix.Getsockname(fd)
	if err != nil {
		return target
	}
	switch at := at.(type) {
	case *unix.SockaddrUnix:
		if at.Name == "" || at.Name == "@" {
			return "unix, without a name"
		}
		return "unix " + at.Name
	case *unix.SockaddrInet4:
		return "port " + strconv.Itoa(at.Port)
	case *unix.SockaddrInet6:
		return "port " + strconv.Itoa(at.Port)
	}
	return target
}

// openLimit is how many descriptors there may be; 0 if that is not known.
func openLimit() float64 {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return 0
	}
	return float64(limit.Cur)
}
