package reports

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/support-go/support/internal/inspect"
	"github.com/support-go/support/stats"
)

const (
	every    = time.Second
	lastWord = time.Second           // for the report of a process that ends
	again    = 20 * time.Millisecond // between two attempts at it
	answer   = 5 * time.Second       // for the collector to take a report
	patience = 10 * time.Second      // without a collector, before the log says so
)

// Send reports what reg counts to the collector of a place, each second until
// ctx ends, and then everything that is left, within a second. What no
// collector takes it sends again; after a refusal, all that it has.
func Send(ctx context.Context, reg *stats.Registry, place Place, log *slog.Logger) {
	s := sender{
		registry: reg,
		reporter: stats.NewReporter(reg, fmt.Sprintf("%d.%s", os.Getpid(), rand.Text())),
		client:   inspect.Client(place.socket()),
	}
	defer s.client.CloseIdleConnections()
	tick := time.NewTicker(every)
	defer tick.Stop()
	lastTaken, told := time.Now(), false
	for sent := 0; ; {
		err := s.send(ctx)
		if err == nil && sent%helpEvery == 0 {
			err = s.sendHelp(ctx)
		}
		switch {
		case err == nil:
			lastTaken, told = time.Now(), false
			sent++
		case !told && time.Since(lastTaken) > patience && ctx.Err() == nil:
			told = true
			log.Warn("nobody takes this process's statistics", "error", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			s.flush()
			return
		}
	}
}

type sender struct {
	registry *stats.Registry
	reporter *stats.Reporter
	client   *http.Client
}

// flush sends what is waiting for an answer, and what has been counted since.
func (s *sender) flush() {
	ctx, cancel := context.WithTimeout(context.Background(), lastWord)
	defer cancel()
	for sent := 0; sent < 2 && ctx.Err() == nil; {
		if err := s.send(ctx); err == nil {
			sent++
			continue
		}
		select {
		case <-time.After(again): // a collector may just be replaced
		case <-ctx.Done():
		}
	}
}

// errRefused is the error of a report that the collector does not want.
var errRefused = errors.New("reports: refused")

func (s *sender) send(ctx context.Context) error {
	delta := s.reporter.Next()
	body, err := delta.MarshalBinary()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, answer)
	defer cancel()
	resp, err := s.post(ctx, "/", body)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<10)) // as far as it can be read
	if resp.StatusCode == http.StatusNoContent {
		s.reporter.Acknowledge(delta.Sequence)
		return nil
	}
	s.reporter.Restart()
	return fmt.Errorf("%w: %s: %s", errRefused, resp.Status, bytes.TrimSpace(text))
}
