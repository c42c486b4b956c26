package requests

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// clean makes what a client has sent fit to be shown: at most limit bytes, and
// nothing that a terminal or a page would obey.
func clean(s string, limit int) string {
	cut := len(s) > limit
	s = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s[:min(len(s), limit)])
	for len(s) > limit {
		_, n := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-n]
	}
	if cut {
		s += "…"
	}
	return strings.Clone(s)
}
