package upstream

import (
	"sync"
	"sync/atomic"
	"time"
	"unicode"
)

// Exchange is a loan during which something was sent or received, or one HTTP
// request that was answered: of that, only the body that was read counts as
// received, and nothing as sent.
type Exchange struct {
	Time     time.Time     `json:"time"` // of the last answer, or of the end
	Sent     int64         `json:"sent_bytes"`
	Received int64         `json:"received_bytes"`
	Answers  int64         `json:"answers"`
	Took     time.Duration `json:"took"` // until the last answer began
	Error    string        `json:"error,omitempty"`

	// What Traffic.Payload keeps, masked, for a minute.
	Request  []byte `json:"request,omitempty"`
	Response []byte `json:"response,omitempty"`
}

const (
	maxPayload  = 4096    // of each direction of an exchange
	maxPayloads = 8 << 20 // of all, in this process
	payloadLife = time.Minute
)

// exchangeOf describes the loan of s that has just ended.
func exchangeOf(s *socket, now seen) Exchange {
	c := s.e.clock()
	x := Exchange{
		Time: c.time(instant(s.answered.Load())), Took: time.Duration(s.took.Load()), Answers: now.answers - s.seen.answers,
		Sent: now.written - s.seen.written, Received: now.read - s.seen.read, Error: s.reasonText(),
	}
	if x.Answers == 0 {
		x.Time, x.Took = c.time(c.about()), 0
	}
	if s.payload != nil {
		x.Request, x.Response = s.payload.take(s.e)
	}
	return x
}

// payload keeps the beginnings of what is sent and received during a loan.
type payload struct {
	most int

	mu             sync.Mutex
	sent, received []byte
}

func (p *payload) add(to *[]byte, b []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	*to = append(*to, b[:min(len(b), p.most-len(*to))]...)
}

// take returns what was kept, masked, if there is room for it.
func (p *payload) take(e *endpoint) (sent, received []byte) {
	p.mu.Lock()
	sent, received = p.sent, p.received
	p.sent, p.received = nil, nil
	p.mu.Unlock()
	held := &e.svc.m.held
	n := int64(len(sent) + len(received))
	if held.Add(n) > maxPayloads {
		held.Add(-n)
		return nil, nil
	}
	mask := e.svc.conf.Traffic.Mask
	sent, received = mask(sent), mask(received)
	held.Add(int64(len(sent)+len(received)) - n)
	return sent, received
}

// keepLocked keeps an exchange among the recent ones.
func (e *endpoint) keepLocked(x Exchange) {
	if e.payloads() && len(e.recent.kept) == e.recent.size {
		forgetPayload(&e.recent.kept[e.recent.next], &e.svc.m.held)
	}
	e.recent.add(x)
}

func (e *endpoint) payloads() bool { return e.svc.conf.Traffic.Payload > 0 }

// forgetPayloadsLocked drops payloads that are old, or all of a retired address.
func (e *endpoint) forgetPayloadsLocked(now instant) {
	oldest := e.clock().time(now).Add(-payloadLife)
	for i := range e.recent.kept {
		if x := &e.recent.kept[i]; x.Time.Before(oldest) || e.retired {
			forgetPayload(x, &e.svc.m.held)
		}
	}
}

func forgetPayload(x *Exchange, held *atomic.Int64) {
	held.Add(-int64(len(x.Request) + len(x.Response)))
	x.Request, x.Response = nil, nil
}

// maskAll leaves the form of a message and nothing of its content.
func maskAll(b []byte) []byte {
	for i, c := range b {
		switch r := rune(c); {
		case '0' <= c && c <= '9':
			b[i] = '0'
		case c >= 0x80 || unicode.IsLetter(r):
			b[i] = 'x'
		}
	}
	return b
}
