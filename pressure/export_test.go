package pressure

import (
	"context"

	"github.com/support-go/support/stats"
)

// RunOn is Run with signals from elsewhere.
func (w Watch) RunOn(ctx context.Context, reg *stats.Registry, read func() Signals, act func(Reading)) error {
	return w.run(ctx, reg, read, act)
}

// Read looks at this process twice, work in between.
func Read(work func()) Signals {
	s := newSenses()
	work()
	s.lookFiles = 0
	return s.read()
}
