package stats

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ErrName says that a name or label cannot be used.
var ErrName = errors.New("stats: bad name")

// ErrKind says that a name is taken by another kind of instrument.
var ErrKind = errors.New("stats: name is taken by another kind of instrument")

const maxName = 120

// CheckName returns an ErrName unless name can name an instrument: up to 120
// letters, digits, dots, underscores and hyphens, beginning with a letter.
func CheckName(name string) error {
	const rule = "use up to 120 ASCII letters, digits, '.', '_' and '-', beginning with a letter, as in accept.wait_seconds"
	switch {
	case name == "":
		return fmt.Errorf("%w: it is empty; %s", ErrName, rule)
	case len(name) > maxName:
		return fmt.Errorf("%w: %.40q... has %d bytes; %s", ErrName, name, len(name), rule)
	case !isLetter(name[0]) || strings.IndexFunc(name, notInName) >= 0:
		return fmt.Errorf("%w: %q; %s", ErrName, name, rule)
	}
	return nil
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

func notInName(r rune) bool {
	return r >= utf8.RuneSelf || !isLetter(byte(r)) && !('0' <= r && r <= '9') && !strings.ContainsRune("._-", r)
}

// cleanValue makes a label's value, which a client may have sent, fit to be
// kept and shown: at most 200 bytes of printable UTF-8.
func cleanValue(v string) string {
	if isPlain(v) {
		return v
	}
	v = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, v[:min(len(v), maxBytes)])
	for len(v) > maxBytes {
		_, n := utf8.DecodeLastRuneInString(v)
		v = v[:len(v)-n]
	}
	return v
}

func isPlain(v string) bool {
	for i := range len(v) {
		if v[i] < ' ' || v[i] > '~' {
			return false
		}
	}
	return len(v) <= maxBytes
}

// Unit returns the unit that a name ends with, such as seconds, bytes or
// ratio: what is behind its last underscore, if that is a known unit.
func Unit(name string) string {
	unit := name[strings.LastIndexByte(name, '_')+1:]
	switch unit {
	case "seconds", "bytes", "ratio", "percent", "celsius", "joules", "volts", "amperes", "meters", "grams", "hertz":
		if len(unit) < len(name) {
			return unit
		}
	}
	return ""
}
