package objects

import "strings"

// withoutPasswords masks the passwords of addresses, as in
// postgres://user:password@host.
func withoutPasswords(s string) string {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(s, "://")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		b.WriteString("://")
		end := strings.IndexAny(rest, "/?# \t\r\n\"'<>")
		if end < 0 {
			end = len(rest)
		}
		at, colon := strings.LastIndexByte(rest[:end], '@'), strings.IndexByte(rest[:end], ':')
		if colon >= 0 && colon < at {
			b.WriteString(rest[:colon] + ":***")
			rest = rest[at:]
		}
		s = rest
	}
}
