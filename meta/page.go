package meta

import (
	"context"
	"fmt"
	"net/url"
	"runtime/debug"

	"github.com/support-go/support/meta/data"
)

// What a page returns is data. These are the types of package meta/data, where
// there are more, such as histograms.
type (
	// View is a page of several blocks.
	View = data.View
	// Block is one part of a View.
	Block = data.Block
	// Table is rows, with columns that say what they hold.
	Table = data.Table
	// Column describes one column of a Table.
	Column = data.Column
	// Cell is a value, with a link or a state.
	Cell = data.Cell
	// Field is a named value.
	Field = data.Field
	// Text is text that is shown as it is.
	Text = data.Text
	// Chart is numbers over time.
	Chart = data.Chart
)

// Page is something that can be looked at. It runs in each process that is
// asked for it, and what it returns is merged as its tags say.
type Page struct {
	Path    string // in addresses: lower case letters and digits; one that ends with a slash gets what follows as the question "name"
	Title   string
	Section Section // of the menu
	Key     string  // a letter that leads there, behind g; may be empty
	Role    Role    // needed to see it; default Viewer
	Cost    Cost    // of one look; default Cheap
	Hidden  bool    // is not in the menu
	Picks   bool    // Run gets the questions "sort" and "q" too, since it returns only some of many rows

	// Run returns what data.From takes: a View, Table, Fields, Text, Chart,
	// struct, map or slice. It should end when ctx does. It must change nothing.
	Run func(ctx context.Context, query url.Values) (any, error)

	// Verdict, if set, says in a sentence what the merged view of all processes
	// means, and is shown first. It runs where the page is shown; nil is nothing.
	Verdict func(View) *data.Verdict

	here bool // runs where it is shown, and not in the workers
}

// Section is a part of the menu.
type Section int

// The parts of the menu, in their order.
const (
	Own    Section = iota // pages of the program itself
	Serves                // what it serves
	Made                  // what it is made of
	Said                  // what it said, and what can be done
)

// Cost says what a look at a page takes.
type Cost int

// The costs. A costly page is shown to one person at a time, and not live.
const (
	Cheap  Cost = iota // under a millisecond for the process asked
	Costly             // more, in proportion to what there is
)

// String returns the cost in lower case.
func (c Cost) String() string {
	if c == Costly {
		return "costly"
	}
	return "cheap"
}

// view runs the page. A panic in it is its error, with the place.
func (p *Page) view(ctx context.Context, query url.Values) (v View, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &panicked{value: fmt.Sprint(r), stack: string(debug.Stack())}
		}
	}()
	got, err := p.Run(ctx, query)
	if err != nil {
		return View{}, err
	}
	return data.From(p.Title, got), nil
}

// verdict says first what a view means. If it cannot, nothing is said.
func (p *Page) verdict(v View) (blocks []Block) {
	if p.Verdict == nil || len(v.Blocks) == 0 {
		return nil
	}
	defer func() {
		if r := recover(); r != nil {
			blocks = []Block{failure("The verdict", &panicked{value: fmt.Sprint(r), stack: string(debug.Stack())})}
		}
	}()
	if said := p.Verdict(v); said != nil {
		return []Block{{Name: "verdict", Verdict: said}}
	}
	return nil
}

// panicked is the error of a page that has panicked.
type panicked struct{ value, stack string }

func (p *panicked) Error() string { return "it panicked: " + p.value }

// inTime runs the page, and does not wait for it longer than ctx lasts. A page
// that does not heed its ctx keeps its goroutine; l counts those.
func (p *Page) inTime(ctx context.Context, query url.Values, l *looks) (View, error) {
	end, err := l.begin(ctx, p)
	if err != nil {
		return View{}, err
	}
	type result struct {
		view View
		err  error
	}
	done := make(chan result, 1) // has room for one that nobody waits for
	go func() {
		defer end()
		v, err := p.view(ctx, query)
		done <- result{v, err}
	}()
	select {
	case r := <-done:
		return r.view, r.err
	case <-ctx.Done():
		return View{}, fmt.Errorf("it did not answer in time: %w", context.Cause(ctx))
	}
}
