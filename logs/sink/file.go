package sink

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// Rotation says when a File begins anew. Zero fields take the defaults.
type Rotation struct {
	Bytes int64         // after which a file is put aside; default 100 MiB; below 0 never
	Age   time.Duration // after which it is; default never
	Keep  int           // files that were put aside; default 5; below 0 none
}

// File is a log file. It is put aside when it gets too long or too old, under
// its name with a date, and the oldest of those are removed. If somebody else
// moves or removes the file, as logrotate does, File notices within a second of
// writing and makes a new one. Lines are never torn between two files.
//
// One process at a time should rotate a file. Methods may be called by any
// number of goroutines.
type File struct {
	path     string
	rotation Rotation

	mu     sync.Mutex // guards what follows
	file   *os.File
	size   int64
	born   time.Time
	looked time.Time // when the path was last compared with the file
}

// Open opens or makes the file at path, to be appended to. It is readable for
// its owner and group.
func Open(path string, rotation Rotation) (*File, error) {
	rotation.Bytes = cmp.Or(rotation.Bytes, 100<<20)
	rotation.Keep = cmp.Or(rotation.Keep, 5)
	f := &File{path: path, rotation: rotation}
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.open(); err != nil {
		return nil, fmt.Errorf("log file: %w", err)
	}
	return f, nil
}

func (f *File) open() error {
	file, err := os.OpenFile(f.path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o640)
	if err != nil {
		return err
	}
	info, err := file.Stat()
	if err != nil {
		_ = file.Close()
		return err
	}
	if f.file != nil {
		_ = f.file.Close()
	}
	f.file, f.size, f.born, f.looked = file, info.Size(), time.Now(), time.Now()
	return nil
}

// Write appends the lines in p, to a new file if it is time for one.
func (f *File) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.file == nil {
		return 0, os.ErrClosed
	}
	now := time.Now()
	if now.Sub(f.looked) >= time.Second {
		f.looked = now
		if f.moved() {
			_ = f.open() // or the old file goes on
		}
	}
	done := 0
	for done < len(p) {
		part := f.fitting(p[done:])
		if len(part) == 0 || f.rotation.Age > 0 && f.size > 0 && now.Sub(f.born) > f.rotation.Age {
			f.rotate()
			continue
		}
		n, err := f.append(part)
		if done += n; err != nil {
			return done, err
		}
	}
	return done, nil
}

// fitting is what of p still has room in the file: whole lines, at least one in
// an empty file.
func (f *File) fitting(p []byte) []byte {
	if f.rotation.Bytes < 0 || f.size+int64(len(p)) <= f.rotation.Bytes {
		return p
	}
	if room := f.rotation.Bytes - f.size; room > 0 {
		if end := bytes.LastIndexByte(p[:room], '\n'); end >= 0 {
			return p[:end+1]
		}
	}
	if f.size > 0 {
		return nil
	}
	if end := bytes.IndexByte(p, '\n'); end >= 0 {
		return p[:end+1]
	}
	return p
}

func (f *File) append(p []byte) (int, error) {
	n, err := f.file.Write(p)
	f.size += int64(n)
	return n, err
}

func (f *File) moved() bool {
	there, err := os.Stat(f.path)
	if err != nil {
		return os.IsNotExist(err)
	}
	ours, err := f.file.Stat()
	return err == nil && !os.SameFile(there, ours)
}

// stampForm is what is added to the name of a file that is put aside.
const stampForm = "20060102T150405.000000000Z"

// rotate puts the file aside and opens a new one. If it cannot, the file goes
// on, and it tries again after as many bytes.
func (f *File) rotate() {
	if !f.moved() { // by somebody who has been faster
		err := os.Rename(f.path, f.path+"."+time.Now().UTC().Format(stampForm))
		if err == nil {
			defer f.prune()
		}
	}
	if f.moved() && f.open() == nil {
		return
	}
	f.size, f.born = 0, time.Now()
}

// prune removes the oldest of the files that were put aside.
func (f *File) prune() {
	entries, err := os.ReadDir(filepath.Dir(f.path))
	if err != nil {
		return // the next rotation tries again
	}
	var aside []string
	for _, e := range entries {
		stamp, ours := strings.CutPrefix(e.Name(), filepath.Base(f.path)+".")
		if _, err := time.Parse(stampForm, stamp); ours && err == nil {
			aside = append(aside, filepath.Join(filepath.Dir(f.path), e.Name()))
		}
	}
	slices.Sort(aside)
	for _, path := range aside[:max(0, len(aside)-max(0, f.rotation.Keep))] {
		_ = os.Remove(path)
	}
}

// Reopen opens the path again, after somebody else has moved the file.
func (f *File) Reopen() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.file == nil {
		return os.ErrClosed
	}
	return f.open()
}

// Close closes the file.
func (f *File) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.file == nil {
		return os.ErrClosed
	}
	err := f.file.Close()
	f.file = nil
	return err
}
