package requests

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"
)

// conn is a connection that the Recorder has been told of.
type conn struct {
	conn   net.Conn
	since  time.Time
	peer   string // without the port
	used   atomic.Bool
	cancel context.CancelCauseFunc
}

type connKey struct{ recorder *Recorder }

// connOf is the connection of r, or nil.
func (rec *Recorder) connOf(r *http.Request) *conn {
	c, _ := r.Context().Value(connKey{rec}).(*conn)
	return c
}

// ConnContext prepares the context of a connection, as http.Server.ConnContext.
// Hook sees to it; it is for servers that have a ConnContext of their own. They
// must have their ConnState call that of the Recorder too, which ends the context
// with its connection.
func (rec *Recorder) ConnContext(ctx context.Context, c net.Conn) context.Context {
	if !rec.hooked.Load() {
		rec.hooked.Store(true)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	rec.conns.add(c, cancel)
	known := &conn{conn: c, since: time.Now(), cancel: cancel}
	if addr := c.RemoteAddr(); addr != nil {
		known.peer = host(addr.String())
	}
	if len(rec.config.Proxies) == 0 {
		rec.clients.Add(known.peer)
	}
	return context.WithValue(ctx, connKey{rec}, known)
}

// clientOf is the address that r comes from: of the peer, or, if that is a
// trusted proxy, what it says.
func (rec *Recorder) clientOf(r *http.Request) string {
	if len(rec.config.Proxies) > 0 {
		if a, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
			return clientName(forwarded(a.Addr(), r.Header["X-Forwarded-For"], rec.config.Proxies))
		}
	}
	if c := rec.connOf(r); c != nil {
		return c.peer
	}
	return host(r.RemoteAddr)
}

// host is what identifies a client in an address with a port. A unix socket has
// no address: all its clients are "local".
func host(address string) string {
	if strings.HasPrefix(address, "[") {
		if a, err := netip.ParseAddrPort(address); err == nil {
			return clientName(a.Addr())
		}
	}
	if i := strings.LastIndexByte(address, ':'); i > 0 {
		return address[:i]
	}
	return "local"
}

// clientName is what an address counts as. Who has one address of IPv6 has the
// other 2^64 of its network as well.
func clientName(a netip.Addr) string {
	if a = a.Unmap().WithZone(""); a.Is4() {
		return a.String()
	}
	if network, err := a.Prefix(64); err == nil {
		return network.String()
	}
	return "unknown"
}

// maxHops bounds how far back forwarded looks.
const maxHops = 32

// forwarded is the nearest address on the way of a request that is no trusted
// proxy: peer, or what is said in X-Forwarded-For, to which each proxy appends
// the address that it was called from. What cannot be read ends the search.
func forwarded(peer netip.Addr, headers []string, proxies []netip.Prefix) netip.Addr {
	hop := peer.Unmap().WithZone("")
	n := 0
	for i := len(headers) - 1; i >= 0; i-- {
		for rest, more := headers[i], true; more; {
			if n++; n > maxHops || !trusted(hop, proxies) {
				return hop
			}
			before, last, found := cutLastByte(rest, ',')
			if !found {
				last = before
			}
			rest, more = before, found
			a, err := parseHop(last)
			if err != nil {
				return hop
			}
			hop = a
		}
	}
	return hop
}

// parseHop reads an address, with or without a port.
func parseHop(s string) (netip.Addr, error) {
	s = strings.TrimSpace(s)
	a, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(s, "["), "]"))
	if err != nil {
		var ap netip.AddrPort
		ap, err = netip.ParseAddrPort(s)
		a = ap.Addr()
	}
	return a.Unmap().WithZone(""), err
}

func trusted(a netip.Addr, proxies []netip.Prefix) bool {
	for _, p := range proxies {
		if p.Contains(a) {
			return true
		}
	}
	return false
}
