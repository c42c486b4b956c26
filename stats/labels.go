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
		id = append(append(id, 0), l...)
	}
	return id
}

// parseLabels returns labels sorted by key, with clean values.
func parseLabels(name string, labels []string) []Label {
	if err := CheckName(name); err != nil {
		panic(err)
	}
	if len(labels)%2 != 0 || len(labels) > 2*maxLabels {
		panic(fmt.Errorf("%w: %q has %d strings for labels; give up to %d pairs of key and value", ErrName, name, len(labels), maxLabels))
	}
	var parsed []Label
	for i := 0; i < len(labels); i += 2 {
		if err := CheckName(labels[i]); err != nil {
			panic(fmt.Errorf("label of %q: %w", name, err))
		}
		parsed = append(parsed, Label{labels[i], strings.Clone(cleanValue(labels[i+1]))})
	}
	slices.SortFunc(parsed, func(a, b Label) int { return strings.Compare(a.Key, b.Key) })
	return parsed
}

func (l Limits) orDefaults() Limits {
	def := func(v *int, d int) {
		if *v <= 0 {
			*v = d
		}
	}
	def(&l.Names, 2000)
	def(&l.PerName, 100)
	def(&l.Series, 10_000)
	return l
}

func idOf(name string, labels []Label) string {
	flat := make([]string, 0, 2*len(labels))
	for _, l := range labels {
		flat = append(flat, l.Key, l.Value)
	}
	return string(appendID(nil, name, flat))
}
