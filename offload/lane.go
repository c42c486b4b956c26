package offload

import (
	"context"
	"runtime"
	"runtime/debug"
)

// lane is a value and, perhaps, a thread. It belongs to one job at a time.
type lane[S any] struct {
	value S
	built bool
	work  chan func() // to the thread, until closed; nil without
}

func (l *Lanes[S]) init() {
	l.once.Do(func() {
		if l.Build == nil {
			panic("offload: Lanes without Build; use a Pool where there is nothing to build")
		}
		l.pool = Pool{Name: l.Name, Size: l.Size, Limits: l.Limits, Log: l.Log, Stats: l.Stats}
		l.pool.init()
	})
}

// Close sheds what waits, refuses what comes, discards the lanes as their jobs
// end, and returns when that is done, or with an error when ctx ends.
func (l *Lanes[S]) Close(ctx context.Context) error {
	l.init()
	err := l.pool.Close(ctx)
	l.mu.Lock()
	l.closed = true
	idle := l.idle
	l.idle = nil
	l.mu.Unlock()
	for _, own := range idle {
		l.discard(own)
	}
	if err == nil { // no job is left, so that only Discard keeps a thread
		l.threads.Wait()
	}
	return err
}

// take returns an idle lane or a new one, which is yet to be built. There are
// no more lanes than jobs of the pool, thus no more than its size.
func (l *Lanes[S]) take() *lane[S] {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := len(l.idle); n > 0 {
		own := l.idle[n-1]
		l.idle = l.idle[:n-1]
		return own
	}
	own := new(lane[S])
	if l.Thread {
		own.work = make(chan func())
		l.threads.Go(own.hold)
	}
	return own
}

// hold keeps a thread for what is to run on it. It ends with the thread, which
// nobody else gets: a library may have left something in it.
func (own *lane[S]) hold() {
	runtime.LockOSThread()
	for run := range own.work {
		run()
	}
}

func (own *lane[S]) run(f func()) { own.work <- f }

// release puts own back, or discards it.
func (l *Lanes[S]) release(own *lane[S], sound bool) {
	if sound && l.keep(own) {
		return
	}
	// This is the lane's thread, if it has one: it cannot wait for itself.
	l.giveBack(own)
	if own.work != nil {
		close(own.work)
	}
}

func (l *Lanes[S]) keep(own *lane[S]) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	l.idle = append(l.idle, own)
	return true
}

// discard ends an idle lane.
func (l *Lanes[S]) discard(own *lane[S]) {
	if own.work == nil {
		l.giveBack(own)
		return
	}
	own.work <- func() { l.giveBack(own) }
	close(own.work)
}

// giveBack calls Discard. Nobody is left to whom a panic of it could go.
func (l *Lanes[S]) giveBack(own *lane[S]) {
	if !own.built || l.Discard == nil {
		return
	}
	defer func() {
		if v := recover(); v != nil {
			l.pool.Log.Error("panic in Discard", "pool", l.pool.Name, "error", &PanicError{v, debug.Stack()})
		}
	}()
	l.Discard(own.value)
}
