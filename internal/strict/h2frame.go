package strict

import (
	"fmt"
	"strconv"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// errUnprocessed ends a stream that the server has not looked at.
var errUnprocessed = fmt.Errorf("not processed by the server")

// handle does what one frame asks. An error ends the connection.
func (h *h2) handle(frame http2.Frame) error {
	switch f := frame.(type) {
	case *http2.SettingsFrame:
		return h.settings(f)
	case *http2.PingFrame:
		if !f.IsAck() {
			_ = h.framer.WritePing(true, f.Data)
		}
	case *http2.WindowUpdateFrame:
		if f.StreamID == 0 {
			h.window += int64(f.Increment)
		}
	case *http2.GoAwayFrame:
		h.away(f)
	case *http2.RSTStreamFrame:
		h.reset(f)
	case *http2.HeadersFrame:
		return h.header(f.StreamID, f.HeaderBlockFragment(), f.HeadersEnded(), f.StreamEnded())
	case *http2.ContinuationFrame:
		return h.continuation(f)
	case *http2.DataFrame:
		h.data(f)
	case *http2.PushPromiseFrame:
		return fmt.Errorf("a push, which the client has forbidden")
	}
	return nil
}

func (h *h2) settings(f *http2.SettingsFrame) error {
	if f.IsAck() {
		return nil
	}
	_ = h.framer.WriteSettingsAck()
	return f.ForeachSetting(func(s http2.Setting) error {
		switch s.ID {
		case http2.SettingMaxConcurrentStreams:
			h.max = int(s.Val)
		case http2.SettingInitialWindowSize:
			h.initial = int64(s.Val)
		}
		return s.Valid()
	})
}

// away leaves the connection, and gives up the streams that the server has not
// processed.
func (h *h2) away(f *http2.GoAwayFrame) {
	h.goaway, h.leaving = true, true
	h.debug = fmt.Errorf("after GOAWAY %v last stream %d", f.ErrCode, f.LastStreamID)
	for i := range h.slots {
		if s := &h.slots[i]; s.num > f.LastStreamID {
			h.end(s, fault{err: fmt.Errorf("%w: stream %d %w", errUnprocessed, s.num, h.debug)})
		}
	}
}

func (h *h2) reset(f *http2.RSTStreamFrame) {
	s := h.find(f.StreamID)
	switch {
	case s == nil: // it has its answer or has hung
	case f.ErrCode == http2.ErrCodeRefusedStream:
		h.end(s, fault{err: fmt.Errorf("%w: stream %d reset as refused", errUnprocessed, s.num)})
	default:
		h.end(s, fault{promised: true, sent: 1, got: s.got, err: fmt.Errorf("stream %d reset: %v", s.num, f.ErrCode)})
	}
}

// find returns the open stream with a number, or nil.
func (h *h2) find(num uint32) *stream {
	for i := range h.slots {
		if h.slots[i].num == num {
			return &h.slots[i]
		}
	}
	return nil
}

// header decodes a block even if nobody waits for it, since the decoder's
// table depends on it.
func (h *h2) header(num uint32, block []byte, last, ended bool) error {
	h.current = h.find(num)
	h.endStream = ended
	if s := h.current; s != nil {
		s.got++
		s.trailers = s.status != 0
	}
	return h.fragment(block, last)
}

func (h *h2) continuation(f *http2.ContinuationFrame) error {
	return h.fragment(f.HeaderBlockFragment(), f.HeadersEnded())
}

func (h *h2) fragment(block []byte, last bool) error {
	if _, err := h.headers.Write(block); err != nil || !last {
		return err
	}
	if err := h.headers.Close(); err != nil {
		return err
	}
	s := h.current
	if s == nil {
		return nil
	}
	if s.status >= 100 && s.status <= 199 {
		s.status = 0 // the real one follows
	}
	if h.endStream {
		h.whole(s)
	}
	return nil
}

// field takes what matters from one header field.
func (h *h2) field(f hpack.HeaderField) {
	s := h.current
	if s == nil || s.trailers {
		return
	}
	switch f.Name {
	case ":status":
		s.status, _ = strconv.Atoi(f.Value) // 0 is wrong later
	case "x-request-id":
		s.idState = idOther
		if f.Value == string(s.id[:]) {
			s.idState = idRight
		}
	}
}

// data checks a piece of a body, and lets the server send more.
func (h *h2) data(f *http2.DataFrame) {
	h.unacked += int64(f.Length)
	if h.unacked >= giveBack {
		_ = h.framer.WriteWindowUpdate(0, uint32(h.unacked))
		h.unacked = 0
	}
	s := h.find(f.StreamID)
	if s == nil {
		return
	}
	s.got++
	s.size += int64(len(f.Data()))
	_, _ = s.body.Write(f.Data()) // never fails
	if f.StreamEnded() {
		h.whole(s)
	}
}

// whole judges an answer that has come to its end.
func (h *h2) whole(s *stream) {
	ask := h.load.Ask
	err := want{id: s.id[:], size: ask.size(), check: ask.Check}.verdict(s.status, s.idState, s.size, &s.body)
	h.wire.served++
	if err != nil {
		h.end(s, fault{err: err})
		return
	}
	o := Answered
	if s.status == 503 {
		o = Shed
	}
	h.tally.record(o, s.from, time.Now())
	h.free(s)
}

// prepareBlock builds the header block of a load and returns it with the part
// that holds the id. Nothing in it enters the server's table, so it can be
// sent again and again with another id.
func prepareBlock(l Load) (block, id []byte) {
	method := "GET"
	if l.Ask.Post > 0 {
		method = "POST"
	}
	scheme := "http"
	if l.Target.TLS != nil {
		scheme = "https"
	}
	block = appendField(block, ":method", method)
	block = appendField(block, ":scheme", scheme)
	block = appendField(block, ":authority", l.Target.host())
	block = appendField(block, ":path", l.Ask.target())
	if l.Ask.Post > 0 {
		block = appendField(block, "content-length", strconv.Itoa(l.Ask.Post))
	}
	block = appendField(block, "x-request-id", string(make([]byte, idLen)))
	return block, block[len(block)-idLen:]
}

// appendField appends a literal that is not indexed, with a new name
// (RFC 7541 section 6.2.2).
func appendField(b []byte, name, value string) []byte {
	b = append(b, 0)
	b = append(appendLength(b, len(name)), name...)
	return append(appendLength(b, len(value)), value...)
}

// appendLength appends an integer with a prefix of 7 bits (RFC 7541 section
// 5.1); the bit before it is 0: no Huffman code.
func appendLength(b []byte, n int) []byte {
	if n < 127 {
		return append(b, byte(n))
	}
	b = append(b, 127)
	for n -= 127; n >= 128; n >>= 7 {
		b = append(b, byte(n)|128)
	}
	return append(b, byte(n))
}
