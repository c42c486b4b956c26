package strict

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"
)

// maxFrame is the largest HTTP/2 frame that may be sent without a setting.
const maxFrame = 16384

// Mode is the way in which a Load uses connections.
type Mode uint8

// The modes.
const (
	Fresh Mode = iota // HTTP/1.1, a connection for each request, announced with Connection: close
	Kept              // HTTP/1.1, connections used until the server announces their end
	HTTP2             // HTTP/2 with concurrent streams; prior knowledge without TLS
)

// String returns the mode's name in lower case.
func (m Mode) String() string {
	switch m {
	case Fresh:
		return "fresh"
	case Kept:
		return "kept"
	case HTTP2:
		return "h2"
	}
	return fmt.Sprintf("mode(%d)", uint8(m))
}

// Check says how closely an answer is looked at.
type Check uint8

// The checks.
const (
	CheckAll  Check = iota // id and bytes, as the contract says
	CheckID                // the id in the header; any body that is complete
	CheckNone              // any answer that is complete; Misdirected cannot be seen
)

// Load is one kind of client, many times over. Zero fields but the address
// take defaults.
type Load struct {
	Name    string // in the report; default from Mode and TLS, such as "kept" or "h2+tls"
	Target  Target // who is asked
	Mode    Mode   // default Fresh
	Conns   int    // connections at once; default 8, at most 65,536 in a Trial
	Streams int    // of HTTP2, at once on a connection; default 8
	Pace    Pace   // default: as fast as answers come
	Ask     Ask    // what is asked
	Limits  Limits // how long and how much
}

// Target is the server under test.
type Target struct {
	Network string      // "tcp" (default) or "unix"
	Addr    string      // host:port or path; required
	TLS     *tls.Config // nil: no TLS. Never changed; ALPN is set by the Mode
}

// Pace says when requests are due. The zero value is a closed loop: each
// follows the answer before. At most one of the fields may be set.
type Pace struct {
	// Rate is requests per second of the whole Load, evenly over its
	// connections, due whether or not earlier ones were answered in time. The
	// latency counts from then; a timer adds up to 1 ms where the client idles.
	Rate float64
	// Idle is the mean pause of a connection (a stream, in HTTP2) after each
	// answer; pauses lie evenly between half and one and a half of it.
	Idle time.Duration
}

// Ask is the request. The zero value is GET / with the smallest answer.
type Ask struct {
	Path  string        // default "/"; may hold a query
	Size  int           // bytes of the answer; 0: the id once
	Delay time.Duration // how long the server holds the answer back
	Post  int           // bytes of the body of a POST; 0: GET. In HTTP2 at most 16,384 (one frame)
	Check Check         // default CheckAll
	Sort  string        // a header field of answers whose values Tally.Sorted tells apart; "": none. Not in HTTP2
}

// Limits bound a Load.
type Limits struct {
	Timeout  time.Duration // after it a request is Hung; default 5s
	Requests int64         // of the whole Load; 0: until the Trial's context ends
}

// withDefaults returns the load with its zero fields filled in, or every
// problem it has.
func (l Load) withDefaults() (Load, error) {
	if l.Target.Network == "" {
		l.Target.Network = "tcp"
	}
	if l.Conns == 0 {
		l.Conns = 8
	}
	if l.Streams == 0 {
		l.Streams = 8
	}
	if l.Ask.Path == "" {
		l.Ask.Path = "/"
	}
	if l.Limits.Timeout == 0 {
		l.Limits.Timeout = 5 * time.Second
	}
	if l.Name == "" {
		l.Name = l.Mode.String()
		if l.Target.TLS != nil {
			l.Name += "+tls"
		}
	}
	if err := l.problems(); err != nil {
		return l, fmt.Errorf("strict: load %q: %w", l.Name, err)
	}
	return l, nil
}

func (l Load) problems() error {
	var errs []error
	complain := func(bad bool, format string, args ...any) {
		if bad {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	complain(l.Target.Network != "tcp" && l.Target.Network != "unix", "network %q: use tcp or unix", l.Target.Network)
	complain(l.Target.Addr == "", "no address: set Target.Addr")
	complain(l.Mode > HTTP2, "%v is not known", l.Mode)
	complain(l.Conns < 1 || l.Conns > maxConns, "%d connections: use 1 to %d", l.Conns, maxConns)
	complain(l.Streams < 1 || l.Streams > 1000, "%d streams: use 1 to 1000", l.Streams)
	complain(l.Pace.Rate < 0 || l.Pace.Idle < 0, "the pace is negative")
	complain(l.Pace.Rate > 0 && l.Pace.Idle > 0, "both a rate and a pause: set one of them")
	complain(l.Mode == Fresh && l.Pace.Idle > 0, "a pause leaves nothing idle on fresh connections: use a rate")
	complain(!strings.HasPrefix(l.Ask.Path, "/") || strings.ContainsAny(l.Ask.Path, " \r\n"), "path %q must begin with / and hold no space", l.Ask.Path)
	complain(l.Ask.Size < 0 || l.Ask.Size > maxSize, "an answer of %d bytes: use 0 to %d", l.Ask.Size, maxSize)
	complain(l.Ask.Delay < 0 || l.Ask.Delay > maxDelay, "a delay of %v: use 0 to %v", l.Ask.Delay, maxDelay)
	complain(l.Ask.Post < 0 || l.Ask.Post > maxSize, "a body of %d bytes: use 0 to %d", l.Ask.Post, maxSize)
	complain(l.Mode == HTTP2 && l.Ask.Post > maxFrame, "a body of %d bytes: in HTTP/2 use at most %d", l.Ask.Post, maxFrame)
	complain(l.Mode == HTTP2 && l.Ask.Sort != "", "answers of HTTP/2 cannot be sorted by %s", l.Ask.Sort)
	complain(l.Ask.Check > CheckNone, "check %d is not known", l.Ask.Check)
	complain(l.Limits.Timeout < 0 || l.Limits.Requests < 0, "a limit is negative")
	complain(l.Limits.Timeout <= l.Ask.Delay, "a time-out of %v would end before the delay of %v", l.Limits.Timeout, l.Ask.Delay)
	return errors.Join(errs...)
}

// size returns how long the body of a right answer is.
func (a Ask) size() int {
	if a.Size > 0 {
		return a.Size
	}
	return idLen
}

// target returns the path with the query that Echo understands.
func (a Ask) target() string {
	path, join := a.Path, "?"
	if strings.Contains(path, "?") {
		join = "&"
	}
	if a.Size > 0 {
		path, join = fmt.Sprintf("%s%ssize=%d", path, join, a.Size), "&"
	}
	if a.Delay > 0 {
		path = fmt.Sprintf("%s%sdelay=%v", path, join, a.Delay)
	}
	return path
}

// host returns what to send as Host or :authority.
func (t Target) host() string {
	if t.Network == "unix" {
		return "localhost"
	}
	return t.Addr
}

// resolve looks a host name up once, so that no request waits for it.
func (t Target) resolve() (netip.AddrPort, error) {
	if t.Network == "unix" {
		return netip.AddrPort{}, nil
	}
	addr, err := net.ResolveTCPAddr("tcp", t.Addr)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("strict: resolving the target: %w", err)
	}
	return addr.AddrPort(), nil
}
