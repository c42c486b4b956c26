package meta

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/support-go/support/meta/data"
)

// consolePage takes a line: a command, for which it shows the form, or an
// expression, of which it shows the value.
func (a *app) consolePage(ctx context.Context, q url.Values) (any, error) {
	if !a.Console.On {
		return Block{Title: "The console is off", Notice: &data.Notice{
			Text: data.Words("On it, commands of this program and its packages can be typed, and expressions looked at. It is there if the program says so, in a line of Go:"),
			Code: "group.Console(console.Evaluate) // from package meta/console; or nil, for commands alone",
		}}, nil
	}
	line := q.Get("line")
	blocks := []Block{{Name: "line", Title: "Console", Form: &data.Form{
		Action: "console", Button: "Go", Ask: true, Effect: a.typed(), Inputs: []data.Input{{Name: "line", Title: "Line", Value: line}},
	}}}
	if line != "" {
		said, err := a.say(ctx, line)
		if err != nil {
			said = []Block{{Title: "That did not work", Notice: &data.Notice{Text: data.Words(err.Error() + ".")}}}
		}
		blocks = append(blocks, said...)
	}
	return View{Blocks: append(blocks, a.commandTable(lookOf(ctx).who), a.rootTable())}, nil
}

func (a *app) typed() string {
	if a.Console.Evaluate == nil {
		return "A command and its arguments, as in: name first=1 second=\"two words\". It is shown what it will do before it does it."
	}
	return "A command and its arguments, as in: name first=1 second=\"two words\", which is shown before it is carried out; or an expression over the roots below, which changes nothing."
}

// say shows what a line leads to.
func (a *app) say(ctx context.Context, line string) ([]Block, error) {
	l := lookOf(ctx)
	name, args, err := parseLine(line)
	if c := a.command(name); c != nil {
		if err != nil {
			return nil, err
		}
		form := a.form(ctx, c, l.who, args)
		form.Button = "Run"
		form.Inputs = append(form.Inputs, data.Input{Name: "from", Value: "console", Hidden: true})
		if _, err := c.call(a.inputs(ctx, c), args); err != nil {
			return []Block{{Name: "command", Title: c.Name, Note: data.Words(err.Error()), Form: form}}, nil
		}
		return []Block{{Name: "command", Title: c.Name, Form: form}}, nil
	}
	if a.Console.Evaluate == nil {
		return nil, fmt.Errorf("there is no command %q: those that there are stand below", clippedName(name))
	}
	return a.value(ctx, line)
}

// value is that of an expression.
func (a *app) value(ctx context.Context, expression string) ([]Block, error) {
	v, err := a.Console.Evaluate(ctx, expression, a.roots(ctx))
	if err != nil {
		return nil, err
	}
	view := data.From("Value", v)
	if len(view.Blocks) == 0 {
		return []Block{{Name: "value", Title: "Value", Notice: &data.Notice{Text: data.Words("Nothing: it has no value here.")}}}, nil
	}
	for i := range view.Blocks {
		if view.Blocks[i].Title == "" {
			view.Blocks[i].Title = "Value"
		}
		if t := view.Blocks[i].Table; t != nil {
			t.Filter = true
		}
	}
	return view.Blocks, nil
}

func (a *app) commandTable(who *visitor) Block {
	t := &Table{Key: "command", Filter: true, Empty: "This program has no commands.", Columns: []Column{
		{Name: "command", Title: "Command", Unit: data.UnitCode}, {Name: "help", Title: "What it does", Wrap: true},
		{Name: "arguments", Title: "Arguments", Unit: data.UnitCode, Wrap: true}, {Name: "role", Title: "Role"}, {Name: "where", Title: "Where", Wide: true},
	}}
	for i := range a.commands {
		c := &a.commands[i]
		role := Cell{Value: c.role().String()}
		if who.Role < c.role() {
			role.Why = who.mayNot()
		}
		t.Add(Cell{Value: c.Name, Href: "console?line=" + url.QueryEscape(c.Name)}, c.Help, usage(c), role, c.Where.String())
	}
	return Block{Name: "commands", Title: "Commands", Table: t}
}

// usage names the arguments of a command, those that may be left out in
// brackets.
func usage(c *Command) string {
	text := ""
	for _, in := range c.inputs() {
		one := in.Name + "=" + kindName(in)
		if !in.Required {
			one = "[" + one + "]"
		}
		text += " " + one
	}
	return text[min(1, len(text)):]
}

func kindName(in data.Input) string {
	switch {
	case in.Value != "":
		return in.Value
	case in.Kind != data.OneLine:
		return string(in.Kind)
	}
	return "text"
}

// String says it in lower case.
func (w Where) String() string {
	switch w {
	case Once:
		return "one worker"
	case Here:
		return "the group"
	case All:
		return "each worker, and the group"
	}
	return "each worker"
}

// tellConsole shows on the console what a command has answered.
func (a *app) tellConsole(w http.ResponseWriter, r *http.Request, v *visitor, d *deed) {
	state, word := data.OK, "Done"
	if d.entry.failed {
		state, word = data.Look, "Not done"
	}
	page, _ := find(a.pages, "console", nil)
	if page == nil {
		a.notice(w, r, v, http.StatusNotFound, "There is no console", errors.ErrUnsupported.Error())
		return
	}
	text := d.entry.action + " " + d.entry.args
	blocks := append([]Block{{Verdict: &data.Verdict{State: state, Word: word, Sentence: data.Rich{{Text: text, Code: true}}}}}, d.view.Blocks...)
	blocks = append(blocks, Block{Title: "More", Notice: &data.Notice{Text: data.Words("Logged as " + v.Name + "."), Links: data.Rich{{Text: "Back to the console", Href: "console"}}}})
	l := &look{page: page, path: v.path, who: v, view: View{Blocks: blocks}, answers: d.answers}
	l.group, l.unknown = a.group(r.Context())
	a.writeHTML(w, r, l, http.StatusOK)
}
