// Package netstring reads and makes netstrings: a length in decimal digits, a
// colon, that many bytes and a comma, as in "5:hello,". The format is
// D. J. Bernstein's, https://cr.yp.to/proto/netstrings.txt.
//
// It is also an example of a codec on netbuf: one function that tells
// [netbuf.Conn.ReadFrame] how long a message is, and one that appends a message
// to a buffer.
//
//	msg, err := netstring.Read(conn, 1024)
//	buf = netstring.Append(buf[:0], answer)
//	conn.Write(buf)
package netstring

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/support-go/support/netbuf"
)

// ErrSyntax is found by errors.Is in the error of Read when the peer does not
// speak netstrings. The connection cannot be read any further as netstrings.
var ErrSyntax = errors.New("netstring: bad syntax")

// What is wrong with a netstring. They are made once, so that a hostile peer
// causes no allocation.
var (
	errDigit = fmt.Errorf("%w: the length must be digits and a colon", ErrSyntax)
	errZero  = fmt.Errorf("%w: the length begins with a zero", ErrSyntax)
	errComma = fmt.Errorf("%w: no comma at the end", ErrSyntax)
	errLong  = fmt.Errorf("netstring: %w", netbuf.ErrTooLong)
)

// The length has so few digits that it fits an int everywhere.
const (
	maxDigits = 9
	maxLength = 999_999_999
)

// Read returns a view of the next message on c, with netbuf's rule about how
// long it lives. The message may have max bytes; zero means that the whole
// netstring must fit c.Limits.Message. A length beyond that is refused before
// its bytes arrive.
//
// Besides ErrSyntax, errors are those of c.ReadFrame. After any of them nothing
// is consumed; after a time-out Read may be called again.
func Read(c *netbuf.Conn, max int) ([]byte, error) {
	wire := 0
	if max > 0 {
		wire = min(max, maxLength) + maxDigits + len(":,")
	}
	head := 0
	frame, err := c.ReadFrame(wire, func(b []byte) (int, error) {
		h, n, err := parseLength(b)
		if err != nil || h == 0 {
			return 0, err
		}
		if max > 0 && n > max {
			return 0, errLong
		}
		head = h
		end := h + n
		if len(b) > end && b[end] != ',' {
			return 0, errComma
		}
		return end + 1, nil
	})
	if err != nil {
		return nil, err
	}
	return frame[head : len(frame)-1], nil
}

// parseLength returns the size of the head of a netstring and the length that
// it gives, or 0, 0 while its colon has not arrived.
func parseLength(b []byte) (head, n int, err error) {
	for i, digit := range b {
		switch {
		case digit == ':' && i > 0:
			return i + 1, n, nil
		case digit < '0' || digit > '9':
			return 0, 0, errDigit
		case i == 1 && n == 0:
			return 0, 0, errZero
		case i == maxDigits:
			return 0, 0, errLong
		}
		n = 10*n + int(digit-'0')
	}
	return 0, 0, nil
}

// Append appends msg to dst as a netstring.
func Append(dst, msg []byte) []byte {
	dst = strconv.AppendInt(dst, int64(len(msg)), 10)
	dst = append(dst, ':')
	dst = append(dst, msg...)
	return append(dst, ',')
}
