package admit

import (
	"log/slog"
	"time"

	"github.com/support-go/support/stats"
)

// NewInWorld returns a Gate that feels what the functions tell it.
func NewInWorld(limits Limits, reg *stats.Registry, wanting func() int, cpu func() time.Duration) *Gate {
	return newGate(limits.InForce(), newSheds(reg, slog.New(slog.DiscardHandler)), sense{wanting: wanting, cpu: cpu})
}

// ParseTimeout and Quota are parsers of what others write.
var (
	ParseTimeout = parseTimeout
	ParseQuota   = parseQuota
	Quota        = quota
)
