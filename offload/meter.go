package offload

import (
	"maps"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/support-go/support/stats"
)

// meter is what a pool counts.
type meter struct {
	pool string
	reg  *stats.Registry

	// The functions by where their code begins. There are no more than the
	// program has, and after a while no new ones, so reading takes no lock.
	functions atomic.Pointer[map[uintptr]*function]
	adding    sync.Mutex
}

// function is what is counted of one function in one pool.
type function struct {
	name             string       // for people
	full             string       // as in stacks
	waiting, running *stats.Gauge // the pool's are their sums
	wait, run        *stats.Distribution
	speed            func() *stats.Distribution // listed once there is a size
	count            func(what string)          // of what is rare
}

func (m *meter) init(pool string, reg *stats.Registry) {
	m.pool, m.reg = pool, reg
	m.functions.Store(&map[uintptr]*function{})
}

// refused counts a job that is not run. It is looked up each time: shedding is
// no place to be fast in, compared to what it saves.
func (m *meter) refused(reason string) {
	m.reg.Counter("offload.shed", "pool", m.pool, "reason", reason).Add(1)
}

// function returns what is counted of the function whose code begins at pc.
func (m *meter) function(pc uintptr) *function {
	if f := (*m.functions.Load())[pc]; f != nil {
		return f
	}
	m.adding.Lock()
	defer m.adding.Unlock()
	known := *m.functions.Load()
	if f := known[pc]; f != nil {
		return f
	}
	more := maps.Clone(known)
	more[pc] = m.named(functionName(pc))
	m.functions.Store(&more)
	return more[pc]
}

func (m *meter) named(full string) *function {
	name := full[strings.LastIndexByte(full, '/')+1:]
	labels := []string{"function", name, "pool", m.pool}
	return &function{
		name:    name,
		full:    full,
		waiting: m.reg.Gauge("offload.waiting", labels...),
		running: m.reg.Gauge("offload.running", labels...),
		wait:    m.reg.Distribution("offload.wait_seconds", labels...),
		run:     m.reg.Distribution("offload.run_seconds", labels...),
		speed:   sync.OnceValue(func() *stats.Distribution { return m.reg.Distribution("offload.bytes_per_second", labels...) }),
		count:   func(what string) { m.reg.Counter("offload."+what, labels...).Add(1) },
	}
}

// functionName leaves out the mark of a method value, whose wrapper no stack
// shows.
func functionName(pc uintptr) string {
	if f := runtime.FuncForPC(pc); f != nil {
		return strings.TrimSuffix(f.Name(), "-fm")
	}
	return "unknown"
}
