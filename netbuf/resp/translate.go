package resp

// Value writes v as Protocol has it, so that a value of version 3 can be given
// to a peer of version 2. Attributes, which version 2 has no place for, are left
// out there; strings and aggregates that were streamed are written whole.
func (w *Writer) Value(v Value) {
	if w.Protocol >= 3 {
		w.attributesOf(v)
	}
	switch v.Kind() {
	case Null:
		w.Null()
	case Bool:
		w.Bool(v.Bool())
	case BulkString:
		w.Bulk(v.Bytes())
	case Double, BigNumber:
		w.number(v.Kind(), v.Bytes())
	case BulkError:
		w.BulkError(string(v.Bytes()))
	case Verbatim:
		w.Verbatim(string(v.Format()), string(v.Bytes()))
	case Array, Set, Push:
		n := v.Len()
		w.container(v.Kind(), n, n)
		w.elements(v)
	case Map:
		w.Map(v.Len())
		w.elements(v)
	default: // a line that both versions have
		w.send(v.body())
	}
}

func (w *Writer) elements(v Value) {
	for element := range v.Elements() {
		w.Value(element)
	}
}

// attributesOf writes the attributes of v, all as one.
func (w *Writer) attributesOf(v Value) {
	n := 0
	for range v.Attributes() {
		n++
	}
	if n == 0 {
		return
	}
	w.Attributes(n)
	for key, value := range v.Attributes() {
		w.Value(key)
		w.Value(value)
	}
}
