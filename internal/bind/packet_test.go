//go:build unix

package bind_test

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/support-go/support/internal/bind"
)

func TestListenPacket(t *testing.T) {
	unixgram := bind.Socket{Network: "unixgram", Address: filepath.Join(t.TempDir(), "s"), Mode: 0o620}
	tests := map[string]bind.Socket{
		"udp":      {Network: "udp", Address: "127.0.0.1:0", Buffer: 4096},
		"udp, any": {Network: "udp", Address: ":0"},
		"udp4":     {Network: "udp4", Address: ":0"},
		"unixgram": unixgram,
	}
	for name, s := range tests {
		t.Run(name, func(t *testing.T) {
			if !s.Packet() {
				t.Errorf("%+v carries no datagrams", s)
			}
			if _, err := s.Listen(t.Context()); err == nil {
				t.Error("Listen has opened it")
			}
			conn, err := s.ListenPacket(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			fd, err := bind.Descriptor(conn)
			if err != nil {
				t.Fatal(err)
			}
			again, err := bind.PacketFromDescriptor(fd)
			if err != nil {
				t.Fatal(err)
			}
			defer again.Close()
			if got, want := again.LocalAddr().String(), conn.LocalAddr().String(); got != want {
				t.Errorf("the same socket has the addresses %s and %s", got, want)
			}
		})
	}
	if _, err := (bind.Socket{Network: "tcp", Address: "127.0.0.1:0"}).ListenPacket(t.Context()); err == nil {
		t.Error("ListenPacket has opened a socket for connections")
	}
}

// TestUnixgramFiles: the file of a dead server is replaced, and the place of a
// live one, of either kind, is not taken.
func TestUnixgramFiles(t *testing.T) {
	s := unixSocket(t)
	s.Network, s.Mode = "unixgram", 0o620
	open := func() (net.PacketConn, error) { return s.ListenPacket(t.Context()) }
	first, err := open()
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(s.Address); err != nil || info.Mode().Perm() != s.Mode {
		t.Errorf("got %v, %v; want %v", info, err, s.Mode)
	}
	if _, err := open(); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("a second one: %v", err)
	}
	_ = first.Close()
	second, err := open()
	if err != nil {
		t.Fatalf("over the file of a dead one: %v", err)
	}
	_ = second.Close()
	s.Remove()
	if _, err := os.Stat(s.Address); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("after Remove: %v", err)
	}
	stream := s
	stream.Network = "unix"
	defer listen(t, stream).Close()
	if _, err := open(); err == nil {
		t.Error("took the place of a server for connections")
	}
}
