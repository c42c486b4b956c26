package meta

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/support-go/support/meta/data"
)

// actionsPage lists what can be done by a button and what was done; with a name
// it asks whether to do it.
func (a *app) actionsPage(ctx context.Context, q url.Values) (any, error) {
	l := lookOf(ctx)
	if name := q.Get("confirm"); name != "" {
		c := a.command(name)
		if c == nil {
			return nil, errors.New("there is no such action")
		}
		form := a.form(ctx, c, l.who, q)
		form.Button = c.title()
		return Block{Title: c.title() + "?", Form: form}, nil
	}
	blocks := a.lastDone(q.Get("done"))
	none := true
	for i := range a.commands {
		c := &a.commands[i]
		if c.Button == nil {
			continue
		}
		none = false
		form := a.form(ctx, c, l.who, q)
		form.Action, form.Danger, form.Inputs = "do/confirm", false, []data.Input{{Name: "action", Value: c.Name, Hidden: true}}
		blocks = append(blocks, Block{Name: "action " + c.Name, Title: c.title(), Half: true, Form: form})
	}
	if none {
		blocks = append(blocks, Block{Title: "Nothing can be done here", Notice: &data.Notice{Text: data.Words("This program offers no actions.")}})
	}
	if done := a.audit.events(); len(done) > 0 {
		blocks = append(blocks, Block{Name: "audit", Title: "What was done", Note: data.Words("kept here since the start of this page, and in the log"), Events: done[:min(20, len(done))]})
	}
	return View{Blocks: blocks}, nil
}

// lastDone says what came of the action that has led to this page.
func (a *app) lastDone(done string) []Block {
	events := a.audit.events()
	i := slices.IndexFunc(events, func(e data.Event) bool { return itoa(int(e.At.UnixMilli())) == done })
	if i < 0 {
		return nil
	}
	e := events[i]
	state, word := data.OK, "Done"
	if e.State == data.Look {
		state, word = data.Look, "Not done"
	}
	return []Block{{Verdict: &data.Verdict{State: state, Word: word, Sentence: append(slices.Clone(e.Text), data.Span{Text: ": " + e.Reason.String()})}}}
}

// form is that of a command, filled in as an address says.
func (a *app) form(ctx context.Context, c *Command, who *visitor, q url.Values) *data.Form {
	f := &data.Form{
		Action: "do/" + c.Name, Button: c.title() + "…", Effect: c.Help + " Logged as " + who.Name + ".",
		Inputs: a.inputs(ctx, c), Danger: c.danger(), Viewers: c.role() == Viewer,
	}
	for i := range f.Inputs {
		if given := q.Get(f.Inputs[i].Name); given != "" {
			f.Inputs[i].Value = given
		}
	}
	if who.Role < c.role() {
		f.Refused = who.mayNot()
	}
	return f
}

// inputs are all that a command asks for here: with workers, whose it is.
func (a *app) inputs(ctx context.Context, c *Command) []data.Input {
	all := c.inputs()
	if c.Where != Each && c.Where != All || a.Sources == nil {
		return all
	}
	var workers []string
	for _, s := range a.sources(ctx) {
		workers = append(workers, s.Name)
	}
	for i := range all {
		if all[i].Name == workerInput {
			all[i].Choices = workers
			return all
		}
	}
	return append([]data.Input{{
		Name: workerInput, Title: "Worker", Choices: append([]string{allWorkers}, workers...), Value: allWorkers,
	}}, all...)
}

// mayNot is said beside what only operators can do.
func (v *visitor) mayNot() string {
	return "You are " + v.Name + ", " + v.Role.String() + "; this needs an operator."
}

func (a *app) command(name string) *Command { return findCommand(a.commands, name) }

// do carries out a command that was confirmed, or leads to the page that asks.
func (a *app) do(w http.ResponseWriter, r *http.Request, v *visitor) {
	name := strings.TrimPrefix(v.path, "do/")
	if name == "confirm" {
		http.Redirect(w, r, "../actions?"+url.Values{"confirm": {r.PostFormValue("action")}}.Encode(), http.StatusSeeOther)
		return
	}
	c := a.command(name)
	switch {
	case c == nil:
		a.notice(w, r, v, http.StatusNotFound, "There is no such command", "The pages Actions and Console name those that there are.")
		return
	case v.Role < c.role():
		a.refuse(w, r, v, c.role())
		return
	}
	call, err := a.called(r, c)
	if err != nil {
		a.notice(w, r, v, http.StatusBadRequest, "Nothing was done", err.Error()+".")
		return
	}
	call.By = v.Name
	// Whoever asks may go; what was begun is brought to its end.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), commandTime)
	defer cancel()
	answers := a.carryOut(ctx, c, call)
	view, said, err := outcome(answers)
	done := entry{action: c.Name, args: call.raw().Encode(), outcome: said}
	if err != nil {
		done.outcome, done.failed = strings.TrimSpace(said+" "+err.Error()), true
	}
	a.audit.note(ctx, v, done)
	a.tell(w, r, v, &deed{command: c, answers: answers, view: view, entry: done})
}

// deed is a command that was carried out, or was tried.
type deed struct {
	command *Command
	answers []answer
	view    View
	entry   entry
}

// tell answers whoever has given a command, in the form that he wants.
func (a *app) tell(w http.ResponseWriter, r *http.Request, v *visitor, d *deed) {
	status := http.StatusOK
	if d.entry.failed {
		status = http.StatusInternalServerError
	}
	switch {
	case prefersJSON(r.Header.Get("Accept")):
		l := &look{page: &Page{Title: d.command.title()}, path: v.path, who: v, view: d.view, answers: d.answers}
		a.writeJSONAs(w, l, status)
	case v.program:
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(status)
		_, _ = fmt.Fprintln(w, d.entry.outcome)
	case r.PostForm.Get("from") == "console":
		a.tellConsole(w, r, v, d)
	default:
		at := a.audit.events()[0].At.UnixMilli()
		http.Redirect(w, r, "../actions?"+url.Values{"done": {itoa(int(at))}}.Encode(), http.StatusSeeOther)
	}
}

// called takes from a form what the command asks for.
func (a *app) called(r *http.Request, c *Command) (Call, error) {
	if err := r.ParseForm(); err != nil {
		return Call{}, fmt.Errorf("read the form: %w", err)
	}
	sent := url.Values{}
	for name, values := range r.PostForm {
		if name != "csrf" && name != "from" {
			sent[name] = values
		}
	}
	return c.call(a.inputs(r.Context(), c), sent)
}
