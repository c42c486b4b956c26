package meta

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/support-go/support/meta/data"
)

// Action is something that an operator can have done.
type Action struct {
	Name   string // in addresses and the audit log: "reload"
	Title  string // on the button
	Effect string // what will happen, and to whom, in a sentence
	Danger bool
	Inputs []data.Input // what it asks for; choices are checked

	// Everywhere has the action carried out by each worker, or by the one that
	// the input "worker" names, through Source.Do. Run is not used then.
	Everywhere bool

	// Run does it, and says what it has done.
	Run func(ctx context.Context, args url.Values) (string, error)
}

// actionTime is how long an action may take before the page says that it is
// still going on.
const actionTime = time.Minute

// actionsPage lists what can be done and what was done; with a name it asks
// whether to do it.
func (a *app) actionsPage(ctx context.Context, q url.Values) (any, error) {
	l := lookOf(ctx)
	if name := q.Get("confirm"); name != "" {
		action := a.action(name)
		if action == nil {
			return nil, errors.New("there is no such action")
		}
		form := a.form(action, l.who, q)
		form.Action, form.Button, form.Danger = "do/"+action.Name, action.Title, action.Danger
		return Block{Title: action.Title + "?", Form: form}, nil
	}
	var blocks []Block
	if done := q.Get("done"); done != "" {
		if i := slices.IndexFunc(a.audit.events(), func(e data.Event) bool { return itoa(int(e.At.UnixMilli())) == done }); i >= 0 {
			e := a.audit.events()[i]
			state, word := data.OK, "Done"
			if e.State == data.Look {
				state, word = data.Look, "Not done"
			}
			blocks = append(blocks, Block{Verdict: &data.Verdict{State: state, Word: word, Sentence: append(slices.Clone(e.Text), data.Span{Text: ": " + e.Reason.String()})}})
		}
	}
	if len(a.Actions) == 0 {
		blocks = append(blocks, Block{Title: "Nothing can be done here", Notice: &data.Notice{Text: data.Words("This program offers no actions.")}})
	}
	for i := range a.Actions {
		form := a.form(&a.Actions[i], l.who, q)
		form.Action, form.Inputs = "do/confirm", []data.Input{{Name: "action", Value: a.Actions[i].Name, Hidden: true}}
		blocks = append(blocks, Block{Name: "action " + a.Actions[i].Name, Title: a.Actions[i].Title, Half: true, Form: form})
	}
	if done := a.audit.events(); len(done) > 0 {
		blocks = append(blocks, Block{Name: "audit", Title: "What was done", Note: data.Words("kept here since the start of this page, and in the log"), Events: done[:min(20, len(done))]})
	}
	return View{Blocks: blocks}, nil
}

func (a *app) form(action *Action, who *visitor, q url.Values) *data.Form {
	f := &data.Form{Button: action.Title + "…", Effect: action.Effect + " Logged as " + who.Name + ".", Inputs: slices.Clone(action.Inputs)}
	for i := range f.Inputs {
		if given := q.Get(f.Inputs[i].Name); given != "" {
			f.Inputs[i].Value = given
		}
	}
	if who.Role < Operator {
		f.Refused = who.mayNot()
	}
	return f
}

// mayNot is said beside what only operators can do.
func (v *visitor) mayNot() string {
	return "You are " + v.Name + ", " + v.Role.String() + "; this needs an operator."
}

func (a *app) action(name string) *Action {
	i := slices.IndexFunc(a.Actions, func(action Action) bool { return action.Name == name })
	if i < 0 {
		return nil
	}
	return &a.Actions[i]
}

// do carries out an action that was confirmed, or leads to the page that asks.
func (a *app) do(w http.ResponseWriter, r *http.Request, v *visitor) {
	name := strings.TrimPrefix(v.path, "do/")
	if name == "confirm" {
		http.Redirect(w, r, "../actions?"+url.Values{"confirm": {r.PostFormValue("action")}}.Encode(), http.StatusSeeOther)
		return
	}
	action := a.action(name)
	if action == nil {
		a.notice(w, r, v, http.StatusNotFound, "There is no such action", "The page Actions names those that there are.")
		return
	}
	args, err := action.check(r)
	if err != nil {
		a.notice(w, r, v, http.StatusBadRequest, "Nothing was done", err.Error())
		return
	}
	// Whoever asks may go; what was begun is brought to its end.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), actionTime)
	defer cancel()
	args.Set("by", v.Name)
	said, err := a.carryOut(ctx, action, args)
	args.Del("by")
	done := entry{action: action.Name, args: args.Encode(), outcome: said}
	if err != nil {
		done.outcome, done.failed = strings.TrimSpace(said+" "+err.Error()), true
	}
	a.audit.note(ctx, v, done)
	if v.program || prefersJSON(r.Header.Get("Accept")) {
		status := http.StatusOK
		if err != nil {
			status = http.StatusInternalServerError
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(status)
		_, _ = fmt.Fprintln(w, done.outcome)
		return
	}
	at := a.audit.events()[0].At.UnixMilli()
	http.Redirect(w, r, "../actions?"+url.Values{"done": {itoa(int(at))}}.Encode(), http.StatusSeeOther)
}

// check takes from a form what the action asks for, and nothing else.
func (action *Action) check(r *http.Request) (url.Values, error) {
	if err := r.ParseForm(); err != nil {
		return nil, fmt.Errorf("read the form: %w", err)
	}
	args := url.Values{}
	for _, in := range action.Inputs {
		value := r.PostFormValue(in.Name)
		if len(in.Choices) > 0 && !slices.Contains(in.Choices, value) {
			return nil, fmt.Errorf("%s is %q: want one of %s", in.Name, value, strings.Join(in.Choices, ", "))
		}
		if value != "" {
			args.Set(in.Name, value)
		}
	}
	return args, nil
}

func (a *app) carryOut(ctx context.Context, action *Action, args url.Values) (said string, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("it panicked: %v", v)
		}
	}()
	if !action.Everywhere {
		return action.Run(ctx, args)
	}
	var all []string
	var problems []error
	asked := 0
	for _, s := range a.sources(ctx) {
		if worker := args.Get("worker"); worker != "" && worker != "all" && worker != s.Name || s.Do == nil {
			continue
		}
		asked++
		one, err := s.Do(ctx, action.Name, args)
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", s.Name, err))
			continue
		}
		all = append(all, s.Name+": "+one)
	}
	if asked == 0 {
		return "", errors.New("no worker takes this action now")
	}
	return strings.Join(all, ", "), errors.Join(problems...)
}
