package reports

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// lock waits for the one lock of the directory, which a process loses with its
// life.
func (c *Collector) lock(ctx context.Context) (*os.File, error) {
	tick := time.NewTicker(again)
	defer tick.Stop()
	for {
		file, err := openLocked(c.place.lock())
		if err == nil {
			return file, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) { // otherwise the predecessor goes on
			c.note(err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, err
		}
	}
}

func openLocked(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := tryLock(file); err != nil {
		_ = file.Close()
		return nil, err
	}
	return file, nil
}

// tidy removes what other runs have left.
func (c *Collector) tidy() {
	entries, _ := os.ReadDir(c.place.Dir) // of what can be read
	for _, e := range entries {
		path := filepath.Join(c.place.Dir, e.Name())
		ours := strings.HasPrefix(e.Name(), "reports.") || strings.HasPrefix(e.Name(), "totals.")
		if ours && path != c.place.socket() && path != c.place.totals() && path != c.place.lock() {
			_ = os.Remove(path)
		}
	}
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// load takes over what a predecessor has saved.
func (c *Collector) load() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	b, err := os.ReadFile(c.place.totals())
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := c.totals.UnmarshalBinary(b); err != nil {
		return err
	}
	for _, name := range c.totals.Sources() {
		pid := owner(name)
		process, err := os.FindProcess(pid)
		if err != nil {
			return err
		}
		c.sources[pid] = source{name: name, process: process}
	}
	return nil
}

// save replaces the file as a whole, so that whoever reads it after a crash
// finds what it was before or what it is now. One at a time may.
func (c *Collector) save() error {
	b, err := c.totals.MarshalBinary()
	if err != nil {
		return err
	}
	fresh := c.place.totals() + ".new"
	err = os.WriteFile(fresh, b, 0o600)
	if err == nil {
		err = os.Rename(fresh, c.place.totals())
	}
	if err != nil {
		_ = os.Remove(fresh) // on a full disk a part of it
	}
	return err
}
