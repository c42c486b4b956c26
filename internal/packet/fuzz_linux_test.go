package packet_test

import (
	"bytes"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/support-go/support/internal/packet"
)

// FuzzAnswerFrom: whatever comes with a datagram, the answer has nothing longer,
// and a second look changes nothing.
func FuzzAnswerFrom(f *testing.F) {
	for _, of := range [][]byte{
		unix.PktInfo4(&unix.Inet4Pktinfo{Ifindex: 3, Spec_dst: [4]byte{127, 0, 0, 2}, Addr: [4]byte{127, 0, 0, 2}}),
		unix.PktInfo6(&unix.Inet6Pktinfo{Ifindex: 3, Addr: [16]byte{15: 1}}),
		unix.PktInfo6(&unix.Inet6Pktinfo{Ifindex: 3, Addr: [16]byte{0: 0xfe, 1: 0x80, 15: 1}}),
		unix.PktInfo6(&unix.Inet6Pktinfo{Ifindex: 3, Addr: [16]byte{0: 0xff, 1: 2, 15: 1}}),
		{}, {1}, bytes.Repeat([]byte{0xff}, 64),
	} {
		f.Add(of)
	}
	f.Fuzz(func(t *testing.T, way []byte) {
		n := packet.AnswerFrom(way)
		if n < 0 || n > len(way) {
			t.Fatalf("%d bytes of %d", n, len(way))
		}
		once := bytes.Clone(way[:n])
		if again := packet.AnswerFrom(way[:n]); again != n || !bytes.Equal(once, way[:n]) {
			t.Errorf("%x becomes %x of %d bytes", once, way[:n], again)
		}
	})
}
