package pages

import (
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// factsOf asks the kernel about a connection, which takes a microsecond.
func factsOf(c net.Conn) (f tcpFacts, known bool) {
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		return f, false
	}
	descriptor(tcp, func(fd int) {
		info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
		if err != nil {
			return
		}
		f = tcpFacts{
			state: int(info.State), rtt: time.Duration(info.Rtt) * time.Microsecond, retransmits: info.Total_retrans, unacked: info.Unacked,
			received: info.Bytes_received, sent: info.Bytes_sent - info.Bytes_retrans, quiet: time.Duration(info.Last_data_recv) * time.Millisecond,
		}
		if known = true; f.state == closeWait && f.received > 0 {
			f.received-- // the end of what the peer says counts as one
		}
		if queue, err := unix.IoctlGetInt(fd, unix.SIOCOUTQ); err == nil {
			f.queue = queue
		}
	})
	return f, known
}
