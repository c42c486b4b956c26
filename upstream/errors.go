package upstream

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"
)

var (
	// ErrUnknown is the reason of an Error when there is no service of that
	// name.
	ErrUnknown = errors.New("upstream: unknown service")

	// ErrClosed is the reason when the Manager has been closed.
	ErrClosed = errors.New("upstream: manager is closed")

	// ErrReleased is the error of using a connection that has been released.
	ErrReleased = fmt.Errorf("upstream: connection has been released: %w", net.ErrClosed)

	// ErrNoAddress is the reason when the service has no address now, such as
	// when DNS has failed for too long.
	ErrNoAddress = errors.New("upstream: no address")

	// ErrRefused is the reason when Manager.Egress forbids an address.
	ErrRefused = errors.New("upstream: address refused by policy")

	// ErrDescriptors is the reason when there are as many connections as the
	// limit of file descriptors allows, and none of them is idle.
	ErrDescriptors = errors.New("upstream: too many connections")
)

// maxTried bounds the addresses that an Error names.
const maxTried = 32

// Error says why no connection was to be had, or an exchange has failed. It is
// a net.Error, and errors.Is finds the reason of each attempt.
type Error struct {
	Service string
	Tried   []Attempt // in the order of their ends; the first 32
	Err     error     // the reason that is not an address's own, such as that of the context; or nil
}

// Attempt is one address that was tried, or passed over, and why that failed.
type Attempt struct {
	Address string
	Err     error
	Took    time.Duration // 0 if nothing was tried
}

// Error names the service, the reason, and every address tried and why.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "upstream: service %q", e.Service)
	sep := ": "
	if e.Err != nil {
		b.WriteString(sep + strings.TrimPrefix(e.Err.Error(), "upstream: "))
		sep = "; "
	}
	for _, a := range e.Tried {
		fmt.Fprintf(&b, "%s%s: %s", sep, a.Address, strings.TrimPrefix(a.Err.Error(), "upstream: "))
		if a.Took > 0 {
			fmt.Fprintf(&b, " (%v)", a.Took.Round(10*time.Microsecond))
		}
		sep = "; "
	}
	return b.String()
}

// Unwrap returns the reasons.
func (e *Error) Unwrap() []error {
	var all []error
	if e.Err != nil {
		all = append(all, e.Err)
	}
	for _, a := range e.Tried {
		all = append(all, a.Err)
	}
	return all
}

// Timeout tells whether time ran out: that of the context, or at every address.
func (e *Error) Timeout() bool {
	if e.Err != nil {
		return isTimeout(e.Err)
	}
	for _, a := range e.Tried {
		if !isTimeout(a.Err) {
			return false
		}
	}
	return len(e.Tried) > 0
}

// Temporary tells whether trying again later may help, as it nearly always may.
func (e *Error) Temporary() bool {
	return !errors.Is(e, ErrUnknown) && !errors.Is(e, ErrClosed)
}

func isTimeout(err error) bool {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) {
		return true
	}
	var ne net.Error
	return errors.As(err, &ne) && ne.Timeout()
}

var _ net.Error = (*Error)(nil)

// stepError says in which step of making a connection time ran out.
type stepError struct {
	step string
	err  error
}

func (e *stepError) Error() string {
	return fmt.Sprintf("%s: %v", e.step, e.err)
}
func (e *stepError) Unwrap() error   { return e.err }
func (e *stepError) Timeout() bool   { return isTimeout(e.err) }
func (e *stepError) Temporary() bool { return true }

// downError says that an address was passed over, and since when.
type downError struct {
	since time.Time
	why   string
}

func (e *downError) Error() string {
	return fmt.Sprintf("marked down %v ago: %s", time.Since(e.since).Round(time.Millisecond), e.why)
}
