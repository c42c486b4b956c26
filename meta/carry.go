package meta

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/support-go/support/meta/data"
)

// commandTime is how long a command may take before the page says that it is
// still going on.
const commandTime = time.Minute

// errNoWorker says that nobody could carry a command out.
var errNoWorker = errors.New("no worker takes this command now")

// ErrNotHere is the error of a Command that has nothing to do in this process:
// what it was asked for may be in another worker.
var ErrNotHere = errors.New("meta: there is no such thing here")

// view runs the command in this process. A panic in it is its error.
func (c *Command) view(ctx context.Context, call Call) (View, error) {
	page := Page{Title: c.title(), Run: func(ctx context.Context, _ url.Values) (any, error) { return c.Run(ctx, call) }}
	return page.view(ctx, nil)
}

// ServeCommands returns a handler that carries commands out for whoever shows
// this process, as a Source's Do asks: by a POST to the command's name. It asks
// nobody who he is, and so belongs on a private socket.
func ServeCommands(commands []Command) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := findCommand(commands, strings.TrimPrefix(r.URL.Path, "/"))
		if c == nil {
			http.NotFound(w, r)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		if err := r.ParseForm(); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		b, err := c.answer(r.Context(), r.PostForm)
		switch {
		case errors.Is(err, ErrNotHere):
			http.NotFound(w, r)
			return
		case err != nil:
			http.Error(w, err.Error(), http.StatusConflict)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(b) // whoever asked may have gone
	})
}

// answer runs the command with what was sent, and returns the wire form of what
// it says.
func (c *Command) answer(ctx context.Context, sent url.Values) ([]byte, error) {
	by := sent.Get(byInput)
	sent.Del(byInput)
	call, err := c.call(c.inputs(), sent)
	if err != nil {
		return nil, err
	}
	call.By = by
	v, err := c.view(ctx, call)
	if err != nil {
		return nil, err
	}
	return data.Encode(v)
}

func findCommand(commands []Command, name string) *Command {
	i := slices.IndexFunc(commands, func(c Command) bool { return c.Name == name })
	if i < 0 {
		return nil
	}
	return &commands[i]
}

// localDo is the Do of a program that shows itself.
func localDo(commands []Command) func(context.Context, string, url.Values) (io.ReadCloser, error) {
	return func(ctx context.Context, name string, args url.Values) (io.ReadCloser, error) {
		c := findCommand(commands, name)
		if c == nil {
			return nil, errors.New("no such command")
		}
		b, err := c.answer(ctx, args)
		return io.NopCloser(bytes.NewReader(b)), err
	}
}

// carryOut has a command carried out where it belongs.
func (a *app) carryOut(ctx context.Context, c *Command, call Call) []answer {
	if c.Where == Here {
		return []answer{c.here(ctx, call)}
	}
	args := call.raw()
	if !declares(c, workerInput) {
		args.Del(workerInput)
	}
	args.Set(byInput, call.By)
	worker := call.Text(workerInput)
	every := worker == "" || worker == allWorkers
	var sources []Source
	for _, s := range a.sources(ctx) {
		if s.Do != nil && (every || worker == s.Name) {
			sources = append(sources, s)
		}
	}
	if c.Where == Once {
		sources = sources[:min(1, len(sources))]
	}
	answers := c.doAll(ctx, sources, args)
	if c.Where == All && every && a.Sources != nil {
		own := c.here(ctx, call)
		own.name = "group"
		answers = append(answers, own)
	}
	if len(answers) == 0 {
		return []answer{{err: errNoWorker}}
	}
	return answers
}

// doAll runs the command in all of sources at once.
func (c *Command) doAll(ctx context.Context, sources []Source, args url.Values) []answer {
	answers := make([]answer, len(sources))
	var all sync.WaitGroup
	for i, s := range sources {
		all.Go(func() {
			began := time.Now()
			v, err := s.do(ctx, c.Name, args)
			answers[i] = answer{name: s.Name, view: v, err: err, took: time.Since(began)}
		})
	}
	all.Wait()
	return answers
}

// here runs the command in the process that shows the pages.
func (c *Command) here(ctx context.Context, call Call) answer {
	began := time.Now()
	v, err := c.view(ctx, call)
	return answer{view: v, err: err, took: time.Since(began)}
}

func declares(c *Command, input string) bool {
	return slices.ContainsFunc(c.Inputs, func(in data.Input) bool { return in.Name == input })
}

func (s *Source) do(ctx context.Context, command string, args url.Values) (View, error) {
	r, err := s.Do(ctx, command, args)
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

// outcome is one view of what all have answered, a line for the log, and what
// went wrong.
func outcome(answers []answer) (v View, said string, err error) {
	var good []data.Answer
	var lines []string
	var problems []error
	for _, got := range answers {
		of := ""
		if got.name != "" && got.name != thisProgram {
			of = got.name + ": "
		}
		if got.err != nil {
			problems = append(problems, fmt.Errorf("%s%w", of, got.err))
			continue
		}
		good = append(good, data.Answer{From: got.name, View: got.view})
		if line := result(got.view); line != "" {
			lines = append(lines, of+line)
		}
	}
	for n := range problems { // of those that do not have it, if another has
		if errors.Is(problems[n], ErrNotHere) && len(good) > 0 {
			problems[n] = nil
		}
	}
	v = data.MergeAll(good)
	if len(answers) == 1 && len(good) == 1 {
		v = good[0].View
	}
	err = errors.Join(problems...)
	for _, problem := range problems {
		if problem == nil {
			continue
		}
		v.Blocks = append(v.Blocks, Block{Title: "Not done", Notice: &data.Notice{Text: data.Words(problem.Error())}})
	}
	if line := strings.Join(lines, ", "); len(line) > maxSaid {
		said = strings.ToValidUTF8(line[:maxSaid], "") + "…"
	} else {
		said = line
	}
	return v, said, err
}

// maxSaid bounds what the log keeps of an answer.
const maxSaid = 2 << 10

// result says in one line what a command has answered.
func result(v View) string {
	var all []string
	for _, b := range v.Blocks {
		switch {
		case b.Text != nil:
			line, _, _ := strings.Cut(b.Text.Body, "\n")
			all = append(all, line)
		case b.Table != nil:
			all = append(all, fmt.Sprintf("a table of %d rows", len(b.Table.Rows)))
		case b.Fields != nil:
			all = append(all, fmt.Sprintf("%d fields", len(b.Fields)))
		}
	}
	return strings.Join(all, ", ")
}
