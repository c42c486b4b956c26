package reports

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/support-go/support/stats"
)

// lock waits for the one lock of the directory, which a process loses with its
// life.
func (c *Collector) lock(ctx context.Context) (*os.File, error) {
	file, err := os.OpenFile(c.place.lock(), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		if err = tryLock(file); err == nil {
			return file, nil
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			_ = file.Close()
			return nil, fmt.Errorf("the predecessor goes on: %w", err)
		}
	}
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
		c.sources[pid] = source{name, process}
	}
	return nil
}

func (c *Collector) save() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.saveLocked()
}

// saveLocked replaces the file as a whole, so that whoever reads it after a
// crash finds what it was before or what it is now.
func (c *Collector) saveLocked() error {
	b, err := c.totals.MarshalBinary()
	if err != nil {
		return err
	}
	if len(b) > stats.MaxBinary {
		return fmt.Errorf("the totals have %d bytes, and their successor reads at most %d", len(b), stats.MaxBinary)
	}
	fresh := c.place.totals() + ".new"
	if err := os.WriteFile(fresh, b, 0o600); err != nil {
		return err
	}
	return os.Rename(fresh, c.place.totals())
}
