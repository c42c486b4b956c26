package bind

import (
	"net"
	"net/netip"
	"path/filepath"
	"strings"
)

// Collides says whether s and other cannot both be open, as far as that can be
// told without asking a name server. Port 0 never collides, and what is
// malformed is Check's to find.
func (s Socket) Collides(other Socket) bool {
	if s.family() != other.family() {
		return false
	}
	switch s.family() {
	case "unix":
		return s.Address != "" && filepath.Clean(s.Address) == filepath.Clean(other.Address)
	case "fd":
		return s.Address == other.Address
	}
	host, port := endpoint(s.Address)
	otherHost, otherPort := endpoint(other.Address)
	return port > 0 && port == otherPort && (covers(host, otherHost) || covers(otherHost, host))
}

// family is what has addresses of its own: a path is the same for both kinds of
// unix sockets, and a port is one of TCP or of UDP.
func (s Socket) family() string {
	for _, family := range []string{"unix", "fd", "tcp", "udp"} {
		if strings.HasPrefix(s.Network, family) {
			return family
		}
	}
	return s.Network
}

// endpoint splits an address into its host and the number of its port, 0 if
// there is none.
func endpoint(address string) (host string, port int) {
	host, service, err := net.SplitHostPort(address)
	if err != nil {
		return "", 0
	}
	port, err = net.LookupPort("tcp", service)
	if err != nil {
		return "", 0
	}
	return host, port
}

// covers says whether a socket on host a gets what is meant for host b.
func covers(a, b string) bool {
	if a == b || a == "" || a == "::" {
		return true
	}
	ip, err := netip.ParseAddr(a)
	if err != nil {
		return false
	}
	other, err := netip.ParseAddr(b)
	if err != nil {
		return false
	}
	ip, other = ip.Unmap(), other.Unmap()
	return ip == other || ip.Is4() && ip.IsUnspecified() && other.Is4()
}
