package support_test

import (
	"context"
	"net"
	"runtime"
	"testing"

	"github.com/support-go/support"
)

// BenchmarkPacket is one question and one answer after another over loopback, of a
// bare loop on a socket and of a group.
func BenchmarkPacket(b *testing.B) {
	b.Run("bare", func(b *testing.B) {
		conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			b.Fatal(err)
		}
		defer conn.Close()
		go func() {
			buffer := make([]byte, 65535)
			for {
				n, from, err := conn.ReadFromUDPAddrPort(buffer)
				if err != nil {
					return
				}
				_, _ = conn.WriteToUDPAddrPort(buffer[:n], from) // the benchmark would stand still
			}
		}()
		ask(b, conn.LocalAddr())
	})
	b.Run("group", func(b *testing.B) {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0)) // the group changes it
		group := support.New("bench")
		server := group.Packet("127.0.0.1:0", echo)
		ctx, stop := context.WithCancel(b.Context())
		ended := make(chan error, 1)
		go func() { ended <- group.Run(ctx) }()
		<-group.Ready()
		ask(b, server.Addr())
		stop()
		if err := <-ended; err != nil {
			b.Error(err)
		}
	})
}

func ask(b *testing.B, to net.Addr) {
	b.Helper()
	conn, err := net.Dial("udp", to.String())
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	question, answer := make([]byte, 64), make([]byte, 64)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := conn.Write(question); err != nil {
			b.Fatal(err)
		}
		if _, err := conn.Read(answer); err != nil {
			b.Fatal(err)
		}
	}
}
