package upstream

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// source is where the addresses of a tier come from.
type source struct {
	tier  *Tier
	fixed bool // literal addresses only: nothing to look up, ever

	mu      sync.Mutex
	pending chan struct{} // closed when the look-up that runs has ended; nil if none does
	due     instant       // when to look again
	known   bool          // at least one look-up has ended
	found   []found       // what it gave last
	err     error         // of the last look-up
	stamp   fileStamp     // of what was read last
	listed  []Address     // what the file or function gave last
}

// found is one address, looked up.
type found struct {
	place
	weight   int
	priority int
}

// fileStamp tells whether a file has changed.
type fileStamp struct {
	size int64
	mod  time.Time
}

func newSource(t *Tier) *source {
	s := &source{tier: t, fixed: t.SRV == "" && t.File == "" && t.Func == nil}
	for _, a := range t.Addresses {
		if p, ok := literal(a.Addr); ok {
			s.found = append(s.found, found{p, max(1, a.Weight), a.Priority})
		} else {
			s.fixed = false
		}
	}
	s.known = s.fixed
	return s
}

func (s *source) refresh() time.Duration {
	switch {
	case s.tier.Refresh > 0:
		return s.tier.Refresh
	case s.tier.File != "":
		return time.Second
	}
	return 10 * time.Second
}

// literal returns the place of an address that needs no look-up.
func literal(addr string) (place, bool) {
	if path, ok := strings.CutPrefix(addr, unixPrefix); ok {
		return place{network: "unix", addr: path, server: "localhost"}, true
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return place{}, false
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return place{}, false
	}
	return placeOf(ip.Unmap(), port, host)
}

func placeOf(ip netip.Addr, port, server string) (place, bool) {
	n, err := net.LookupPort("tcp", port)
	if err != nil {
		return place{}, false
	}
	return place{network: "tcp", addr: netip.AddrPortFrom(ip, uint16(n)).String(), server: server}, true
}

// lookUp finds the addresses of the tier. What cannot be looked up is left
// out, and in the error.
func (s *source) lookUp(ctx context.Context, m *Manager) ([]found, error) {
	addresses, err := s.list(ctx, m)
	problems := []error{err}
	var all []found
	for _, a := range slices.Concat(s.tier.Addresses, addresses) {
		some, err := expand(ctx, m, a)
		problems = append(problems, err)
		all = append(all, some...)
	}
	if len(all) > maxAddresses {
		problems = append(problems, fmt.Errorf("%d addresses; only the first %d are used", len(all), maxAddresses))
		all = all[:maxAddresses]
	}
	return all, errors.Join(problems...)
}

// maxAddresses bounds a tier, whatever DNS, a file or a function say.
const maxAddresses = 1000

// list returns what the records, file or function of the tier say. When they
// fail, it is what they said before, with the error.
func (s *source) list(ctx context.Context, m *Manager) ([]Address, error) {
	var addresses []Address
	var err error
	switch {
	case s.tier.SRV != "":
		addresses, err = fromSRV(ctx, m, s.tier.SRV)
		if err != nil {
			return nil, err // the cache has kept what is still good
		}
		return addresses, nil
	case s.tier.File != "":
		addresses, err = s.fromFile()
	case s.tier.Func != nil:
		addresses, err = s.fromFunc(ctx)
	default:
		return nil, nil
	}
	if err != nil {
		return s.listed, err
	}
	s.listed = addresses
	return addresses, nil
}

func fromSRV(ctx context.Context, m *Manager, name string) ([]Address, error) {
	records, err := m.Names.SRV(ctx, name)
	var addresses []Address
	for _, r := range records {
		host := strings.TrimSuffix(r.Target, ".")
		addresses = append(addresses, Address{
			Addr:     net.JoinHostPort(host, strconv.Itoa(int(r.Port))),
			Weight:   max(1, int(r.Weight)),
			Priority: int(r.Priority),
		})
	}
	return addresses, err
}

func (s *source) fromFunc(ctx context.Context) (addresses []Address, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic in Func: %v", v)
		}
	}()
	addresses, err = s.tier.Func(ctx)
	if err != nil {
		return nil, err
	}
	for _, a := range addresses {
		if err := a.check(); err != nil {
			return nil, err
		}
	}
	return addresses, nil
}

// fromFile reads the file if it has changed.
func (s *source) fromFile() ([]Address, error) {
	info, err := os.Stat(s.tier.File)
	if err != nil {
		return nil, err
	}
	stamp := fileStamp{info.Size(), info.ModTime()}
	if stamp == s.stamp && s.listed != nil {
		return s.listed, nil
	}
	if info.Size() > maxFile {
		return nil, fmt.Errorf("%s has %d bytes; at most %d are read", s.tier.File, info.Size(), maxFile)
	}
	text, err := os.ReadFile(s.tier.File)
	if err != nil {
		return nil, err
	}
	addresses, err := parseFile(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.tier.File, err)
	}
	s.stamp = stamp
	return addresses, nil
}

const maxFile = 1 << 20

// parseFile reads an address a line, with a weight behind it if it is not 1.
func parseFile(text string) ([]Address, error) {
	var addresses []Address
	lines := bufio.NewScanner(strings.NewReader(text))
	for n := 1; lines.Scan(); n++ {
		line, _, _ := strings.Cut(lines.Text(), "#")
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		a := Address{Addr: fields[0], Weight: 1}
		var err error
		if len(fields) == 2 {
			a.Weight, err = strconv.Atoi(fields[1])
		}
		if err != nil || len(fields) > 2 || a.Weight < 1 {
			return nil, fmt.Errorf("line %d: give an address and at most a weight of 1 or more", n)
		}
		if err := a.check(); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		addresses = append(addresses, a)
	}
	if len(addresses) == 0 {
		return nil, errors.New("no address in it")
	}
	return addresses, lines.Err()
}

// expand returns all places of an address.
func expand(ctx context.Context, m *Manager, a Address) ([]found, error) {
	weight := max(1, a.Weight)
	if p, ok := literal(a.Addr); ok {
		return []found{{p, weight, a.Priority}}, nil
	}
	host, port, err := net.SplitHostPort(a.Addr)
	if err != nil {
		return nil, err
	}
	ips, err := m.Names.Addrs(ctx, host)
	if err != nil {
		return nil, err
	}
	var all []found
	for _, ip := range ips {
		if p, ok := placeOf(ip, port, host); ok {
			all = append(all, found{p, weight, a.Priority})
		}
	}
	return all, nil
}
