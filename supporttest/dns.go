package supporttest

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// DNS is a name server that answers as it is told to, on a real socket. It
// stops when the test ends.
type DNS struct {
	answer atomic.Pointer[func(name string) DNSAnswer]
	asked  atomic.Int64
	ln     net.Listener
	wait   sync.WaitGroup

	mu    sync.Mutex
	conns map[net.Conn]struct{}
}

// DNSAnswer is what DNS says of a name. The zero DNSAnswer is that there is no
// such name.
type DNSAnswer struct {
	Addrs  []netip.Addr
	SRV    []net.SRV
	Empty  bool // there is such a name, without records
	Fail   bool // the server has failed
	Silent bool // no answer at all
}

// NewDNS starts a name server.
func NewDNS(t testing.TB, answer func(name string) DNSAnswer) *DNS {
	t.Helper()
	var lc net.ListenConfig
	ln, err := lc.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d := &DNS{ln: ln, conns: make(map[net.Conn]struct{})}
	d.Answer(answer)
	d.wait.Go(d.serve)
	t.Cleanup(d.stop)
	return d
}

// Answer changes what is answered from now on. The name comes without the dot
// at its end.
func (d *DNS) Answer(answer func(name string) DNSAnswer) { d.answer.Store(&answer) }

// Asked returns how many questions there have been.
func (d *DNS) Asked() int { return int(d.asked.Load()) }

// Resolver returns a resolver that asks this server, whatever the system says.
func (d *DNS) Resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var dialer net.Dialer // the resolver speaks the TCP form over what is no packet connection
		return dialer.DialContext(ctx, "tcp", d.ln.Addr().String())
	}}
}

func (d *DNS) stop() {
	_ = d.ln.Close()
	d.mu.Lock()
	for c := range d.conns {
		_ = c.Close()
	}
	d.mu.Unlock()
	d.wait.Wait()
}

func (d *DNS) serve() {
	for {
		c, err := d.ln.Accept()
		if err != nil {
			return
		}
		d.mu.Lock()
		d.conns[c] = struct{}{}
		d.mu.Unlock()
		d.wait.Go(func() {
			d.one(c)
			d.mu.Lock()
			delete(d.conns, c)
			d.mu.Unlock()
			_ = c.Close()
		})
	}
}

// one answers the questions on a connection, each with its length in front.
func (d *DNS) one(c net.Conn) {
	for {
		var length [2]byte
		if _, err := io.ReadFull(c, length[:]); err != nil {
			return
		}
		question := make([]byte, binary.BigEndian.Uint16(length[:]))
		if _, err := io.ReadFull(c, question); err != nil {
			return
		}
		d.asked.Add(1)
		answer, err := d.reply(question)
		if err != nil {
			return
		}
		if answer == nil {
			continue
		}
		if _, err := c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(answer))), answer...)); err != nil {
			return
		}
	}
}

// reply returns the answer to a question, or nil for none.
func (d *DNS) reply(question []byte) ([]byte, error) {
	var p dnsmessage.Parser
	header, err := p.Start(question)
	if err != nil {
		return nil, err
	}
	q, err := p.Question()
	if err != nil {
		return nil, err
	}
	name := q.Name.String()
	a := (*d.answer.Load())(name[:len(name)-1])
	if a.Silent {
		return nil, nil
	}
	header.Response, header.RecursionAvailable = true, true
	switch {
	case a.Fail:
		header.RCode = dnsmessage.RCodeServerFailure
	case len(a.Addrs)+len(a.SRV) == 0 && !a.Empty:
		header.RCode = dnsmessage.RCodeNameError
	}
	b := dnsmessage.NewBuilder(nil, header)
	b.EnableCompression()
	if err := b.StartQuestions(); err != nil {
		return nil, err
	}
	if err := b.Question(q); err != nil {
		return nil, err
	}
	if err := b.StartAnswers(); err != nil {
		return nil, err
	}
	return answers(&b, q, a)
}

// answers adds the records that a question is about.
func answers(b *dnsmessage.Builder, q dnsmessage.Question, a DNSAnswer) ([]byte, error) {
	head := dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class, TTL: 1}
	var err error
	for _, ip := range a.Addrs {
		switch {
		case q.Type == dnsmessage.TypeA && ip.Is4() && err == nil:
			err = b.AResource(head, dnsmessage.AResource{A: ip.As4()})
		case q.Type == dnsmessage.TypeAAAA && ip.Is6() && err == nil:
			err = b.AAAAResource(head, dnsmessage.AAAAResource{AAAA: ip.As16()})
		}
	}
	for _, s := range a.SRV {
		if q.Type != dnsmessage.TypeSRV || err != nil {
			continue
		}
		var target dnsmessage.Name
		if target, err = dnsmessage.NewName(s.Target); err == nil {
			err = b.SRVResource(head, dnsmessage.SRVResource{Priority: s.Priority, Weight: s.Weight, Port: s.Port, Target: target})
		}
	}
	if err != nil {
		return nil, err
	}
	return b.Finish()
}
