package strict

import (
	"bytes"
	"strings"
)

// fold compares without regard to case, and without allocating.
func fold(b []byte, s string) bool {
	if len(b) != len(s) {
		return false
	}
	for i, c := range b {
		if lower(c) != lower(s[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// hasToken reports whether a comma-separated list holds the token.
func hasToken(list []byte, token string) bool {
	for len(list) > 0 {
		var item []byte
		item, list, _ = bytes.Cut(list, []byte(","))
		if fold(bytes.Trim(item, " \t"), token) {
			return true
		}
	}
	return false
}

// isToken reports whether b may be the name of a field (RFC 9110 section
// 5.6.2).
func isToken(b []byte) bool {
	for _, c := range b {
		letter := 'a' <= lower(c) && lower(c) <= 'z'
		if !letter && (c < '0' || c > '9') && strings.IndexByte("-_!#$%&'*+.^`|~", c) < 0 {
			return false
		}
	}
	return len(b) > 0
}

// hasControls reports whether b holds what no field value may.
func hasControls(b []byte) bool {
	for _, c := range b {
		if c < ' ' && c != '\t' || c == 0x7f {
			return true
		}
	}
	return false
}

// trim cuts what goes into an error text.
func trim(b []byte) []byte {
	return b[:min(len(b), 80)]
}
