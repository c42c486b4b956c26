package requests

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// ID tells the requests of a process apart. In text and JSON it is in base 36.
type ID uint64

// String returns the ID in base 36.
func (id ID) String() string { return strconv.FormatUint(uint64(id), 36) }

// MarshalText returns the ID in base 36.
func (id ID) MarshalText() ([]byte, error) { return strconv.AppendUint(nil, uint64(id), 36), nil }

// UnmarshalText reads what MarshalText returns.
func (id *ID) UnmarshalText(text []byte) error {
	n, err := ParseID(string(text))
	if err == nil {
		*id = n
	}
	return err
}

// ParseID reads what String returns.
func ParseID(s string) (ID, error) {
	n, err := strconv.ParseUint(s, 36, 64)
	if err != nil || strings.ContainsAny(s, "+-_") {
		return 0, fmt.Errorf("requests: %.20q is no ID of a request: it should be up to 13 digits and letters", s)
	}
	return ID(n), nil
}

// ErrNotRunning says that there is no such request, or not any more.
var ErrNotRunning = errors.New("requests: no such request is running")

// ErrNotHooked says that a request cannot be cancelled as the Recorder was not
// told of its connection.
var ErrNotHooked = errors.New("requests: the server does not tell of its connections: call Recorder.Hook before it serves")

// CancelError is the cause (see context.Cause) of the end of a request that an
// operator has cancelled.
type CancelError struct {
	ID ID
	By string // who, as given to Cancel
}

// Error says which request was cancelled by whom.
func (c *CancelError) Error() string {
	return fmt.Sprintf("requests: request %v was cancelled by %s", c.ID, c.By)
}

// Cancel ends the context of a running request, with a *CancelError that says who
// wanted it as the cause, and makes reading its body fail. A connection that was
// hijacked is closed. It does not wait for the handler, which may still
// answer. An HTTP/1 connection is not used again after that.
//
// The error is ErrNotRunning or ErrNotHooked.
func (rec *Recorder) Cancel(id ID, by string) error {
	v := rec.visits.find(id)
	if v == nil {
		return ErrNotRunning
	}
	err := ErrNotRunning
	var taken *hijacked
	v.show(func() {
		if v.id() == id {
			err = v.stop(&CancelError{ID: id, By: clean(by, maxName)})
			taken = v.taken.Load()
		}
	})
	if taken != nil && err == nil {
		_ = taken.Conn.Close() // whoever reads there will close it again
	}
	return err
}

// stop cancels a visit that is being shown.
func (v *visit) stop(why *CancelError) error {
	cancel := v.cancel
	if cancel == nil {
		c := v.recorder.connOf(v.request)
		if c == nil {
			return ErrNotHooked
		}
		cancel = c.cancel
	}
	v.cancelled.Store(why)
	cancel(why)
	if v.taken.Load() == nil {
		_ = http.NewResponseController(v.inner).SetReadDeadline(time.Unix(1, 0)) // fails where there is nothing to end
	}
	return nil
}
