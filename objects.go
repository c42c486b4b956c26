package support

import (
	"context"
	"errors"
	"fmt"

	"github.com/support-go/support/meta/objects"
)

// Object hands a value out to the page Objects of Meta, and to expressions, under
// a name of letters, digits and underscores. The function runs in each process
// that serves, each time that somebody looks, and returns a value that nobody
// changes any more: made for the purpose, or copied under whatever lock guards
// it, as reading a map that is written at the same time ends the process. What
// is shown is a copy of bounded size, without secrets; see package meta/objects.
func (g *Group) Object(name string, value func(ctx context.Context) (any, error)) {
	g.objects = append(g.objects, objects.Root{Name: name, Get: value})
}

// checkObjects finds objects that could not be shown.
func (g *Group) checkObjects() error {
	var problems []error
	seen := make(map[string]bool)
	for _, o := range g.objects {
		problems = append(problems, o.Check())
		if seen[o.Name] {
			problems = append(problems, fmt.Errorf("object %q: there are two of that name", o.Name))
		}
		seen[o.Name] = true
	}
	return errors.Join(problems...)
}
