package logs

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strconv"
	"strings"
	"time"
)

// ErrSyntax is the error of a line that no Handler has written.
var ErrSyntax = errors.New("logs: not a record")

// Parse reads a line that a Handler has written as text, in colour or not,
// with or without the end of the line. What it returns is what has been written,
// except that
//
//   - times are cut to the microsecond, and have an offset in place of the name of a zone;
//   - an unsigned integer is an Int64 if it fits;
//   - groups of one name at one place are one group, and attributes that
//     With has set follow those of the record;
//   - what slog knows nothing about is a string or, if it has parts, a
//     json.RawMessage, and an error is its text;
//   - what was masked or left out is gone.
//
// Any other line gets an error that wraps ErrSyntax and says where.
func Parse(line string) (slog.Record, error) {
	line = strings.TrimSuffix(line, "\n")
	if strings.Contains(line, "\x1b[") {
		line = uncolored(line)
	}
	if look(line)&isHidden != 0 {
		return slog.Record{}, fmt.Errorf("%w: it has control characters", ErrSyntax)
	}
	p := parser{line: line, rest: line}
	t, level, msg, err := p.head()
	if err != nil {
		return slog.Record{}, err
	}
	root := new(member)
	for p.rest != "" {
		if err := p.attr(root); err != nil {
			return slog.Record{}, err
		}
	}
	r := slog.NewRecord(t, level, msg, 0)
	r.AddAttrs(root.attrs()...)
	return r, nil
}

type parser struct {
	line string
	rest string // what has not been read
}

func (p *parser) fail(what string) error {
	return fmt.Errorf("%w: at %d: want %s", ErrSyntax, len(p.line)-len(p.rest), what)
}

// word reads up to a space.
func (p *parser) word() string {
	w, rest, _ := strings.Cut(p.rest, " ")
	p.rest = rest
	return w
}

func (p *parser) spaces() { p.rest = strings.TrimLeft(p.rest, " ") }

func (p *parser) head() (t time.Time, level slog.Level, msg string, err error) {
	if shapeOf(p.rest) == slog.KindTime {
		before := p.rest
		const form = "2006-01-02T15:04:05.000000Z07:00"
		word := p.word()
		if t, err = time.Parse(form, word); err != nil || t.Format(form) != word {
			p.rest = before
			return t, 0, "", p.fail("a time")
		}
	}
	before := p.rest
	if name := p.word(); level.UnmarshalText([]byte(name)) != nil || level.String() != name {
		p.rest = before
		return t, 0, "", p.fail("a level")
	}
	p.spaces()
	msg, err = p.message()
	return t, level, msg, err
}

func (p *parser) message() (msg string, err error) {
	if p.rest == "" {
		return "", p.fail("a message")
	}
	if p.rest[0] == '"' {
		return p.quoted()
	}
	msg, p.rest, _ = strings.Cut(p.rest, "  ")
	p.spaces()
	return msg, nil
}

// quoted reads a text between quotation marks, and the spaces that follow.
func (p *parser) quoted() (string, error) {
	text, rest, ok := unquote(p.rest)
	if !ok {
		return "", p.fail("a text that ends with a quotation mark")
	}
	p.rest = rest
	if rest != "" && rest[0] != ' ' {
		return "", p.fail("a space after a text")
	}
	p.spaces()
	return text, nil
}

// maxPath bounds the groups in groups that are read.
const maxPath = 64

func (p *parser) attr(m *member) error {
	for range maxPath {
		key, end, err := p.key()
		if err != nil {
			return err
		}
		if end == '.' {
			if key == "" {
				return p.fail("a group with a name")
			}
			m = m.group(key)
			continue
		}
		v, err := p.value()
		if err != nil {
			return err
		}
		m.members = append(m.members, &member{key: key, value: v})
		return nil
	}
	return p.fail("fewer groups in groups")
}

// key reads a key and the dot or equals sign that ends it.
func (p *parser) key() (key string, end byte, err error) {
	if p.rest != "" && p.rest[0] == '"' {
		text, rest, ok := unquote(p.rest)
		if !ok || rest == "" || rest[0] != '.' && rest[0] != '=' {
			return "", 0, p.fail("a key that ends with a quotation mark and = or a dot")
		}
		p.rest = rest[1:]
		return text, rest[0], nil
	}
	i := strings.IndexAny(p.rest, ".= \"\\")
	if i <= 0 || p.rest[i] != '.' && p.rest[i] != '=' {
		return "", 0, p.fail("key=value")
	}
	key, end = p.rest[:i], p.rest[i]
	p.rest = p.rest[i+1:]
	return key, end, nil
}

func (p *parser) value() (slog.Value, error) {
	if p.rest == "" {
		return slog.Value{}, p.fail("a value")
	}
	switch p.rest[0] {
	case '"':
		text, err := p.quoted()
		return slog.StringValue(text), err
	case '{', '[':
		n := extent(p.rest)
		if raw := p.rest[:n]; json.Valid([]byte(raw)) && (n == len(p.rest) || p.rest[n] == ' ') {
			p.rest = p.rest[n:]
			p.spaces()
			return slog.AnyValue(json.RawMessage(raw)), nil
		}
		return slog.Value{}, p.fail("JSON")
	case ' ':
		return slog.Value{}, p.fail("a value")
	}
	word := p.word()
	p.spaces()
	return scalar(word), nil
}

// extent is the length of the JSON value at the beginning of s, if it is one.
func extent(s string) int {
	depth, inText := 0, false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			inText = !inText
		case inText && c == '\\':
			i++
		case inText:
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return len(s)
}

// scalar gives a word the kind that it looks like.
func scalar(word string) slog.Value {
	switch shapeOf(word) {
	case slog.KindBool:
		return slog.BoolValue(word == "true")
	case slog.KindAny:
		return slog.AnyValue(nil)
	case slog.KindInt64:
		if n, err := strconv.ParseInt(word, 10, 64); err == nil {
			return slog.Int64Value(n)
		}
		if n, err := strconv.ParseUint(word, 10, 64); err == nil {
			return slog.Uint64Value(n)
		}
	case slog.KindFloat64:
		if f, err := strconv.ParseFloat(word, 64); err == nil || math.IsInf(f, 0) {
			return slog.Float64Value(f)
		}
	case slog.KindDuration:
		if d, err := time.ParseDuration(word); err == nil {
			return slog.DurationValue(d)
		}
	case slog.KindTime:
		if t, err := time.Parse(time.RFC3339Nano, word); err == nil {
			return slog.TimeValue(t)
		}
	}
	return slog.StringValue(word)
}

// member is an attribute, or a group of them.
type member struct {
	key     string
	value   slog.Value
	members []*member
	groups  map[string]*member // those of the members that are groups
}

func (m *member) group(key string) *member {
	if g := m.groups[key]; g != nil {
		return g
	}
	if m.groups == nil {
		m.groups = make(map[string]*member)
	}
	g := &member{key: key}
	m.groups[key] = g
	m.members = append(m.members, g)
	return g
}

func (m *member) attrs() []slog.Attr {
	attrs := make([]slog.Attr, 0, len(m.members))
	for _, c := range m.members {
		if c.members != nil {
			attrs = append(attrs, slog.Attr{Key: c.key, Value: slog.GroupValue(c.attrs()...)})
		} else {
			attrs = append(attrs, slog.Attr{Key: c.key, Value: c.value})
		}
	}
	return attrs
}
