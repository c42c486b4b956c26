package logs

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// What a byte of a text asks for.
const (
	isSpace  = 1 << iota
	isQuote  // a quotation mark or a backslash
	isHidden // a control character
	isDot    // separates groups in a key
	isEqual  // ends a key
	isColon  // may be part of a URL
	isHigh   // part of a longer rune
)

// traits has what each byte of ASCII asks for.
var traits = [utf8.RuneSelf]uint8{
	0x00: isHidden, 0x01: isHidden, 0x02: isHidden, 0x03: isHidden, 0x04: isHidden, 0x05: isHidden, 0x06: isHidden, 0x07: isHidden,
	0x08: isHidden, 0x09: isHidden, 0x0a: isHidden, 0x0b: isHidden, 0x0c: isHidden, 0x0d: isHidden, 0x0e: isHidden, 0x0f: isHidden,
	0x10: isHidden, 0x11: isHidden, 0x12: isHidden, 0x13: isHidden, 0x14: isHidden, 0x15: isHidden, 0x16: isHidden, 0x17: isHidden,
	0x18: isHidden, 0x19: isHidden, 0x1a: isHidden, 0x1b: isHidden, 0x1c: isHidden, 0x1d: isHidden, 0x1e: isHidden, 0x1f: isHidden,
	0x7f: isHidden, ' ': isSpace, '"': isQuote, '\\': isQuote, '.': isDot, '=': isEqual, ':': isColon,
}

// look returns the traits of all of s together. Runes that a terminal would
// not show as they are, such as C1 and bidi controls, and bytes that are no
// UTF-8, are hidden.
func look(s string) uint8 {
	var all uint8
	for i := range len(s) {
		c := s[i]
		if c >= utf8.RuneSelf {
			return all | lookHigh(s[i:])
		}
		all |= traits[c]
	}
	return all
}

func lookHigh(s string) uint8 {
	all := uint8(isHigh)
	for i := 0; i < len(s); {
		if c := s[i]; c < utf8.RuneSelf {
			all |= traits[c]
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 || !strconv.IsPrint(r) {
			all |= isHidden
		}
		i += n
	}
	return all
}

const hex = "0123456789abcdef"

// appendQuoted writes s between quotation marks. Nothing that controls a
// terminal or a reader's eye goes through as it is.
func appendQuoted(b []byte, s string) []byte {
	b = append(b, '"')
	return append(appendEscaped(b, s, false), '"')
}

// appendEscaped writes what stands between quotation marks: in the way of Go,
// which keeps bytes that are no UTF-8, or in that of JSON, which cannot.
func appendEscaped(b []byte, s string, asJSON bool) []byte {
	done := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if traits[c]&(isQuote|isHidden) != 0 {
				b = append(b, s[done:i]...)
				b = appendControl(b, c, asJSON)
				done = i + 1
			}
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		bad := r == utf8.RuneError && n == 1
		if bad || !strconv.IsPrint(r) {
			b = append(b, s[done:i]...)
			switch {
			case bad && asJSON:
				b = append(b, `\ufffd`...)
			case bad:
				b = append(b, '\\', 'x', hex[c>>4], hex[c&15])
			default:
				b = appendRune(b, r, asJSON)
			}
			done = i + n
		}
		i += n
	}
	return append(b, s[done:]...)
}

func appendControl(b []byte, c byte, asJSON bool) []byte {
	switch c {
	case '"', '\\':
		return append(b, '\\', c)
	case '\n':
		return append(b, '\\', 'n')
	case '\r':
		return append(b, '\\', 'r')
	case '\t':
		return append(b, '\\', 't')
	}
	if asJSON {
		return append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
	}
	return append(b, '\\', 'x', hex[c>>4], hex[c&15])
}

// appendRune writes r by number; JSON has only numbers of 16 bits, and pairs of
// them for what is above.
func appendRune(b []byte, r rune, asJSON bool) []byte {
	four := func(r rune) {
		b = append(b, '\\', 'u', hex[r>>12&15], hex[r>>8&15], hex[r>>4&15], hex[r&15])
	}
	switch {
	case r < 0x10000:
		four(r)
	case asJSON:
		four(0xd800 + (r-0x10000)>>10)
		four(0xdc00 + (r-0x10000)&0x3ff)
	default:
		b = append(b, '\\', 'U')
		for shift := 28; shift >= 0; shift -= 4 {
			b = append(b, hex[r>>shift&15])
		}
	}
	return b
}

// cut shortens s to at most limit bytes, of whole runes, and says how many it
// left out.
func cut(s string, limit int) (kept string, left int) {
	if len(s) <= limit {
		return s, 0
	}
	n := limit
	for n > 0 && n > limit-utf8.UTFMax && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n], len(s) - n
}

// noteRoom is what the loss takes to be told, of texts below a gigabyte.
const noteRoom = len("…(999999999 bytes left out)")

// shorten is cut with the loss told in the text itself. What it returns is
// within limit, if that has room for the note: shortened again, it stays the
// same, and so does the number in it.
func shorten(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	if limit > 2*noteRoom {
		limit -= noteRoom
	}
	kept, left := cut(s, limit)
	return kept + "…(" + strconv.Itoa(left) + " bytes left out)"
}

// unquote reads what appendQuoted has written, from its first quotation mark,
// and returns what follows the last.
func unquote(s string) (text, rest string, ok bool) {
	s = s[1:]
	end := strings.IndexAny(s, `"\`)
	if end < 0 {
		return "", "", false
	}
	if s[end] == '"' {
		return s[:end], s[end+1:], true
	}
	b := make([]byte, 0, len(s))
	for s != "" {
		c := s[0]
		switch {
		case c == '"':
			return string(b), s[1:], true
		case c != '\\':
			b = append(b, c)
			s = s[1:]
			continue
		case len(s) < 2:
			return "", "", false
		}
		if b, s, ok = unescape(b, s[1:]); !ok {
			return "", "", false
		}
	}
	return "", "", false
}

// unescape reads what follows a backslash.
func unescape(b []byte, s string) (_ []byte, rest string, ok bool) {
	digits := 0
	switch s[0] {
	case '"', '\\':
		return append(b, s[0]), s[1:], true
	case 'n':
		return append(b, '\n'), s[1:], true
	case 'r':
		return append(b, '\r'), s[1:], true
	case 't':
		return append(b, '\t'), s[1:], true
	case 'x':
		digits = 2
	case 'u':
		digits = 4
	case 'U':
		digits = 8
	}
	if digits == 0 || len(s) < 1+digits {
		return b, s, false
	}
	n, err := strconv.ParseUint(s[1:1+digits], 16, 32)
	if err != nil || digits > 2 && !utf8.ValidRune(rune(n)) {
		return b, s, false
	}
	if digits == 2 {
		return append(b, byte(n)), s[3:], true
	}
	return utf8.AppendRune(b, rune(n)), s[1+digits:], true
}
