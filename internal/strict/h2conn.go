package strict

import (
	"errors"
	"fmt"
	"math"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

const (
	maxWindow     = math.MaxInt32
	initialWindow = 65535 // of a connection, until updated
	giveBack      = 1 << 28
	assumedMax    = 100 // streams at once that a server has to allow before its settings are known
)

// connect opens a connection and says hello on it. When nobody is there, the
// stream's request is recorded and its place is free again after a pause.
func (h *h2) connect(s *stream) (bool, error) {
	ok, err := h.open(s.from, s.deadline)
	if !ok {
		now := time.Now()
		for i := range h.slots {
			if due := now.Add(refusedPause); h.slots[i].due.Before(due) && h.pace.every == 0 {
				h.slots[i].due = due
			}
		}
		if h.pace.every > 0 {
			s.due = h.pace.due(now)
		}
		return false, err
	}
	h.out.Reset(h.wire.conn)
	h.framer = http2.NewFramer(h.out, h.wire.in)
	h.framer.SetReuseFrames()
	h.framer.SetMaxReadFrameSize(maxFrame)
	h.headers = hpack.NewDecoder(4096, h.field)
	h.nextID, h.max, h.window, h.initial, h.unacked = 1, assumedMax, initialWindow, initialWindow, 0
	h.leaving, h.goaway, h.wrote, h.broken, h.debug = false, false, false, false, nil
	_, _ = h.out.WriteString(http2.ClientPreface)
	_ = h.framer.WriteSettings(http2.Setting{ID: http2.SettingEnablePush}, http2.Setting{ID: http2.SettingInitialWindowSize, Val: maxWindow})
	_ = h.framer.WriteWindowUpdate(0, maxWindow-initialWindow)
	return true, nil
}

// flush writes what is buffered. If that fails the server may still have said
// why, or answered, so reading goes on.
func (h *h2) flush() {
	if h.out.Buffered() == 0 || h.broken {
		return
	}
	_ = h.wire.conn.SetWriteDeadline(time.Now().Add(h.load.Limits.Timeout))
	err := h.out.Flush()
	if err == nil {
		h.wrote = true
		return
	}
	h.leaving, h.broken = true, true
	h.debug = fmt.Errorf("writing: %w", err)
}

// peek waits until a whole frame is in the buffer, so that a time-out never
// cuts one in two.
func (h *h2) peek() (whole bool, err error) {
	const headerLen = 9
	head, err := h.wire.in.Peek(headerLen)
	if err != nil {
		return false, err
	}
	length := int(head[0])<<16 | int(head[1])<<8 | int(head[2])
	if length > maxFrame {
		return true, nil // the framer says no without reading it
	}
	_, err = h.wire.in.Peek(headerLen + length)
	return err == nil, err
}

// lost ends all streams, because the connection has ended with err.
func (h *h2) lost(err error) {
	if h.debug != nil && !errors.Is(err, errWrong) {
		err = fmt.Errorf("%w (%w)", err, h.debug)
	}
	sent := 0
	if h.wrote {
		sent = 1
	}
	reused := h.wire.served > 0
	for i := range h.slots {
		if s := &h.slots[i]; s.num != 0 {
			h.end(s, fault{reused: reused, promised: h.goaway, sent: sent, got: s.got, err: err})
		}
	}
	h.wire.close()
}
