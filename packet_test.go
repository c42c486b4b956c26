package support_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/support-go/support"
)

// echo answers a datagram with itself, and does what some of them say.
func echo(_ context.Context, p *support.Packet) error {
	switch string(p.Data) {
	case "panic":
		panic("as told")
	case "fail":
		return errors.New("failed as told")
	case "silence":
		return nil
	}
	return p.Reply(p.Data)
}

// correspondent is a client that sends datagrams and reads those that come back
// from where it sends them, and from nowhere else.
type correspondent struct {
	net.Conn
	t *testing.T
}

func correspond(t *testing.T, to net.Addr) *correspondent {
	t.Helper()
	var conn net.Conn
	var err error
	if to.Network() == "unixgram" {
		own := &net.UnixAddr{Name: filepath.Join(shortDir(t), "client"), Net: "unixgram"}
		conn, err = net.DialUnix("unixgram", own, to.(*net.UnixAddr))
	} else {
		conn, err = net.Dial("udp", to.String())
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return &correspondent{conn, t}
}

func (c *correspondent) send(text string) {
	c.t.Helper()
	if _, err := c.Write([]byte(text)); err != nil {
		c.t.Fatal(err)
	}
}

// hears wants a datagram.
func (c *correspondent) hears(want string) {
	c.t.Helper()
	got := make([]byte, 1<<16)
	n, err := c.Read(got)
	if err != nil || string(got[:n]) != want {
		c.t.Fatalf("got %.100q, %v; want %.100q", got[:n], err, want)
	}
}

// counted is what the group counts of its datagrams.
func counted(g *support.Group, s *support.Server, what string) int64 {
	return g.Stats.Counter("packet."+what, "server", s.Name).Value()
}

func TestPacket(t *testing.T) {
	tests := map[string]func(t *testing.T) string{
		"udp":      func(*testing.T) string { return "127.0.0.1:0" },
		"udp, v6":  func(*testing.T) string { return "[::1]:0" },
		"unixgram": func(t *testing.T) string { return "unix:" + filepath.Join(shortDir(t), "s") },
	}
	for name, address := range tests {
		t.Run(name, func(t *testing.T) {
			group := support.New("echo")
			server := group.Packet(address(t), echo)
			server.Name, server.Packets.Size = "echo", 1000
			r := start(t, group)
			c := correspond(t, server.Addr())
			long := strings.Repeat("x", 1000)
			c.send("fail")
			c.send("panic")
			c.send(long + "x") // dropped
			for _, text := range []string{"one", "", long} {
				c.send(text)
				c.hears(text)
			}
			r.logs.has(t, "level=WARN", "datagrams failed", "as told")
			want := map[string]int64{"received": 6, "replied": 3, "failed": 2, "panics": 1, "too_long": 1}
			for what, n := range want {
				eventually(t, fmt.Sprintf("%s is %d, want %d", what, counted(group, server, what), n), func() bool {
					return counted(group, server, what) == n
				})
			}
			r.stop()
			r.endsWell()
			if path, isFile := strings.CutPrefix(server.Listen, "unix:"); isFile {
				if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
					t.Errorf("the file is still there: %v", err)
				}
			}
		})
	}
}

// TestPacketFromAnyAddress sends to several addresses of a machine at which one
// socket listens. The answer has to come from the same one.
func TestPacketFromAnyAddress(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("elsewhere the system chooses the address of the answer")
	}
	tests := map[string]struct {
		listen string
		to     []string
	}{
		"any":      {":0", []string{"127.0.0.1", "127.0.0.2", "::1"}},
		"any IPv4": {"0.0.0.0:0", []string{"127.0.0.1", "127.0.0.2"}},
		"any IPv6": {"[::]:0", []string{"127.0.0.3", "::1"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			group := support.New("anywhere")
			server := group.Packet(test.listen, echo)
			r := start(t, group)
			for _, ip := range test.to {
				c := correspond(t, &net.UDPAddr{IP: net.ParseIP(ip), Port: server.Addr().(*net.UDPAddr).Port})
				c.send("from " + ip)
				c.hears("from " + ip)
			}
			r.stop()
			r.endsQuietly()
		})
	}
}

// TestPacketFlood: no more handlers run than may, the kernel holds what it can,
// and what it drops is counted.
func TestPacketFlood(t *testing.T) {
	const sent, handlers = 2000, 3
	group := support.New("flooded")
	gate := make(chan struct{})
	var running, most, handled atomic.Int64
	server := group.Packet("127.0.0.1:0", func(context.Context, *support.Packet) error {
		n := running.Add(1)
		defer running.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		<-gate
		handled.Add(1)
		return nil
	})
	server.Name, server.Packets = "flooded", support.Packets{Handlers: handlers, Buffer: 64 << 10}
	r := start(t, group)
	c := correspond(t, server.Addr())
	for range sent {
		c.send("xxxxxxxxxxxxxxxx")
	}
	eventually(t, "not all handlers are busy", func() bool { return running.Load() == handlers })
	if runtime.GOOS == "linux" {
		eventually(t, "the kernel's drops are not counted", func() bool {
			return group.Stats.Peak("packet.kernel_drops", "server", "flooded").Value() > 0
		})
	}
	close(gate)
	r.stop() // what waits is handled
	r.endsWell()
	dropped := int64(group.Stats.Peak("packet.kernel_drops", "server", "flooded").Value())
	if runtime.GOOS == "linux" && handled.Load()+dropped != sent {
		t.Errorf("%d handled and %d dropped of %d", handled.Load(), dropped, sent)
	}
	if most.Load() != handlers || counted(group, server, "full") == 0 {
		t.Errorf("%d handlers ran at once, want %d; waited %d times", most.Load(), handlers, counted(group, server, "full"))
	}
}

// TestPacketDrain: a handler that has begun answers, after the stop too. One that
// does not come to an end has its context ended with the grace time.
func TestPacketDrain(t *testing.T) {
	group := support.New("draining")
	group.Drain.Grace = time.Second
	stopping := make(chan struct{})
	causes := make(chan error, 1)
	server := group.Packet("127.0.0.1:0", func(ctx context.Context, p *support.Packet) error {
		if string(p.Data) == "forever" {
			<-ctx.Done()
			causes <- p.Reply(nil)
			return nil
		}
		close(stopping)
		<-support.Draining(ctx)
		return p.Reply([]byte(support.From(ctx).Name))
	})
	r := start(t, group)
	c := correspond(t, server.Addr())
	c.send("forever")
	c.send("question")
	receive(t, "datagram", stopping)
	r.stop()
	c.hears("draining")
	if err := receive(t, "end of the grace time", causes); !errors.Is(err, net.ErrClosed) {
		t.Errorf("a reply after the grace time: %v, want %v", err, net.ErrClosed)
	}
	r.endsWell()
	r.logs.has(t, "no time left for datagrams", "handlers=1")
}

// TestServePacket has a server of somebody else's: it learns of the drain from
// its context, and answers what it has read.
func TestServePacket(t *testing.T) {
	tests := map[string]bool{ // whether it heeds its context
		"heeds its context": true,
		"reads on":          false,
	}
	for name, heeds := range tests {
		t.Run(name, func(t *testing.T) {
			group := support.New("custom")
			asked := make(chan struct{})
			server := group.Add(&support.Server{Listen: "127.0.0.1:0", ServePacket: func(ctx context.Context, conn net.PacketConn) error {
				buffer := make([]byte, 100)
				n, from, err := conn.ReadFrom(buffer)
				if err != nil {
					return err
				}
				close(asked)
				if heeds {
					<-ctx.Done()
				}
				for range 2 {
					if heeds {
						break
					}
					if _, _, err := conn.ReadFrom(buffer[n:]); !errors.Is(err, net.ErrClosed) {
						t.Errorf("reading on: %v, want %v", err, net.ErrClosed)
					}
					_ = conn.SetReadDeadline(time.Now().Add(patience)) // brings nothing back
				}
				_, err = conn.WriteTo(buffer[:n], from)
				return err
			}})
			r := start(t, group)
			c := correspond(t, server.Addr())
			c.send("late answer")
			receive(t, "datagram", asked)
			r.stop()
			c.hears("late answer")
			r.endsQuietly()
		})
	}
}

// TestPacketPeerThatDoesNotRead: nobody waits for a client on a unix socket.
func TestPacketPeerThatDoesNotRead(t *testing.T) {
	group := support.New("patient")
	errs := make(chan error, 1000)
	server := group.Packet("unix:"+filepath.Join(shortDir(t), "s"), func(_ context.Context, p *support.Packet) error {
		if p.From() == nil {
			errs <- p.Reply(p.Data)
			return nil
		}
		var err error
		for i := 0; i < 1000 && err == nil; i++ {
			err = p.Reply(p.Data)
		}
		errs <- err
		return err
	})
	r := start(t, group)
	c := correspond(t, server.Addr())
	c.send("x")
	if err := receive(t, "error", errs); err == nil || !strings.Contains(err.Error(), "does not read") {
		t.Errorf("answers to somebody who does not read: %v", err)
	}
	anonymous, err := net.Dial("unixgram", server.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer anonymous.Close()
	if _, err := anonymous.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if err := receive(t, "error", errs); err == nil || !strings.Contains(err.Error(), "no address") {
		t.Errorf("answer to somebody without an address: %v", err)
	}
	r.stop()
	r.endsWell()
}

// TestPacketLateReply: who has kept a datagram does not answer somebody else.
func TestPacketLateReply(t *testing.T) {
	group := support.New("late")
	kept := make(chan *support.Packet, 1)
	server := group.Packet("127.0.0.1:0", func(_ context.Context, p *support.Packet) error {
		if string(p.Data) == "keep" {
			kept <- p
			return nil
		}
		return p.Reply(p.Data)
	})
	r := start(t, group)
	first, second := correspond(t, server.Addr()), correspond(t, server.Addr())
	first.send("keep")
	p := receive(t, "datagram", kept)
	second.send("x")
	second.hears("x")
	eventually(t, "a late reply is sent", func() bool {
		err := p.Reply([]byte("late"))
		return err != nil && strings.Contains(err.Error(), "after the handler has returned")
	})
	r.stop()
	r.endsQuietly()
}

// TestPacketConfiguration: what cannot be is refused, and TCP and UDP may have
// the same port.
func TestPacketConfiguration(t *testing.T) {
	group := support.New("wrong")
	group.Packet("127.0.0.1:53", echo)
	group.Packet("127.0.0.1:53", echo).Name = "again"
	group.Packet("127.0.0.1:0", echo).Packets = support.Packets{Handlers: -1, Size: 1 << 30}
	group.Add(&support.Server{Listen: "127.0.0.1:54", Packet: echo, Stream: converse})
	wantError(t, group.Run(t.Context()), "two servers listen on 127.0.0.1:53", "Packets.Handlers is -1", "Packets.Size is 1073741824", "2 of Handler, Stream")

	both := support.New("both")
	stream := both.Stream(freeAddress(t), converse)
	datagrams := both.Packet(stream.Listen, echo)
	r := start(t, both)
	d := correspond(t, datagrams.Addr())
	d.send("by datagram")
	d.hears("by datagram")
	s := dial(t, stream.Addr())
	s.send("by stream\n")
	s.says("by stream\n")
	_ = s.Close()
	r.stop()
	r.endsQuietly()
}

// freeAddress is one whose port is free, for TCP and for UDP.
func freeAddress(t *testing.T) string {
	t.Helper()
	ln := listen(t, "tcp", "127.0.0.1:0")
	defer ln.Close()
	return ln.Addr().String()
}

// pounding is clients that ask one question after another, each from a socket of
// its own, and count those that are not answered.
type pounding struct {
	stop              chan struct{}
	clients           sync.WaitGroup
	asked, unanswered atomic.Int64
}

func pound(t *testing.T, to net.Addr, clients int) *pounding {
	t.Helper()
	p := &pounding{stop: make(chan struct{})}
	for range clients {
		conn, err := net.Dial("udp", to.String())
		if err != nil {
			t.Fatal(err)
		}
		p.clients.Go(func() {
			defer conn.Close()
			buffer := make([]byte, 100)
			for i := 0; ; i++ {
				select {
				case <-p.stop:
					return
				default:
				}
				question := fmt.Sprint(i)
				p.asked.Add(1)
				if _, err := conn.Write([]byte(question)); err != nil {
					p.unanswered.Add(1)
					continue
				}
				_ = conn.SetReadDeadline(time.Now().Add(patience)) // the socket is open
				if n, err := conn.Read(buffer); err != nil || string(buffer[:n]) != question {
					p.unanswered.Add(1)
				}
			}
		})
	}
	return p
}

func (p *pounding) end() (asked, unanswered int64) {
	close(p.stop)
	p.clients.Wait()
	return p.asked.Load(), p.unanswered.Load()
}
