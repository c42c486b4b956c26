package logs

import (
	"log/slog"
	"strings"
)

// ambiguous says whether a reader would take s, without quotation marks, for
// something else than a text.
func ambiguous(s string) bool {
	return s == "" || shapeOf(s) != slog.KindString
}

// shapeOf is the kind that a word, or what begins with a time, looks like.
func shapeOf(s string) slog.Kind {
	if s == "" {
		return slog.KindString
	}
	switch c := s[0]; {
	case c == '{' || c == '[':
		return slog.KindAny
	case c == 't' && s == "true", c == 'f' && s == "false":
		return slog.KindBool
	case c == 'n' && s == "nil":
		return slog.KindAny
	case c == 'N' && s == "NaN", c == '+' && s == "+Inf", c == '-' && s == "-Inf":
		return slog.KindFloat64
	case c == '-':
		return numberShape(s[1:])
	case c < '0' || c > '9':
		return slog.KindString
	case len(s) >= len("2006-01-02T") && s[4] == '-' && s[7] == '-' && s[10] == 'T':
		return slog.KindTime
	}
	return numberShape(s)
}

// numberShape is the shape of digits with a fraction, an exponent or units.
func numberShape(s string) slog.Kind {
	rest, ok := digits(s)
	switch {
	case !ok:
		return slog.KindString
	case rest == "":
		return slog.KindInt64
	}
	if rest[0] == '.' {
		if rest, ok = digits(rest[1:]); !ok {
			return slog.KindString
		}
	}
	if rest == "" {
		return slog.KindFloat64
	}
	if rest[0] == 'e' {
		rest = strings.TrimLeft(rest[1:], "+-")
		if rest, ok = digits(rest); ok && rest == "" {
			return slog.KindFloat64
		}
		return slog.KindString
	}
	return durationShape(rest)
}

// digits leaves out the digits at the beginning of s, if there are any.
func digits(s string) (rest string, ok bool) {
	i := 0
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		i++
	}
	return s[i:], i > 0
}

// durationShape looks at what follows the first number of a duration.
func durationShape(s string) slog.Kind {
	for {
		switch {
		case strings.HasPrefix(s, "ns"), strings.HasPrefix(s, "ms"):
			s = s[2:]
		case strings.HasPrefix(s, "µs"):
			s = s[len("µs"):]
		case s[0] == 's', s[0] == 'm', s[0] == 'h':
			s = s[1:]
		default:
			return slog.KindString
		}
		if s == "" {
			return slog.KindDuration
		}
		var ok bool
		if s, ok = digits(s); !ok {
			return slog.KindString
		}
		if s != "" && s[0] == '.' {
			if s, ok = digits(s[1:]); !ok {
				return slog.KindString
			}
		}
		if s == "" {
			return slog.KindString
		}
	}
}
