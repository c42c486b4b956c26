package stats

import (
	"fmt"
	"slices"
	"strings"
)

// maxLabels is how many pairs one series may have.
const maxLabels = 8

// Label is a pair of a key and a value.
type Label struct{ Key, Value string }

// appendID makes the key of a series. Only the sorted and clean form of
// labels is ever stored; others are looked up again after cleaning.
func appendID(id []byte, name string, labels []string) []byte {
	id = append(id, name...)
	for _, l := range labels {
		id = appendPart(id, l)
	}
	return id
}

// appendPart puts the length in front, so that no value that a client sends
// looks like two.
func appendPart(id []byte, s string) []byte {
	return append(append(id, byte(len(s)>>8), byte(len(s))), s...)
}

// parseLabels returns labels sorted by key, with clean values.
func parseLabels(name string, labels []string) []Label {
	if err := CheckName(name); err != nil {
		panic(err)
	}
	if len(labels)%2 != 0 || len(labels) > 2*maxLabels {
		panic(fmt.Errorf("%w: %q has %d strings for labels; give up to %d pairs of key and value", ErrName, name, len(labels), maxLabels))
	}
	parsed := make([]Label, 0, len(labels)/2)
	for i := 0; i < len(labels); i += 2 {
		if err := CheckName(labels[i]); err != nil {
			panic(fmt.Errorf("label of %q: %w", name, err))
		}
		parsed = append(parsed, Label{labels[i], cleanValue(labels[i+1])})
	}
	slices.SortFunc(parsed, func(a, b Label) int { return strings.Compare(a.Key, b.Key) })
	for i := 1; i < len(parsed); i++ {
		if parsed[i].Key == parsed[i-1].Key {
			panic(fmt.Errorf("%w: %q has the label %q twice", ErrName, name, parsed[i].Key))
		}
	}
	if len(parsed) == 0 { // as plain as what is decoded
		return nil
	}
	return parsed
}

// idOf is appendID of parsed labels.
func idOf(name string, labels []Label) string {
	id := append(make([]byte, 0, 128), name...)
	for _, l := range labels {
		id = appendPart(appendPart(id, l.Key), l.Value)
	}
	return string(id)
}

// overflowName is where instruments go whose names there is no room for.
func overflowName(k Kind) string { return Overflow + "." + k.String() }

// overflowed returns the labels of the series for what is past a limit.
func overflowed(labels []Label) []Label {
	over := make([]Label, len(labels))
	for i, l := range labels {
		over[i] = Label{l.Key, Overflow}
	}
	return over
}
