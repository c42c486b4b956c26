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

	silent bool // it gives no sign of life
}

// thisProgram is the name of a source that is the program which shows itself.
const thisProgram = "this"

// local is that source.
func local(pages []Page, commands []Command) Source {
	var running looks
	return Source{Name: thisProgram, Do: localDo(commands), Fetch: func(ctx context.Context, path, query string) (io.ReadCloser, error) {
		values, err := url.ParseQuery(query)
		if err != nil {
			return nil, err
		}
		page, values := find(pages, path, values)
		if page == nil {
			return nil, errors.New("no such page")
		}
		v, err := page.inTime(ctx, values, &running)
		if err != nil {
			return nil, err
		}
		b, err := data.Encode(v)
		return io.NopCloser(bytes.NewReader(b)), err
	}}
}

// answer is what a source has said, or why not.
type answer struct {
	name    string
	view    View
	encoded []byte
	err     error
	took    time.Duration
	last    time.Time // of err: when it has answered the same question before, with view
}

// ask asks all sources for a page at the same time, and waits until each has
// answered or ctx has ended.
func ask(ctx context.Context, sources []Source, path string, query url.Values) []answer {
	answers := make([]answer, len(sources))
	var all sync.WaitGroup
	for i, s := range sources {
		all.Go(func() { answers[i] = s.ask(ctx, path, query.Encode()) })
	}
	all.Wait()
	return answers
}

// briefly is how long an answer of a process is waited for that gives no sign of
// life.
const briefly = 300 * time.Millisecond

func (s *Source) ask(ctx context.Context, path, query string) answer {
	if s.silent {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, briefly)
		defer cancel()
	}
	a := answer{name: s.Name}
	began := time.Now()
	a.encoded, a.err = s.read(ctx, path, query)
	if a.err == nil {
		a.view, a.err = data.Decode(bytes.NewReader(a.encoded))
	}
	a.took = time.Since(began)
	return a
}

// view is what the source answers.
func (s *Source) view(ctx context.Context, path, query string) (View, error) {
	a := s.ask(ctx, path, query)
	return a.view, a.err
}

func (s *Source) read(ctx context.Context, path, query string) ([]byte, error) {
	r, err := s.Fetch(ctx, path, query)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(r, data.MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read what %s has answered: %w", s.Name, err)
	}
	return b, nil
}
