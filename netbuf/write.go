package netbuf

import "net"

// An output gathers what is to be sent: block[r:w] is queued and not yet sent.
// It holds no block while nothing is queued.
type output struct {
	block *block
	r, w  int
}

// Write sends what is queued and then p, in one go if both fit the buffer. It
// returns how much of p has been sent. After an error, what was queued and not
// sent is still queued.
func (c *Conn) Write(p []byte) (int, error) {
	c.writing.Lock()
	defer c.writing.Unlock()
	if err := c.beginWrite(); err != nil {
		return 0, err
	}
	defer c.endWrite()
	return c.out.write(c.nc, p)
}

// Queue adds p to what the next Flush sends. It copies p and does not wait,
// unless more than 32 KiB would be queued: then it sends what is queued, and a
// longer p as well. It returns how much of p has been queued or sent.
func (c *Conn) Queue(p []byte) (int, error) {
	c.writing.Lock()
	defer c.writing.Unlock()
	if c.out.add(p) {
		return len(p), nil
	}
	if err := c.beginWrite(); err != nil {
		return 0, err
	}
	defer c.endWrite()
	if err := c.out.flush(c.nc); err != nil {
		return 0, err
	}
	if c.out.add(p) {
		return len(p), nil
	}
	return c.nc.Write(p)
}

// Flush sends what is queued. After an error the rest stays queued, and a later
// Flush goes on with it.
func (c *Conn) Flush() error {
	c.writing.Lock()
	defer c.writing.Unlock()
	if c.out.block == nil {
		return nil
	}
	if err := c.beginWrite(); err != nil {
		return err
	}
	defer c.endWrite()
	return c.out.flush(c.nc)
}

// Queued returns how many bytes wait for a Flush.
func (c *Conn) Queued() int {
	c.writing.Lock()
	defer c.writing.Unlock()
	return c.out.w - c.out.r
}

// write sends what is queued and then p, of which it returns how much was sent.
func (out *output) write(nc net.Conn, p []byte) (int, error) {
	if out.block == nil {
		return nc.Write(p)
	}
	queued := out.w
	if !out.add(p) {
		if err := out.flush(nc); err != nil {
			return 0, err
		}
		return nc.Write(p)
	}
	if err := out.flush(nc); err != nil {
		sent := max(0, out.r-queued)
		out.truncate(queued)
		return sent, err
	}
	return len(p), nil
}

// add queues p if there is room for it.
func (out *output) add(p []byte) bool {
	if len(p) > blockSize-out.w {
		return false
	}
	if out.block == nil {
		out.block = blocks.Get().(*block)
	}
	out.w += copy(out.block[out.w:], p)
	return true
}

// flush sends what is queued and gives the block back.
func (out *output) flush(nc net.Conn) error {
	if out.block == nil {
		return nil
	}
	n, err := nc.Write(out.block[out.r:out.w])
	out.r += n
	if err == nil {
		out.truncate(out.r)
	}
	return err
}

// truncate drops what is queued from end on, and the block if nothing is left.
func (out *output) truncate(end int) {
	out.w = end
	if out.r < out.w {
		return
	}
	blocks.Put(out.block)
	*out = output{}
}
