package logs

import (
	"bytes"
	"cmp"
	"encoding"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// appendAny writes a value that slog knows nothing about: as a text if it has
// a form of its own or is one, else as JSON.
func (h *Handler) appendAny(b []byte, v any) []byte {
	w := walker{b: b, handler: h, limit: len(b) + h.options.MaxValue}
	if text, ok := w.own(v); ok {
		return h.appendString(b, text)
	}
	rv := reflect.ValueOf(v)
	for rv.Kind() == reflect.Pointer && !rv.IsNil() {
		rv = rv.Elem()
	}
	switch rv.Kind() {
	case reflect.Bool:
		return strconv.AppendBool(b, rv.Bool())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return strconv.AppendInt(b, rv.Int(), 10)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return strconv.AppendUint(b, rv.Uint(), 10)
	case reflect.Float32, reflect.Float64:
		return appendFloat(b, rv.Float())
	case reflect.String:
		return h.appendString(b, rv.String())
	case reflect.Map, reflect.Slice, reflect.Array, reflect.Struct:
	case reflect.Invalid, reflect.Pointer, reflect.Interface:
		return append(b, "nil"...)
	default:
		return h.appendString(b, rv.Type().String())
	}
	if (rv.Kind() == reflect.Map || rv.Kind() == reflect.Slice) && rv.IsNil() {
		return append(b, "nil"...)
	}
	if text, broken := w.walk(v); broken {
		return h.appendString(b, text)
	}
	return w.b
}

// walker writes a value as JSON, within bounds of depth and length, and without
// what is secret. What is too much is left out and said.
type walker struct {
	b       []byte
	handler *Handler
	limit   int // of b, after which nothing is begun
}

// walk writes v. If one of its methods panics, it returns a text instead.
func (w *walker) walk(v any) (text string, broken bool) {
	start := len(w.b)
	defer func() {
		if p := recover(); p != nil {
			w.b = w.b[:start]
			text, broken = panicked(p), true
		}
	}()
	w.value(reflect.ValueOf(v), 0)
	return "", false
}

func panicked(p any) (text string) {
	defer func() {
		if recover() != nil {
			text = "!panic"
		}
	}()
	return shorten(fmt.Sprintf("!panic: %v", p), 1024)
}

// own is the text that a value gives of itself, if it does.
func (w *walker) own(v any) (text string, ok bool) {
	defer func() {
		if p := recover(); p != nil {
			text, ok = panicked(p), true
			if rv := reflect.ValueOf(v); rv.Kind() == reflect.Pointer && rv.IsNil() {
				text = "<nil>"
			}
		}
	}()
	switch v := v.(type) {
	case slog.LogValuer:
		switch resolved := resolve(slog.AnyValue(v)); resolved.Kind() {
		case slog.KindGroup, slog.KindAny:
			return fmt.Sprintf("%T", v), true
		default:
			return resolved.String(), true
		}
	case json.Marshaler:
		return "", false
	case error:
		return v.Error(), true
	case encoding.TextMarshaler:
		text, err := v.MarshalText()
		if err != nil {
			return "!error: " + err.Error(), true
		}
		return string(text), true
	case fmt.Stringer:
		return v.String(), true
	case []byte:
		return string(v), true
	case *slog.Source:
		return shortFile(v.File) + ":" + strconv.Itoa(v.Line), true
	}
	return "", false
}

func (w *walker) text(s string) {
	w.b = append(w.b, '"')
	w.b = appendEscaped(w.b, maskURLs(shorten(s, max(64, w.limit-len(w.b)))), true)
	w.b = append(w.b, '"')
}

func (w *walker) value(v reflect.Value, depth int) {
	if !v.IsValid() {
		w.b = append(w.b, "null"...)
		return
	}
	if depth > maxDepth {
		w.text(tooDeep)
		return
	}
	if v.CanInterface() {
		if lv, ok := v.Interface().(slog.LogValuer); ok {
			w.resolved(resolve(slog.AnyValue(lv)), depth)
			return
		}
		if m, ok := v.Interface().(json.Marshaler); ok && !(v.Kind() == reflect.Pointer && v.IsNil()) {
			w.marshaler(m)
			return
		}
		if text, ok := w.own(v.Interface()); ok {
			w.text(text)
			return
		}
	}
	switch v.Kind() {
	case reflect.Bool:
		w.b = strconv.AppendBool(w.b, v.Bool())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		w.b = strconv.AppendInt(w.b, v.Int(), 10)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		w.b = strconv.AppendUint(w.b, v.Uint(), 10)
	case reflect.Float32, reflect.Float64:
		w.float(v.Float())
	case reflect.String:
		w.text(v.String())
	case reflect.Pointer, reflect.Interface:
		w.value(v.Elem(), depth+1)
	case reflect.Struct:
		w.structure(v, depth)
	case reflect.Map:
		w.mapping(v, depth)
	case reflect.Slice, reflect.Array:
		w.list(v, depth)
	default:
		w.text(v.Type().String())
	}
}

// resolved writes what is behind a LogValuer.
func (w *walker) resolved(v slog.Value, depth int) {
	if v.Kind() == slog.KindGroup {
		w.group(v.Group(), depth)
		return
	}
	w.value(reflect.ValueOf(v.Any()), depth+1)
}

func (w *walker) group(attrs []slog.Attr, depth int) {
	if depth > maxDepth {
		w.text(tooDeep)
		return
	}
	w.b = append(w.b, '{')
	first := true
	for i, a := range attrs {
		if w.full() {
			w.leftOut(&first, len(attrs)-i)
			break
		}
		w.member(&first, a.Key)
		if w.handler.masks(a.Key) {
			w.text(mask)
			continue
		}
		w.resolved(resolve(a.Value), depth+1)
	}
	w.b = append(w.b, '}')
}

// marshaler takes the JSON that a value makes of itself, if it is any.
func (w *walker) marshaler(m json.Marshaler) {
	raw, err := m.MarshalJSON()
	var compact bytes.Buffer
	if err == nil {
		err = json.Compact(&compact, raw)
	}
	switch {
	case err != nil:
		w.text("!error: " + err.Error())
	case compact.Len() > w.limit-len(w.b):
		w.text(compact.String())
	default:
		w.b = appendSafeJSON(w.b, compact.String())
	}
}

// appendSafeJSON escapes what a terminal would not print. Valid JSON has such
// runes only inside of texts, where an escape means the same.
func appendSafeJSON(b []byte, s string) []byte {
	for _, part := range strings.SplitAfter(s, `\`) {
		slash := strings.HasSuffix(part, `\`)
		part = strings.TrimSuffix(part, `\`)
		for i, text := range strings.Split(part, `"`) {
			if i > 0 {
				b = append(b, '"')
			}
			b = appendEscaped(b, text, true)
		}
		if slash {
			b = append(b, '\\')
		}
	}
	return b
}

func (w *walker) float(f float64) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		w.text(strconv.FormatFloat(f, 'g', -1, 64))
		return
	}
	w.b = strconv.AppendFloat(w.b, f, 'g', -1, 64)
}

func (w *walker) full() bool { return len(w.b) >= w.limit }

func (w *walker) structure(v reflect.Value, depth int) {
	w.b = append(w.b, '{')
	first, left := true, 0
	for i := range v.NumField() {
		field := v.Type().Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if !field.IsExported() || name == "-" {
			continue
		}
		if w.full() {
			left++
			continue
		}
		name = cmp.Or(name, field.Name)
		w.member(&first, name)
		w.secretOr(name, v.Field(i), depth)
	}
	if left > 0 {
		w.leftOut(&first, left)
	}
	w.b = append(w.b, '}')
}

// member begins a member of an object.
func (w *walker) member(first *bool, name string) {
	if !*first {
		w.b = append(w.b, ',')
	}
	*first = false
	w.text(name)
	w.b = append(w.b, ':')
}

func (w *walker) secretOr(name string, v reflect.Value, depth int) {
	if w.handler.masks(name) {
		w.text(mask)
		return
	}
	w.value(v, depth+1)
}

// maxMembers bounds what is sorted of a map.
const maxMembers = 1000

func (w *walker) mapping(v reflect.Value, depth int) {
	type entry struct {
		name  string
		value reflect.Value
	}
	var entries []entry
	for all := v.MapRange(); len(entries) < maxMembers && all.Next(); {
		entries = append(entries, entry{w.keyOf(all.Key()), all.Value()})
	}
	slices.SortFunc(entries, func(x, y entry) int { return strings.Compare(x.name, y.name) })
	w.b = append(w.b, '{')
	first := true
	for i, e := range entries {
		if w.full() {
			w.leftOut(&first, v.Len()-i)
			break
		}
		w.member(&first, e.name)
		w.secretOr(e.name, e.value, depth)
		if i == maxMembers-1 && v.Len() > maxMembers {
			w.leftOut(&first, v.Len()-maxMembers)
		}
	}
	w.b = append(w.b, '}')
}

func (w *walker) leftOut(first *bool, n int) {
	if !*first {
		w.b = append(w.b, ',')
	}
	*first = false
	w.b = append(w.b, `"…":"`...)
	w.b = append(strconv.AppendInt(w.b, int64(n), 10), ` left out"`...)
}

func (w *walker) keyOf(k reflect.Value) string {
	if k.CanInterface() {
		if text, ok := w.own(k.Interface()); ok {
			return text
		}
	}
	switch k.Kind() {
	case reflect.String:
		return k.String()
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return strconv.FormatInt(k.Int(), 10)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return strconv.FormatUint(k.Uint(), 10)
	}
	return shorten(fmt.Sprint(k), 256)
}

func (w *walker) list(v reflect.Value, depth int) {
	w.b = append(w.b, '[')
	for i := range v.Len() {
		if i > 0 {
			w.b = append(w.b, ',')
		}
		if w.full() {
			w.text(strconv.Itoa(v.Len()-i) + " left out")
			break
		}
		w.value(v.Index(i), depth+1)
	}
	w.b = append(w.b, ']')
}
