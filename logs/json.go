package logs

import (
	"context"
	"log/slog"
	"math"
	"slices"
	"strconv"
	"time"
)

// jsonRecord puts a record, or what With adds to each, together as JSON.
type jsonRecord struct {
	*Handler
	b       []byte
	pending []string
	opened  int
}

func (h *Handler) appendJSON(b []byte, ctx context.Context, r *slog.Record) []byte {
	b = append(b, '{')
	if s := h.shared.secondOf(r.Time); s != nil && !r.Time.IsZero() {
		b = append(b, `"time":"`...)
		b = append(append(b, s.date...), s.clock...)
		b = append(append(appendDigits(b, r.Time.Nanosecond()/1000, 6), s.offset...), `",`...)
	}
	b = append(b, `"level":"`...)
	b = append(append(b, r.Level.String()...), `","msg":"`...)
	b = append(appendEscaped(b, maskURLs(shorten(r.Message, h.options.MaxValue)), true), '"')
	j := jsonRecord{Handler: h, b: b}
	h.records(ctx, r, func(a slog.Attr) { j.attr(a, 0) })
	j.b = append(j.b, h.attrs...)
	j.pending, j.opened = h.pending, h.opened
	start, left := len(j.b), 0
	r.Attrs(func(a slog.Attr) bool {
		if len(j.b)-start > h.options.MaxRecord {
			left++
			return true
		}
		j.attr(a, 0)
		return true
	})
	if left > 0 {
		j.attr(slog.Int("attributes_left_out", left), 0)
	}
	for range j.opened + 1 {
		j.b = append(j.b, '}')
	}
	return append(j.b, '\n')
}

// open opens the groups that have waited for their first member.
func (j *jsonRecord) open() {
	for _, name := range j.pending {
		j.name(name)
		j.b = append(j.b, '{')
		j.opened++
	}
	j.pending = nil
}

// name begins a member of an object.
func (j *jsonRecord) name(key string) {
	if n := len(j.b); n > 0 && j.b[n-1] != '{' {
		j.b = append(j.b, ',')
	} else if n == 0 { // the attributes of With follow the message
		j.b = append(j.b, ',')
	}
	j.b = append(j.b, '"')
	j.b = append(appendEscaped(j.b, shorten(key, j.options.MaxValue), true), '"', ':')
}

func (j *jsonRecord) attr(a slog.Attr, depth int) {
	v := a.Value
	if v.Kind() == slog.KindLogValuer {
		v = resolve(v)
	}
	switch {
	case v.Kind() == slog.KindGroup:
		j.group(a.Key, v.Group(), depth)
	case a.Key == "" && v.Kind() == slog.KindAny && v.Any() == nil:
	default:
		j.open()
		j.name(a.Key)
		j.value(a.Key, v)
	}
}

// group writes a group, or takes it back if it turns out to be empty.
func (j *jsonRecord) group(key string, attrs []slog.Attr, depth int) {
	switch {
	case len(attrs) == 0:
		return
	case depth >= maxDepth:
		j.attr(slog.String(key, tooDeep), depth)
		return
	case j.masks(key):
		j.attr(slog.String(key, mask), depth)
		return
	case key == "":
		for _, a := range attrs {
			j.attr(a, depth+1)
		}
		return
	}
	before := *j
	j.open()
	j.name(key)
	j.b = append(j.b, '{')
	start := len(j.b)
	for i, a := range attrs {
		if len(j.b)-start > j.options.MaxRecord {
			j.attr(slog.Int("attributes_left_out", len(attrs)-i), depth)
			break
		}
		j.attr(a, depth+1)
	}
	if len(j.b) == start {
		j.b, j.pending, j.opened = j.b[:len(before.b)], slices.Clone(before.pending), before.opened
		return
	}
	j.b = append(j.b, '}')
}

func (j *jsonRecord) value(key string, v slog.Value) {
	if j.masks(key) {
		j.b = append(j.b, `"`+mask+`"`...)
		return
	}
	switch v.Kind() {
	case slog.KindString:
		j.text(v.String())
	case slog.KindInt64:
		j.b = strconv.AppendInt(j.b, v.Int64(), 10)
	case slog.KindUint64:
		j.b = strconv.AppendUint(j.b, v.Uint64(), 10)
	case slog.KindFloat64:
		if f := v.Float64(); math.IsNaN(f) || math.IsInf(f, 0) {
			j.text(strconv.FormatFloat(f, 'g', -1, 64))
		} else {
			j.b = strconv.AppendFloat(j.b, f, 'g', -1, 64)
		}
	case slog.KindBool:
		j.b = strconv.AppendBool(j.b, v.Bool())
	case slog.KindDuration:
		j.b = strconv.AppendInt(j.b, int64(v.Duration()), 10)
	case slog.KindTime:
		j.b = append(v.Time().AppendFormat(append(j.b, '"'), time.RFC3339Nano), '"')
	default:
		w := walker{b: j.b, handler: j.Handler, limit: len(j.b) + j.options.MaxValue}
		text, broken := w.walk(v.Any())
		if j.b = w.b; broken {
			j.text(text)
		}
	}
}

func (j *jsonRecord) text(s string) {
	j.b = append(j.b, '"')
	j.b = append(appendEscaped(j.b, maskURLs(shorten(s, j.options.MaxValue)), true), '"')
}
