package objects

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"time"

	"github.com/support-go/support/meta/data"
)

// limits of one walk.
type limits struct {
	depth int // levels below the value
	parts int // of one value
	nodes int // in all
	text  int // bytes of one string
	time  time.Duration
}

// overview is for a line about a value, browse for the parts of one, and deep
// for a copy with which to compute.
func overview() limits {
	return limits{depth: 1, parts: 8, nodes: 64, text: 64, time: 20 * time.Millisecond}
}
func browse() limits {
	return limits{depth: 2, parts: 1000, nodes: 10_000, text: 2048, time: 100 * time.Millisecond}
}

func deep() limits {
	return limits{depth: 10, parts: 2000, nodes: 5000, text: 1024, time: 100 * time.Millisecond}
}

// node is what is known of a value.
type node struct {
	name   string // by which its parent knows it: a field, a key, an index
	kind   string // its type
	value  any    // of what has no parts: nil, bool, float64, string
	note   string // why there is no more to see: "masked", "a cycle", …
	length int    // of what has parts, of a string in bytes
	quoted bool   // it is text, and no number that is too long, nor a time
	list   bool   // its parts have an order and no names
	more   int    // parts that are not among these
	parts  []*node
	found  bool // the parts were looked at
}

// walker makes nodes of values. It calls no method of theirs.
type walker struct {
	limits
	left  int // nodes
	until time.Time
	above []visited // the values that hold the one that is looked at
}

// visited is something that can hold itself.
type visited struct {
	at  uintptr
	of  reflect.Type
	len int
}

// picture is what can be seen of v within limits.
func picture(v any, l limits) *node {
	w := walker{limits: l, left: l.nodes, until: time.Now().Add(l.time)}
	return w.node("", reflect.ValueOf(v), l.depth)
}

func (w *walker) node(name string, v reflect.Value, depth int) *node {
	w.left--
	n := &node{name: name}
	if !v.IsValid() {
		n.kind, n.note = "nil", "nil"
		return n
	}
	n.kind = v.Type().String()
	if secret(name, v.Type()) {
		n.value, n.note = masked(v), "masked"
		return n
	}
	height := len(w.above)
	defer func() { w.above = w.above[:height] }()
	v, n.note = w.through(v)
	switch {
	case n.note != "":
	case secret("", v.Type()):
		n.value, n.note = masked(v), "masked"
	case !w.scalar(n, v):
		w.compound(n, v, depth)
	}
	return n
}

// through follows pointers and interfaces, and says if they lead nowhere or
// back.
func (w *walker) through(v reflect.Value) (to reflect.Value, note string) {
	for {
		switch v.Kind() {
		case reflect.Pointer, reflect.Interface:
			if v.IsNil() {
				return v, "nil"
			}
			if v.Kind() == reflect.Pointer && !w.enter(visited{v.Pointer(), v.Type(), 0}) {
				return v, "a cycle: it is one of those that hold it"
			}
			v = v.Elem()
		case reflect.Map, reflect.Slice:
			switch {
			case v.IsNil():
				return v, "nil"
			case v.Len() > 0 && !w.enter(visited{v.Pointer(), v.Type(), v.Len()}):
				return v, "a cycle: it is one of those that hold it"
			}
			return v, ""
		default:
			return v, ""
		}
	}
}

func (w *walker) enter(v visited) bool {
	if slices.Contains(w.above, v) {
		return false
	}
	w.above = append(w.above, v)
	return true
}

// exact is the largest integer up to which float64 has all of them.
const exact = 1 << 53

// scalar reads a value that has no parts, and says whether it is one.
func (w *walker) scalar(n *node, v reflect.Value) bool {
	if v.Type() == reflect.TypeFor[time.Time]() && v.CanInterface() {
		n.value = v.Interface().(time.Time).UTC().Format(time.RFC3339Nano)
		return true
	}
	switch v.Kind() {
	case reflect.Bool:
		n.value = v.Bool()
	case reflect.String:
		n.value, n.length, n.quoted = w.cut(v.String()), v.Len(), true
	case reflect.Float32, reflect.Float64:
		n.value = v.Float()
	case reflect.Complex64, reflect.Complex128:
		n.value = fmt.Sprint(v.Complex())
	case reflect.Chan:
		n.note = fmt.Sprintf("%d of %d in it", v.Len(), v.Cap())
	case reflect.Func, reflect.UnsafePointer:
		n.note = "set"
		if v.IsZero() {
			n.note = "nil"
		}
	default:
		return w.number(n, v) || w.bytes(n, v)
	}
	return true
}

func (w *walker) number(n *node, v reflect.Value) bool {
	switch {
	case v.Type() == reflect.TypeFor[time.Duration]():
		n.value = time.Duration(v.Int()).String()
	case v.CanInt() && v.Int() <= exact && v.Int() >= -exact:
		n.value = float64(v.Int())
	case v.CanInt():
		n.value = strconv.FormatInt(v.Int(), 10)
	case v.CanUint() && v.Uint() <= exact:
		n.value = float64(v.Uint())
	case v.CanUint():
		n.value = strconv.FormatUint(v.Uint(), 10)
	default:
		return false
	}
	return true
}

// bytes shows bytes as text, of which what cannot be seen is replaced.
func (w *walker) bytes(n *node, v reflect.Value) bool {
	if v.Kind() != reflect.Slice || v.Type().Elem().Kind() != reflect.Uint8 {
		return false
	}
	n.length, n.quoted = v.Len(), true
	n.value = w.cut(string(v.Slice(0, min(v.Len(), w.text+1)).Bytes()))
	return true
}

func (w *walker) cut(s string) string { return withoutPasswords(clip(s, w.text)) }

// compound looks at the parts of a value, if it may.
func (w *walker) compound(n *node, v reflect.Value, depth int) {
	switch v.Kind() {
	case reflect.Struct:
		n.length = v.NumField()
	case reflect.Map, reflect.Slice, reflect.Array:
		n.length = v.Len()
		n.list = v.Kind() != reflect.Map
	default:
		n.note = "of a kind that cannot be shown"
		return
	}
	if depth == 0 {
		return
	}
	n.found = true
	for name, part := range w.partsOf(v) {
		if len(n.parts) == w.parts || w.left <= 0 || len(n.parts)%64 == 63 && time.Now().After(w.until) {
			n.more = n.length - len(n.parts)
			return
		}
		n.parts = append(n.parts, w.node(name, part, depth-1))
	}
}

// partsOf goes through fields, elements or entries, these in the order of their
// keys.
func (w *walker) partsOf(v reflect.Value) func(yield func(string, reflect.Value) bool) {
	return func(yield func(string, reflect.Value) bool) {
		switch v.Kind() {
		case reflect.Struct:
			for i := range v.NumField() {
				if !yield(v.Type().Field(i).Name, v.Field(i)) {
					return
				}
			}
		case reflect.Map:
			for _, e := range w.entries(v) {
				if !yield(e.name, e.value) {
					return
				}
			}
		default:
			for i := range v.Len() {
				if !yield(strconv.Itoa(i), v.Index(i)) {
					return
				}
			}
		}
	}
}

type entry struct {
	name  string
	value reflect.Value
}

// maxSort bounds how many entries of a map are sorted; of a larger one those
// that come first are shown, which may be others each time.
const maxSort = 20_000

func (w *walker) entries(v reflect.Value) []entry {
	var all []entry
	for iter := v.MapRange(); iter.Next() && len(all) < maxSort; {
		all = append(all, entry{w.key(iter.Key()), iter.Value()})
	}
	slices.SortFunc(all, func(a, b entry) int {
		x, errX := strconv.ParseFloat(a.name, 64)
		y, errY := strconv.ParseFloat(b.name, 64)
		if errX == nil && errY == nil {
			return cmp.Compare(x, y)
		}
		return cmp.Compare(a.name, b.name)
	})
	return all
}

// key is the name of an entry.
func (w *walker) key(k reflect.Value) string {
	inner := walker{limits: limits{depth: 1, parts: 8, nodes: 16, text: maxStep, time: time.Millisecond}, left: 16, until: w.until}
	n := inner.node("", k, 1)
	if s, ok := n.value.(string); ok {
		return s
	}
	return n.line()
}

// secret says whether a value is one, by the name of what holds it or by its
// type.
func secret(name string, t reflect.Type) bool {
	if name != "" && data.Secret(name) {
		return true
	}
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t.PkgPath() {
	case "crypto/rsa", "crypto/ecdsa", "crypto/ed25519", "crypto/ecdh", "crypto/dsa":
		return t.Name() == "PrivateKey"
	case "net/url":
		return t.Name() == "Userinfo"
	case "github.com/support-go/support/logs":
		return t.Name() == "Secret"
	}
	return false
}

func masked(v reflect.Value) string {
	if v.IsZero() {
		return "not set"
	}
	return "set, masked"
}
