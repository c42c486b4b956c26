package data

import (
	"encoding"
	"fmt"
	"math"
	"reflect"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// maxString bounds the text of one value.
const maxString = 4 << 10

// plain makes v one of the few kinds of value that a Cell has. What does not
// exist, such as a mean of nothing, is nil.
func plain(v any) any {
	switch v := v.(type) {
	case nil, bool:
		return v
	case string:
		return clean(v)
	case float64:
		return finite(v)
	case time.Time:
		if v.IsZero() {
			return nil
		}
		return v.UTC().Format(time.RFC3339Nano)
	case time.Duration:
		return v.Seconds()
	case error:
		return clean(v.Error())
	}
	r := reflect.ValueOf(v)
	switch {
	case r.CanInt():
		if s, ok := v.(fmt.Stringer); ok {
			return clean(s.String())
		}
		return float64(r.Int())
	case r.CanUint():
		if s, ok := v.(fmt.Stringer); ok {
			return clean(s.String())
		}
		return float64(r.Uint())
	case r.CanFloat():
		return finite(r.Float())
	case r.Kind() == reflect.String:
		return clean(r.String())
	case r.Kind() == reflect.Pointer && r.IsNil():
		return nil
	}
	if t, ok := v.(encoding.TextMarshaler); ok {
		if b, err := t.MarshalText(); err == nil {
			return clean(string(b))
		}
	}
	if s, ok := v.(fmt.Stringer); ok {
		return clean(s.String())
	}
	return clean(fmt.Sprintf("%v", v))
}

func finite(v float64) any {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return v
}

// clean makes text valid, bounded and harmless.
func clean(s string) string {
	if len(s) > maxString {
		cut := maxString
		for cut > 0 && !utf8.RuneStart(s[cut]) {
			cut--
		}
		s = s[:cut] + "…"
	}
	return strings.Map(visible, strings.ToValidUTF8(s, "?"))
}

// visible replaces what acts instead of being seen: control characters, and
// those that turn the direction of text.
func visible(r rune) rune {
	turns := r == '\u200e' || r == '\u200f' || r == '\ufeff' || r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069'
	if turns || unicode.IsControl(r) && r != '\n' && r != '\t' {
		return unicode.ReplacementChar
	}
	return r
}
