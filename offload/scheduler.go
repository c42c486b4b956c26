package offload

import (
	"cmp"
	"context"
	"log/slog"
	"time"

	"github.com/support-go/support/internal/goroutines"
	"github.com/support-go/support/stats"
)

// WatchScheduler notes, until ctx ends, how long a goroutine that could run
// waits for a processor, as offload.scheduler_seconds, and writes to log, at
// most once a second, what computes when that is longer than limit (default
// 150 ms): work that belongs into a pool. It looks twenty times a second. When
// the process itself waits, since others have the machine, nothing is logged.
func WatchScheduler(ctx context.Context, limit time.Duration, log *slog.Logger, reg *stats.Registry) {
	const every = 50 * time.Millisecond
	limit = cmp.Or(limit, 150*time.Millisecond)
	delay := reg.Distribution("offload.scheduler_seconds")
	var last time.Time
	timer := time.NewTimer(every)
	defer timer.Stop()
	for {
		due, before := time.Now().Add(every), goroutines.CPUTime()
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		now := time.Now()
		late := max(0, now.Sub(due))
		delay.AddDuration(late)
		if late > limit && goroutines.CPUTime()-before > late/2 && now.Sub(last) >= reportEvery {
			last = now
			log.Warn("goroutines wait for a processor", "late", late.Round(time.Millisecond), "limit", limit, "stack", cmp.Or(goroutines.Text(goroutines.Compute), "what has computed is over"))
		}
		timer.Reset(every)
	}
}
