package strict_test

import (
	"bytes"
	"context"
	"io"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/support-go/support/internal/strict"
)

// h2peer is a server's side of an HTTP/2 connection in the hands of a test.
type h2peer struct {
	*peer
	*http2.Framer
	ids map[uint32]string // of the streams that were opened
}

// h2serve turns what a test does with frames into what misbehave wants.
func h2serve(serve func(p *h2peer), settings ...http2.Setting) func(*peer) {
	return func(p *peer) {
		preface := make([]byte, len(http2.ClientPreface))
		if _, err := io.ReadFull(p.in, preface); err != nil || string(preface) != http2.ClientPreface {
			return
		}
		h := &h2peer{p, http2.NewFramer(p, p.in), make(map[uint32]string)}
		h.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
		_ = h.WriteSettings(settings...)
		serve(h)
	}
}

// next reads up to the next request that is whole and returns its stream, or 0
// at the end of the connection.
func (h *h2peer) next() uint32 {
	for {
		frame, err := h.ReadFrame()
		if err != nil {
			return 0
		}
		switch f := frame.(type) {
		case *http2.MetaHeadersFrame:
			for _, field := range f.RegularFields() {
				if field.Name == "x-request-id" {
					h.ids[f.StreamID] = field.Value
				}
			}
			if f.StreamEnded() {
				return f.StreamID
			}
		case *http2.DataFrame:
			if f.StreamEnded() {
				return f.StreamID
			}
		}
	}
}

// head answers a stream with a header only.
func (h *h2peer) head(stream uint32, status, id string, end bool) {
	var block bytes.Buffer
	enc := hpack.NewEncoder(&block)
	_ = enc.WriteField(hpack.HeaderField{Name: ":status", Value: status})
	_ = enc.WriteField(hpack.HeaderField{Name: "x-request-id", Value: id, Sensitive: true})
	_ = h.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: block.Bytes(), EndHeaders: true, EndStream: end})
}

// answer answers a stream rightly.
func (h *h2peer) answer(stream uint32) {
	h.head(stream, "200", h.ids[stream], false)
	_ = h.WriteData(stream, true, []byte(h.ids[stream]))
}

// drain reads until the client has gone.
func (h *h2peer) drain() {
	for h.next() != 0 {
	}
}

// TestMisbehaviourHTTP2 is TestMisbehaviour for HTTP/2, with two streams on
// one connection unless a case says otherwise.
func TestMisbehaviourHTTP2(t *testing.T) {
	type counts = map[strict.Outcome]int64
	short := strict.Limits{Timeout: 50 * time.Millisecond}
	tests := map[string]struct {
		serve    func(p *h2peer)
		settings []http2.Setting
		load     strict.Load
		want     counts
	}{
		"right": {
			serve: func(p *h2peer) {
				for s := p.next(); s != 0; s = p.next() {
					p.answer(s)
				}
			},
			want: counts{strict.Answered: 4},
		},
		"interim answers, trailers and padding": {
			serve: func(p *h2peer) {
				for s := p.next(); s != 0; s = p.next() {
					p.head(s, "103", "x", false)
					p.head(s, "200", p.ids[s], false)
					_ = p.WriteDataPadded(s, false, []byte(p.ids[s]), make([]byte, 9))
					p.head(s, "500", "trailer", true)
				}
			},
			want: counts{strict.Answered: 4},
		},
		"header in pieces": {
			serve: func(p *h2peer) {
				for s := p.next(); s != 0; s = p.next() {
					block := append([]byte{0x88, 0x00, 12}, "x-request-id\x16"+p.ids[s]...)
					_ = p.WriteHeaders(http2.HeadersFrameParam{StreamID: s, BlockFragment: block[:9]})
					_ = p.WriteContinuation(s, false, block[9:20])
					_ = p.WriteContinuation(s, true, block[20:])
					_ = p.WriteData(s, true, []byte(p.ids[s]))
				}
			},
			want: counts{strict.Answered: 4},
		},
		"header that cannot be decoded": {
			serve: func(p *h2peer) {
				s := p.next()
				p.next()
				_ = p.WriteHeaders(http2.HeadersFrameParam{StreamID: s, BlockFragment: []byte{0xff, 0xff, 0xff, 0xff, 0xff}, EndHeaders: true})
				p.drain()
			},
			want: counts{strict.Wrong: 4},
		},
		"pings": {
			serve: func(p *h2peer) {
				s := p.next()
				_ = p.WritePing(false, [8]byte{7})
				for {
					frame, err := p.ReadFrame()
					if err != nil {
						return
					}
					if ping, ok := frame.(*http2.PingFrame); ok && ping.IsAck() && ping.Data[0] == 7 {
						break
					}
				}
				_ = p.WriteGoAway(s, http2.ErrCodeNo, nil) // before the answer, or the next request crosses it
				p.answer(s)
			},
			load: strict.Load{Streams: 1},
			want: counts{strict.Answered: 4},
		},
		"one stream at a time": {
			serve: func(p *h2peer) {
				p.answer(p.next()) // what was opened before the settings were known
				p.answer(p.next())
				for s := p.next(); s != 0; s = p.next() {
					if p.in.Buffered() > 0 {
						return // a second one; it counts as stale
					}
					p.answer(s)
				}
			},
			settings: []http2.Setting{{ID: http2.SettingMaxConcurrentStreams, Val: 1}},
			load:     strict.Load{Limits: strict.Limits{Requests: 20}},
			want:     counts{strict.Answered: 20},
		},
		"GOAWAY": {
			serve: func(p *h2peer) {
				s := p.next()
				p.next()
				_ = p.WriteGoAway(s, http2.ErrCodeNo, nil)
				p.answer(s)
			},
			want: counts{strict.Answered: 2, strict.Unprocessed: 2},
		},
		"GOAWAY in two steps": {
			serve: func(p *h2peer) {
				first, second := p.next(), p.next()
				_ = p.WriteGoAway(1<<31-1, http2.ErrCodeNo, nil)
				p.answer(first)
				_ = p.WriteGoAway(second, http2.ErrCodeNo, nil)
				p.answer(second)
				p.drain()
			},
			want: counts{strict.Answered: 4},
		},
		"GOAWAY while idle": {
			serve: func(p *h2peer) {
				p.answer(p.next())
				_ = p.WriteGoAway(1, http2.ErrCodeNo, nil)
			},
			load: strict.Load{Streams: 1, Pace: strict.Pace{Idle: 20 * time.Millisecond}},
			want: counts{strict.Answered: 4},
		},
		"GOAWAY and a broken promise": {
			serve: func(p *h2peer) {
				s := p.next()
				p.next()
				_ = p.WriteGoAway(s, http2.ErrCodeNo, nil)
			},
			want: counts{strict.Lost: 2, strict.Unprocessed: 2},
		},
		"refused streams": {
			serve: func(p *h2peer) {
				for s := p.next(); s != 0; s = p.next() {
					_ = p.WriteRSTStream(s, http2.ErrCodeRefusedStream)
				}
			},
			want: counts{strict.Unprocessed: 4},
		},
		"reset streams": {
			serve: func(p *h2peer) {
				for s := p.next(); s != 0; s = p.next() {
					_ = p.WriteRSTStream(s, http2.ErrCodeInternal)
				}
			},
			want: counts{strict.Lost: 4},
		},
		"ends before an answer": {
			serve: func(p *h2peer) { p.next(); p.next() },
			want:  counts{strict.Lost: 4},
		},
		"ends unannounced": {
			serve: func(p *h2peer) { p.answer(p.next()); p.next() },
			load:  strict.Load{Streams: 1},
			want:  counts{strict.Answered: 2, strict.Stale: 2},
		},
		"ends in an answer": {
			serve: func(p *h2peer) {
				s := p.next()
				p.head(s, "200", p.ids[s], false)
				p.head(p.next(), "200", "", false)
			},
			want: counts{strict.Truncated: 4},
		},
		"resets in an answer": {
			serve: func(p *h2peer) {
				for s := p.next(); s != 0; s = p.next() {
					p.head(s, "200", p.ids[s], false)
					_ = p.WriteRSTStream(s, http2.ErrCodeCancel)
				}
			},
			want: counts{strict.Truncated: 4},
		},
		"answers crossed": {
			serve: func(p *h2peer) {
				a, b := p.next(), p.next()
				p.ids[a], p.ids[b] = p.ids[b], p.ids[a]
				p.answer(a)
				p.answer(b)
				_ = p.WriteGoAway(b, http2.ErrCodeNo, nil)
				p.drain()
			},
			load: strict.Load{Limits: strict.Limits{Requests: 2}},
			want: counts{strict.Misdirected: 2},
		},
		"503": {
			serve: func(p *h2peer) {
				for s := p.next(); s != 0; s = p.next() {
					p.head(s, "503", p.ids[s], true)
				}
			},
			want: counts{strict.Shed: 4},
		},
		"other bytes": {
			serve: func(p *h2peer) {
				for s := p.next(); s != 0; s = p.next() {
					p.head(s, "200", p.ids[s], false)
					_ = p.WriteData(s, true, make([]byte, len(p.ids[s])))
				}
			},
			want: counts{strict.Wrong: 4},
		},
		"pushes": {
			serve: func(p *h2peer) {
				s := p.next()
				p.next()
				_ = p.WritePushPromise(http2.PushPromiseParam{StreamID: s, PromiseID: 2, EndHeaders: true})
				p.drain()
			},
			want: counts{strict.Wrong: 4},
		},
		"no HTTP/2": {
			serve: func(p *h2peer) { p.next(); p.next(); p.say("", "HTTP/1.1 400 Bad Request\r\n\r\n"); p.drain() },
			want:  counts{strict.Wrong: 4},
		},
		"hangs": {
			serve: (*h2peer).drain,
			load:  strict.Load{Limits: short},
			want:  counts{strict.Hung: 4},
		},
		"hangs with one stream only": {
			serve: func(p *h2peer) { p.answer(p.next()); p.next(); p.answer(p.next()); p.drain() },
			load:  strict.Load{Streams: 3, Limits: strict.Limits{Requests: 3, Timeout: 2 * time.Second}},
			want:  counts{strict.Answered: 2, strict.Hung: 1},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			load := test.load
			load.Mode, load.Conns = strict.HTTP2, 1
			load.Target.Addr = misbehave(t, "tcp", h2serve(test.serve, test.settings...))
			if load.Streams == 0 {
				load.Streams = 2
			}
			if load.Limits.Requests == 0 {
				load.Limits.Requests = 4
			}
			report := run(t, context.Background(), load)
			var want strict.Counts
			for o, n := range test.want {
				want[o] = n
			}
			if got := report.Total(); got != want {
				t.Errorf("got %v, want %v; %v", got, want, report.L0Strict())
			}
		})
	}
}
