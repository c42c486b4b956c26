package meta

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/support-go/support/meta/data"
)

// Console is what can be done with a program. Its zero value can do nothing.
type Console struct {
	Commands []Command
	On       bool     // shows the page Console; without it, only commands with a Button can be given
	Evaluate Evaluate // finds the values of expressions, on the page Console; nil for none
}

// Command is something that can be asked of a program: by a form or a line on
// the page Console, by a button, or by a POST to do/ and its name.
type Command struct {
	Name   string       // "queue.requeue": lower case letters, digits, dots and dashes
	Help   string       // what will happen, and to whom, in a sentence
	Inputs []data.Input // what it asks for; they are checked before it runs. Names of commands' own: worker, dry, by
	Role   Role         // who may give it; default Operator. One that changes nothing may be a Viewer's
	Where  Where        // default Each
	DryRun bool         // Run can say what it would do, if Call.Dry is set, and change nothing
	Button *Button      // puts it on the page Actions as well

	// Run does it. It returns what data.From takes, such as a sentence that says
	// what was done. Its ctx ends after a minute, and not when whoever asked has
	// gone. A panic is an error.
	Run func(ctx context.Context, call Call) (any, error)
}

// Button is how a Command is shown on the page Actions.
type Button struct {
	Title  string
	Danger bool // it ends something
}

// Where says which processes of a group carry a Command out.
type Where int

// The places. In a program alone they are all the same.
const (
	Each Where = iota // each worker, or the one that the input "worker" names
	Once              // one worker, whichever
	Here              // the process that shows the pages
	All               // each worker, or the one that is named; if none is, the process that shows the pages as well
)

// Call is what a Command was given.
type Call struct {
	By  string // who has given it
	Dry bool   // only say what would be done

	args map[string]any
}

// Text returns an argument as it was given; "" if it was not.
func (c Call) Text(name string) string {
	switch v := c.args[name].(type) {
	case nil:
		return ""
	case string:
		return v
	case bool:
		return map[bool]string{true: "yes", false: "no"}[v]
	default:
		return fmt.Sprint(v)
	}
}

// Int returns an argument of the kind data.WholeNumber; 0 if it was not given.
func (c Call) Int(name string) int {
	v, _ := c.args[name].(int64)
	return int(v)
}

// Float returns an argument of the kind data.Decimal; 0 if it was not given.
func (c Call) Float(name string) float64 {
	v, _ := c.args[name].(float64)
	return v
}

// Duration returns an argument of the kind data.Interval; 0 if it was not given.
func (c Call) Duration(name string) time.Duration {
	v, _ := c.args[name].(time.Duration)
	return v
}

// Yes returns an argument of the kind data.YesNo; false if it was not given.
func (c Call) Yes(name string) bool {
	v, _ := c.args[name].(bool)
	return v
}

// Has says whether an argument was given, or has a default.
func (c Call) Has(name string) bool { return c.args[name] != nil }

func (c *Command) role() Role {
	if c.Role == Nobody {
		return Operator
	}
	return c.Role
}

// title is what a form of the command says.
func (c *Command) title() string {
	if c.Button != nil {
		return c.Button.Title
	}
	return c.Name
}

func (c *Command) danger() bool { return c.Button != nil && c.Button.Danger }

// Names of inputs that every command has, if it needs them.
const (
	workerInput = "worker"
	dryInput    = "dry"
	byInput     = "by"
	allWorkers  = "all"
)

// Check says what is wrong with the command itself, as a mistake of the program.
func (c *Command) Check() error {
	var problems []error
	safe := func(r rune) bool { return r == '.' || r == '-' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' }
	unsafe := func(r rune) bool { return !safe(r) }
	switch {
	case c.Name == "" || len(c.Name) > 64 || strings.ContainsFunc(c.Name, unsafe):
		problems = append(problems, errors.New("want a name of lower case letters, digits, dots and dashes"))
	case c.Name == "confirm":
		problems = append(problems, errors.New("the name is taken"))
	}
	if c.Run == nil {
		problems = append(problems, errors.New("field Run is missing"))
	}
	seen := map[string]bool{dryInput: true, byInput: true, "csrf": true, "from": true}
	for _, in := range c.Inputs {
		if in.Name == "" || seen[in.Name] {
			problems = append(problems, fmt.Errorf("input %q: want a name, and each name once, and neither dry, by, csrf nor from", in.Name))
		}
		seen[in.Name] = true
		if in.Value == "" || in.Name == workerInput {
			continue
		}
		if _, err := in.Parse(in.Value); err != nil {
			problems = append(problems, fmt.Errorf("default of %w", err))
		}
	}
	if err := errors.Join(problems...); err != nil {
		return fmt.Errorf("command %q: %w", c.Name, err)
	}
	return nil
}

// inputs are what the command asks for wherever it runs.
func (c *Command) inputs() []data.Input {
	all := slices.Clone(c.Inputs)
	if c.DryRun {
		all = append(all, data.Input{Name: dryInput, Title: "Dry run: only say what would be done", Kind: data.YesNo, Choices: []string{"no", "yes"}, Value: "no"})
	}
	return all
}

// call makes a Call of what was sent. It says all that is wrong with that.
func (c *Command) call(inputs []data.Input, sent url.Values) (Call, error) {
	call := Call{args: make(map[string]any)}
	var problems []error
	for _, in := range inputs {
		v, err := in.Parse(sent.Get(in.Name))
		if err != nil {
			problems = append(problems, err)
			continue
		}
		if v != nil {
			call.args[in.Name] = v
		}
	}
	for _, name := range slices.Sorted(maps.Keys(sent)) {
		if !slices.ContainsFunc(inputs, func(in data.Input) bool { return in.Name == name }) {
			problems = append(problems, fmt.Errorf("there is no input %q: want %s", clippedName(name), names(inputs)))
		}
	}
	call.Dry = call.Yes(dryInput)
	return call, errors.Join(problems...)
}

func clippedName(name string) string { return name[:min(len(name), 64)] }

func names(inputs []data.Input) string {
	if len(inputs) == 0 {
		return "none"
	}
	var all []string
	for _, in := range inputs {
		all = append(all, in.Name)
	}
	return strings.Join(all, ", ")
}

// raw are the arguments as another process is to parse them again.
func (c Call) raw() url.Values {
	args := url.Values{}
	for name := range c.args {
		args.Set(name, c.Text(name))
	}
	return args
}
