package packet

import (
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

// answerFrom turns the control message of a datagram that has come into that of
// its answer, and returns its length: 0 lets the system choose the address.
//
// The answer goes out by whichever interface leads to the peer; only addresses
// that mean nothing without one keep theirs.
func answerFrom(control []byte) int {
	if len(control) < unix.CmsgLen(0) { // which the parser takes for granted
		return 0
	}
	header, data, rest, err := unix.ParseOneSocketControlMessage(control)
	if err != nil {
		return 0
	}
	switch {
	case header.Level == unix.IPPROTO_IP && header.Type == unix.IP_PKTINFO && len(data) >= unix.SizeofInet4Pktinfo:
		clear(data[:4]) // interface; then comes the address for answers
	case header.Level == unix.IPPROTO_IPV6 && header.Type == unix.IPV6_PKTINFO && len(data) >= unix.SizeofInet6Pktinfo:
		to := netip.AddrFrom16([16]byte(data))
		if to.IsMulticast() || to.Unmap().IsMulticast() || to.Unmap() == broadcast() {
			return 0
		}
		if !to.IsLinkLocalUnicast() {
			clear(data[16:20])
		}
	default:
		return 0
	}
	return len(control) - len(rest)
}

func broadcast() netip.Addr { return netip.AddrFrom4([4]byte{255, 255, 255, 255}) }

// The answer to SO_MEMINFO is this many numbers, of which one counts drops.
const (
	memInfoNumbers = 9
	memInfoDrops   = 8
)

func drops(fd uintptr) (n uint32, known bool) {
	var numbers [memInfoNumbers]uint32
	size := uint32(unsafe.Sizeof(numbers))
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, fd, unix.SOL_SOCKET, unix.SO_MEMINFO,
		uintptr(unsafe.Pointer(&numbers)), uintptr(unsafe.Pointer(&size)), 0)
	return numbers[memInfoDrops], errno == 0 && size == uint32(unsafe.Sizeof(numbers))
}
