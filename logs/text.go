package logs

import (
	"context"
	"log/slog"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// messageColumns is the width of a message, so that attributes begin below one
// another; a longer one moves them.
const messageColumns = 30

// maxDepth bounds groups in groups, which a LogValue can make without end.
const maxDepth = 16

func (h *Handler) appendText(b []byte, ctx context.Context, r *slog.Record) []byte {
	if !r.Time.IsZero() {
		b = h.appendTime(b, r.Time)
	}
	b = h.appendLevel(b, r.Level)
	b = h.appendMessage(b, r)
	start := len(b)
	if r.NumAttrs() > 0 {
		left := 0
		r.Attrs(func(a slog.Attr) bool {
			if len(b)-start > h.options.MaxRecord {
				left++
				return true
			}
			b = h.appendAttr(b, h.prefix, a, 0)
			return true
		})
		if left > 0 {
			b = h.appendAttr(b, "", slog.Int("attributes_left_out", left), 0)
		}
	}
	h.records(ctx, r, func(a slog.Attr) { b = h.appendAttr(b, "", a, 0) })
	b = append(b, h.attrs...)
	if len(b) == start { // nothing for the padding to lead to
		for b[len(b)-1] == ' ' {
			b = b[:len(b)-1]
		}
	}
	return append(b, '\n')
}

func (h *Handler) appendTime(b []byte, t time.Time) []byte {
	s := h.shared.secondOf(t)
	if s == nil {
		return b
	}
	us := t.Nanosecond() / 1000
	if h.color {
		b = append(append(append(b, dim...), s.date...), plain...)
		b = append(b, s.clock...)
		b = appendDigits(b, us/1000, 3)
		b = append(appendDigits(append(b, dim...), us%1000, 3), s.offset...)
		return append(append(b, plain...), ' ')
	}
	b = append(append(b, s.date...), s.clock...)
	b = appendDigits(b, us, 6)
	return append(append(b, s.offset...), ' ')
}

func appendDigits(b []byte, n, digits int) []byte {
	b = append(b, "000000"[:digits]...)
	for i := len(b) - 1; n > 0; i-- {
		b[i] = byte('0' + n%10)
		n /= 10
	}
	return b
}

func (h *Handler) appendLevel(b []byte, level slog.Level) []byte {
	if h.color {
		b = append(b, levelColor(level)...)
	}
	switch level {
	case slog.LevelInfo:
		b = append(b, "INFO  "...)
	case slog.LevelWarn:
		b = append(b, "WARN  "...)
	case slog.LevelError:
		b = append(b, "ERROR "...)
	case slog.LevelDebug:
		b = append(b, "DEBUG "...)
	default:
		b = append(append(b, level.String()...), ' ')
	}
	if h.color {
		b = append(b, plain...)
	}
	return b
}

// appendMessage writes the message as it is, if its end can be seen, which is
// where two spaces stand; else between quotation marks.
func (h *Handler) appendMessage(b []byte, r *slog.Record) []byte {
	if h.color {
		b = append(b, bold...)
	}
	start := len(b)
	msg := shorten(r.Message, h.options.MaxValue)
	traits := look(msg)
	if traits&isColon != 0 {
		msg = maskURLs(msg)
	}
	switch {
	case traits&isHidden != 0, msg == "", msg[0] == '"', traits&isSpace != 0 && crooked(msg):
		b = appendQuoted(b, msg)
	default:
		b = append(b, msg...)
	}
	width := len(b) - start
	if traits&isHigh != 0 {
		width = len([]rune(string(b[start:])))
	}
	if h.color {
		b = append(b, plain...)
	}
	const padding = "                                "
	return append(b, padding[:max(1, messageColumns+1-width)]...)
}

// crooked says whether s begins or ends with a space, or has two in a row.
func crooked(s string) bool {
	return s[0] == ' ' || s[len(s)-1] == ' ' || strings.Contains(s, "  ")
}

// records gives the attributes that a record has by where it was made.
func (h *Handler) records(ctx context.Context, r *slog.Record, add func(slog.Attr)) {
	if h.options.Source && r.PC != 0 {
		add(slog.String(slog.SourceKey, place(r.PC)))
	}
	if ctx == nil || ctx == context.Background() {
		return
	}
	req := RequestOf(ctx)
	if req != nil && req.ID != "" {
		add(slog.String("request", req.ID))
	}
	var trace, span string
	switch {
	case h.options.Trace != nil:
		trace, span = h.options.Trace(ctx)
	case req != nil:
		trace, span = req.Trace, req.Span
	}
	if trace != "" {
		add(slog.String("trace", trace))
	}
	if span != "" {
		add(slog.String("span", span))
	}
}

// place is the file, with its directory, and the line.
func place(pc uintptr) string {
	frame, _ := runtime.CallersFrames([]uintptr{pc}).Next()
	return shortFile(frame.File) + ":" + strconv.Itoa(frame.Line)
}

func shortFile(file string) string {
	dir, name := filepath.Split(file)
	return filepath.Base(dir) + "/" + name
}

// appendAttr writes " key=value", or one for each member of a group.
func (h *Handler) appendAttr(b []byte, prefix string, a slog.Attr, depth int) []byte {
	v := a.Value
	kind := v.Kind()
	if kind == slog.KindLogValuer {
		v = resolve(v)
		kind = v.Kind()
	}
	if kind == slog.KindGroup && !(len(v.Group()) > 0 && h.masks(a.Key)) {
		return h.appendGroup(b, prefix, a.Key, v.Group(), depth)
	}
	if a.Key == "" && kind == slog.KindAny && v.Any() == nil {
		return b // which slog says is to be ignored
	}
	b = append(b, ' ')
	if h.color {
		b = append(b, keyColor...)
	}
	b = append(b, prefix...)
	b = h.appendKey(b, a.Key)
	b = append(b, '=')
	if h.color {
		b = append(append(b, plain...), valueColor(a.Key, v)...)
		b = h.appendValue(b, a.Key, v, kind)
		return append(b, plain...)
	}
	return h.appendValue(b, a.Key, v, kind)
}

func (h *Handler) appendGroup(b []byte, prefix, key string, group []slog.Attr, depth int) []byte {
	if len(group) == 0 {
		return b
	}
	if depth >= maxDepth {
		return h.appendAttr(b, prefix, slog.String(key, tooDeep), depth)
	}
	if key != "" {
		prefix = string(h.appendPrefix(nil, prefix, key))
	}
	start := len(b)
	for i, a := range group {
		if len(b)-start > h.options.MaxRecord {
			return h.appendAttr(b, prefix, slog.Int("attributes_left_out", len(group)-i), depth)
		}
		b = h.appendAttr(b, prefix, a, depth+1)
	}
	return b
}

// tooDeep stands for what is nested too deeply to be written.
const tooDeep = "…(nested too deeply)"

// appendKey writes a key; a dot in it would look like that of a group.
func (h *Handler) appendKey(b []byte, key string) []byte {
	key = shorten(key, h.options.MaxValue)
	if look(key)&^(isColon|isHigh) == 0 && key != "" {
		return append(b, key...)
	}
	return appendQuoted(b, key)
}

func (h *Handler) appendPrefix(b []byte, prefix, group string) []byte {
	return append(h.appendKey(append(b, prefix...), group), '.')
}

func (h *Handler) masks(key string) bool {
	return IsSecret(key) || h.options.Secret != nil && h.options.Secret(key)
}

func (h *Handler) appendValue(b []byte, key string, v slog.Value, kind slog.Kind) []byte {
	if h.masks(key) {
		return append(b, mask...)
	}
	switch kind {
	case slog.KindString:
		return h.appendString(b, v.String())
	case slog.KindInt64:
		return strconv.AppendInt(b, v.Int64(), 10)
	case slog.KindUint64:
		return strconv.AppendUint(b, v.Uint64(), 10)
	case slog.KindFloat64:
		return appendFloat(b, v.Float64())
	case slog.KindBool:
		return strconv.AppendBool(b, v.Bool())
	case slog.KindDuration:
		return appendDuration(b, v.Duration())
	case slog.KindTime:
		return h.appendTimeValue(b, v.Time())
	}
	return h.appendAny(b, v.Any())
}

// appendString writes s as it is if no reader can take it for anything else.
func (h *Handler) appendString(b []byte, s string) []byte {
	s = shorten(s, h.options.MaxValue)
	t := look(s)
	if t&isColon != 0 {
		s = maskURLs(s)
	}
	if t&(isSpace|isQuote|isHidden) != 0 || ambiguous(s) {
		return appendQuoted(b, s)
	}
	return append(b, s...)
}

// appendFloat writes f so that it is not taken for an integer.
func appendFloat(b []byte, f float64) []byte {
	start := len(b)
	b = strconv.AppendFloat(b, f, 'g', -1, 64)
	for _, c := range b[start:] {
		if c == '.' || c == 'e' || c == 'N' || c == 'I' {
			return b
		}
	}
	return append(b, ".0"...)
}

func (h *Handler) appendTimeValue(b []byte, t time.Time) []byte {
	t = presentable(t)
	if y := t.Year(); y < 0 || y > 9999 {
		return h.appendString(b, t.String())
	}
	return t.AppendFormat(b, time.RFC3339Nano)
}

// appendDuration writes d as time.Duration.String does, without its allocation.
func appendDuration(b []byte, d time.Duration) []byte {
	if d < 0 {
		b = append(b, '-')
	}
	u := uint64(d)
	if d < 0 {
		u = -u
	}
	switch {
	case u == 0:
		return append(b, "0s"...)
	case u < uint64(time.Microsecond):
		return append(strconv.AppendUint(b, u, 10), "ns"...)
	case u < uint64(time.Millisecond):
		return append(appendFraction(b, u/1e3, u%1e3, 3), "µs"...)
	case u < uint64(time.Second):
		return append(appendFraction(b, u/1e6, u%1e6, 6), "ms"...)
	}
	minutes := u / uint64(time.Minute)
	if minutes >= 60 {
		b = append(strconv.AppendUint(b, minutes/60, 10), 'h')
	}
	if minutes > 0 {
		b = append(strconv.AppendUint(b, minutes%60, 10), 'm')
	}
	return append(appendFraction(b, u%uint64(time.Minute)/1e9, u%1e9, 9), 's')
}

// appendFraction writes a number with a fraction of that many digits, of which
// it leaves out zeros at the end.
func appendFraction(b []byte, whole, fraction uint64, digits int) []byte {
	b = strconv.AppendUint(b, whole, 10)
	if fraction == 0 {
		return b
	}
	for fraction%10 == 0 {
		fraction /= 10
		digits--
	}
	b = append(b, ".000000000"[:digits+1]...)
	for i := len(b) - 1; fraction > 0; i-- {
		b[i] = byte('0' + fraction%10)
		fraction /= 10
	}
	return b
}

// resolve gets the value behind LogValuers. What panics becomes an error.
func resolve(v slog.Value) (resolved slog.Value) {
	defer func() {
		if p := recover(); p != nil {
			resolved = slog.StringValue(panicked(p))
		}
	}()
	for range maxDepth {
		if v.Kind() != slog.KindLogValuer {
			return v
		}
		v = v.LogValuer().LogValue()
	}
	return slog.StringValue(tooDeep)
}
