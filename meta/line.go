package meta

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// parseLine takes a command and its arguments apart: a name, and after spaces
// pairs as in key=value or key="a \"quoted\" value". The name is returned even
// beside an error.
func parseLine(line string) (name string, args url.Values, err error) {
	name, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
	args = url.Values{}
	for rest = strings.TrimLeft(rest, " "); rest != ""; rest = strings.TrimLeft(rest, " ") {
		key, after, ok := strings.Cut(rest, "=")
		if !ok || key == "" || strings.ContainsAny(key, ` "`) {
			return name, args, fmt.Errorf("want arguments as in key=value, not %q", clippedName(rest))
		}
		value, left, err := word(after)
		switch {
		case err != nil:
			return name, args, fmt.Errorf("argument %s: %w", clippedName(key), err)
		case args.Has(key):
			return name, args, fmt.Errorf("argument %s is given twice", clippedName(key))
		}
		args.Set(key, value)
		rest = left
	}
	return name, args, nil
}

var (
	errQuote = errors.New("the quote is not closed")
	errAfter = errors.New("want a space after the closing quote")
)

// word takes the first word, which may be quoted, from text.
func word(text string) (value, rest string, err error) {
	if !strings.HasPrefix(text, `"`) {
		value, rest, _ = strings.Cut(text, " ")
		return value, rest, nil
	}
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && i+1 < len(text) && (text[i+1] == '"' || text[i+1] == '\\'):
			i++
			b.WriteByte(text[i])
		case c != '"':
			b.WriteByte(c)
		case i+1 < len(text) && text[i+1] != ' ':
			return "", "", errAfter
		default:
			return b.String(), text[i+1:], nil
		}
	}
	return "", "", errQuote
}
