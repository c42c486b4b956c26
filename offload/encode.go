package offload

import (
	"bytes"
	"encoding/gob"
	"fmt"
	"reflect"
)

// encode makes bytes of v, at most so many.
func encode[T any](v T, most int) (body []byte, err error) {
	switch v := any(v).(type) {
	case struct{}:
		return nil, nil
	case []byte:
		body = v
	default:
		if body, err = encodeGob(v); err != nil {
			return nil, fmt.Errorf("%w: %T: %w; send exported fields of plain types, []byte, or a type that is a gob.GobEncoder", ErrEncode, v, err)
		}
	}
	if len(body) > most {
		return nil, fmt.Errorf("%w: %T has %d bytes encoded, and Process.Max is %d", ErrEncode, v, len(body), most)
	}
	return body, nil
}

func encodeGob(v any) (body []byte, err error) {
	if err := shallow(reflect.ValueOf(v), maxDepth); err != nil {
		return nil, err
	}
	defer func() {
		if r := recover(); r != nil { // in a GobEncode
			err = fmt.Errorf("panic in its encoding: %v", r)
		}
	}()
	var buffer bytes.Buffer
	err = gob.NewEncoder(&buffer).Encode(v)
	return buffer.Bytes(), err
}

func decode[T any](body []byte) (v T, err error) {
	switch v := any(&v).(type) {
	case *struct{}:
	case *[]byte:
		*v = body
	default:
		if err = gob.NewDecoder(bytes.NewReader(body)).Decode(v); err != nil {
			err = fmt.Errorf("%w: decode %T: %w", ErrEncode, v, err)
		}
	}
	return v, err
}

// maxDepth is how deep a value may be nested. Gob itself follows a cycle until
// the stack is full, which ends the program.
const maxDepth = 1000

var errDeep = fmt.Errorf("it is nested deeper than %d: it may point to itself", maxDepth)

// shallow returns errDeep if v is nested too deep for gob.
func shallow(v reflect.Value, depth int) error {
	if !v.IsValid() || !canNest(v.Type()) || encodesItself(v.Type()) {
		return nil
	}
	if depth == 0 {
		return errDeep
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		return shallow(v.Elem(), depth-1)
	case reflect.Struct:
		for i := range v.NumField() {
			if !v.Type().Field(i).IsExported() {
				continue
			}
			if err := shallow(v.Field(i), depth-1); err != nil {
				return err
			}
		}
	case reflect.Slice, reflect.Array:
		if !canNest(v.Type().Elem()) {
			return nil
		}
		for i := range v.Len() {
			if err := shallow(v.Index(i), depth-1); err != nil {
				return err
			}
		}
	case reflect.Map:
		for entry := v.MapRange(); entry.Next(); {
			if err := shallow(entry.Value(), depth-1); err != nil {
				return err
			}
		}
	}
	return nil
}

func canNest(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Pointer, reflect.Interface, reflect.Struct, reflect.Slice, reflect.Array, reflect.Map:
		return true
	}
	return false
}

func encodesItself(t reflect.Type) bool {
	return t.Implements(reflect.TypeFor[gob.GobEncoder]()) || reflect.PointerTo(t).Implements(reflect.TypeFor[gob.GobEncoder]())
}
