package meta

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"sync"
	"time"

	"github.com/support-go/support/meta/data"
)

// Source is a process that can be asked for its pages.
type Source struct {
	Name string // w1

	// Fetch returns the wire form of the page at a path, as Serve writes it. It
	// must end when ctx does.
	Fetch func(ctx context.Context, path, query string) (io.ReadCloser, error)

	// Do carries out a command of this process, and returns the wire form of what
	// it has said, as ServeCommands writes it. It may be nil.
	Do func(ctx context.Context, command string, args url.Values) (io.ReadCloser, error)
}

// thisProgram is the name of a source that is the program which shows itself.
const thisProgram = "this"

// local is that source.
func local(pages []Page, commands []Command) Source {
	busy := make(chan struct{}, atOnce)
	return Source{Name: thisProgram, Do: localDo(commands), Fetch: func(ctx context.Context, path, query string) (io.ReadCloser, error) {
		values, err := url.ParseQuery(query)
		if err != nil {
			return nil, err
		}
		page, values := find(pages, path, values)
		if page == nil {
			return nil, errors.New("no such page")
		}
		v, err := page.inTime(ctx, values, busy)
		if err != nil {
			return nil, err
		}
		b, err := data.Encode(v)
		return io.NopCloser(bytes.NewReader(b)), err
	}}
}

// answer is what a source has said, or why not.
type answer struct {
	name string
	view View
	err  error
	took time.Duration
}

// ask asks all sources for a page at the same time, and waits until each has
// answered or ctx has ended.
func ask(ctx context.Context, sources []Source, path string, query url.Values) []answer {
	answers := make([]answer, len(sources))
	var all sync.WaitGroup
	for i, s := range sources {
		all.Go(func() {
			began := time.Now()
			v, err := s.view(ctx, path, query.Encode())
			answers[i] = answer{name: s.Name, view: v, err: err, took: time.Since(began)}
		})
	}
	all.Wait()
	return answers
}

func (s *Source) view(ctx context.Context, path, query string) (View, error) {
	r, err := s.Fetch(ctx, path, query)
	if err != nil {
		return View{}, err
	}
	defer r.Close()
	v, err := data.Decode(r)
	if err != nil {
		return View{}, fmt.Errorf("read what %s has answered: %w", s.Name, err)
	}
	return v, nil
}
