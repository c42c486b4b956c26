package admit

import (
	"net/http"
	"strings"
)

// Class says how much a request matters. Those of a higher class are served
// before others, and shed after them.
type Class int8

const (
	// Sheddable is for what may as well come back later.
	Sheddable Class = iota - 1
	// Default is the zero value.
	Default
	// Critical is for such as a login, or a payment that is under way.
	Critical
	classes = 3
)

// String gives the name of the class.
func (c Class) String() string {
	return [classes]string{"sheddable", "default", "critical"}[c.index()]
}

// index is 0 for the least, and takes what is out of range for the nearest.
func (c Class) index() int { return int(min(max(c, Sheddable), Critical) - Sheddable) }

// Prefixes gives requests a class by the beginning of their path; the longest
// prefix that matches counts, and Default where none does.
//
//	admit.Prefixes{"/login": admit.Critical, "/search/suggest": admit.Sheddable}
type Prefixes map[string]Class

// Class is for Policy.Class.
func (p Prefixes) Class(r *http.Request) Class {
	class, length := Default, -1
	for prefix, c := range p {
		if len(prefix) > length && strings.HasPrefix(r.URL.Path, prefix) {
			class, length = c, len(prefix)
		}
	}
	return class
}
