//go:build unix

package packet_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"testing"
	"time"

	"github.com/support-go/support/internal/bind"
	"github.com/support-go/support/internal/packet"
)

func ExampleConn() {
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	conn := packet.New(socket)
	defer conn.Close()
	client, err := net.Dial("udp", conn.LocalAddr().String())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	fmt.Fprint(client, "ping")

	b := make([]byte, 1500)
	n, peer, err := conn.Read(b)
	fmt.Println(string(b[:n]), err)
	fmt.Println(conn.Write([]byte("pong"), &peer))
	n, err = client.Read(b)
	fmt.Println(string(b[:n]), err)
	conn.Stop()
	_, _, err = conn.Read(b)
	fmt.Println(errors.Is(err, net.ErrClosed))
	// Output:
	// ping <nil>
	// <nil>
	// pong <nil>
	// true
}

func ExamplePeer() {
	var nobody packet.Peer
	fmt.Println(nobody.Addr())
	// Output: <nil>
}

// patience is how long anything may take.
const patience = 20 * time.Second

// shared gives two ends of one socket, as two processes have them, and a client.
func shared(t *testing.T) (one, other *packet.Conn, client net.Conn) {
	t.Helper()
	first, err := bind.Socket{Network: "udp", Address: "127.0.0.1:0"}.ListenPacket(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	fd, err := bind.Descriptor(first)
	if err != nil {
		t.Fatal(err)
	}
	second, err := bind.PacketFromDescriptor(fd)
	if err != nil {
		t.Fatal(err)
	}
	client, err = net.Dial("udp", first.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	_ = client.SetDeadline(time.Now().Add(patience))
	t.Cleanup(func() { _, _, _ = first.Close(), second.Close(), client.Close() })
	return packet.New(first), packet.New(second), client
}

// TestStop: who stops reading leaves what waits to the other, and can answer
// what it has read.
func TestStop(t *testing.T) {
	one, other, client := shared(t)
	b := make([]byte, 100)
	fmt.Fprint(client, "first")
	n, peer, err := one.Read(b)
	if err != nil || string(b[:n]) != "first" {
		t.Fatalf("got %q, %v", b[:n], err)
	}
	blocked := make(chan error)
	go func() {
		_, _, err := one.Read(make([]byte, 100))
		blocked <- err
	}()
	one.Stop()
	if err := <-blocked; !errors.Is(err, net.ErrClosed) {
		t.Errorf("a read that waited ended with %v, want %v", err, net.ErrClosed)
	}
	fmt.Fprint(client, "second")
	if err := one.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Error(err)
	}
	if n, _, err := one.Read(b); !errors.Is(err, net.ErrClosed) {
		t.Errorf("after Stop it has read %q, %v", b[:n], err)
	}
	if n, _, err := other.Read(b); err != nil || string(b[:n]) != "second" {
		t.Errorf("the other has read %q, %v; want the second", b[:n], err)
	}
	if err := one.Write([]byte("answer"), &peer); err != nil {
		t.Error(err)
	}
	if n, err := client.Read(b); err != nil || string(b[:n]) != "answer" {
		t.Errorf("the client has %q, %v", b[:n], err)
	}
}

// TestSettle returns when all has been read, or there is no time left.
func TestSettle(t *testing.T) {
	one, other, client := shared(t)
	fmt.Fprint(client, "waits")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := one.Settle(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("while a datagram waits: %v, want %v", err, context.Canceled)
	}
	settled := make(chan error)
	go func() { settled <- one.Settle(t.Context()) }()
	if _, _, err := other.Read(make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
	if err := <-settled; err != nil {
		t.Error(err)
	}
}

// TestDrops: each end of a socket knows of all that the kernel has dropped.
func TestDrops(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("not known here")
	}
	one, other, client := shared(t)
	const sent = 20_000
	for range sent {
		fmt.Fprint(client, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx")
	}
	dropped, known := one.Drops()
	again, _ := other.Drops()
	read := uint32(0)
	for waiting := true; waiting; {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if waiting = one.Settle(ctx) != nil; waiting {
			if _, _, err := one.Read(make([]byte, 100)); err != nil {
				t.Fatal(err)
			}
			read++
		}
	}
	if !known || dropped == 0 || again != dropped || read+dropped != sent {
		t.Errorf("%d dropped, and %d, known: %v; %d read of %d", dropped, again, known, read, sent)
	}
	_ = one.Close()
	if _, known := one.Drops(); known {
		t.Error("a closed one knows")
	}
}
