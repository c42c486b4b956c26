package accept

import (
	"cmp"
	"slices"
)

func (q *Queue) forget(c *Conn) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.conns, c)
}

// makeRoom sees to it that one more connection may be open, by closing some that
// are idle, and says whether there is room.
func (q *Queue) makeRoom() bool {
	q.mu.Lock()
	open := len(q.conns)
	q.mu.Unlock()
	if q.limits.Open < 0 || open < q.limits.Open {
		return true
	}
	return q.closeIdle(q.limits.Open/64+1, func(c *Conn) bool { return c.idles() || !c.spoken.Load() }) > 0
}

// CloseIdle closes up to n connections that have had no request since it was
// called before, those first that have had none for longest, and says how many
// it was. So the first call closes none, and none is closed that is in use all
// the time. Among them may be one whose request is on its way over the network,
// as when an idle time is over.
func (q *Queue) CloseIdle(n int) int {
	before := q.looked.Swap(q.taken.Add(1))
	return q.closeIdle(n, func(c *Conn) bool { return c.idles() && c.idle.Load() < before })
}

// idles says whether a connection has no request, and none is expected.
func (c *Conn) idles() bool {
	phase := c.phase.Load()
	return phase == idle || phase == slow || phase == active && !c.queue.hooked.Load() && !c.spoken.Load()
}

func (q *Queue) closeIdle(n int, idles func(*Conn) bool) int {
	type candidate struct {
		conn *Conn
		idle uint64
	}
	var found []candidate
	q.mu.Lock()
	for c := range q.conns {
		if idles(c) {
			found = append(found, candidate{c, c.idle.Load()})
		}
	}
	q.mu.Unlock()
	slices.SortFunc(found, func(a, b candidate) int { return cmp.Compare(a.idle, b.idle) })
	closed := 0
	for _, f := range found {
		if closed == n {
			break
		}
		if !f.conn.pending() { // on a busy machine a request may wait for the one who reads it
			_ = f.conn.Close() // it may be closed
			closed++
		}
	}
	q.account.evicted.Add(int64(closed))
	return closed
}
