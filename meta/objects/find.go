package objects

import (
	"fmt"
	"reflect"
	"strconv"
	"time"
)

// find follows a path from v, and shows what is there.
func find(v any, steps []string) (*node, error) {
	l := browse()
	w := walker{limits: l, left: l.nodes, until: time.Now().Add(l.time)}
	at, name := reflect.ValueOf(v), ""
	for i, step := range steps {
		if !at.IsValid() || secret(name, at.Type()) {
			return nil, fmt.Errorf("nothing can be seen below step %d of the path", i)
		}
		var note string
		if at, note = w.through(at); note != "" || secret("", at.Type()) {
			return nil, fmt.Errorf("nothing can be seen below step %d of the path: %s", i, note)
		}
		next := w.step(at, step)
		if !next.IsValid() {
			return nil, fmt.Errorf("there is no %q in a value of the type %v", clip(step, 80), at.Type())
		}
		at, name = next, step
	}
	return w.node(name, at, l.depth), nil
}

// step returns the part of v that has a name.
func (w *walker) step(v reflect.Value, name string) reflect.Value {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).Name == name {
				return v.Field(i)
			}
		}
	case reflect.Map:
		for _, e := range w.entries(v) {
			if e.name == name {
				return e.value
			}
		}
	case reflect.Slice, reflect.Array:
		if i, err := strconv.Atoi(name); err == nil && i >= 0 && i < v.Len() {
			return v.Index(i)
		}
	}
	return reflect.Value{}
}
