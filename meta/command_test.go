package meta_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/support-go/support/meta"
	"github.com/support-go/support/meta/data"
)

// requeue is a command with typed arguments that can be tried dry.
func requeue(done *[]string) meta.Command {
	return meta.Command{
		Name: "queue.requeue", Help: "Puts dead orders back into the queue.", DryRun: true,
		Inputs: []data.Input{
			{Name: "queue", Title: "Queue", Required: true, Choices: []string{"mail", "bills"}},
			{Name: "limit", Title: "At most", Kind: data.WholeNumber, Least: 1, Most: 100, Value: "10"},
			{Name: "older", Title: "Older than", Kind: data.Interval},
			{Name: "share", Title: "Share", Kind: data.Decimal, Least: 0, Most: 1},
			{Name: "loud", Title: "Tell", Kind: data.YesNo},
		},
		Run: func(_ context.Context, call meta.Call) (any, error) {
			said := fmt.Sprintf("%s %d %v %v %v dry=%v by=%s", call.Text("queue"), call.Int("limit"), call.Duration("older"), call.Float("share"), call.Yes("loud"), call.Dry, call.By)
			*done = append(*done, said)
			return said, nil
		},
	}
}

// give sends a command as the holder of a token.
func (f *fixture) give(t *testing.T, name, token string, args url.Values, header ...string) answer {
	t.Helper()
	r, err := http.NewRequest(http.MethodPost, f.URL+"/do/"+name, strings.NewReader(args.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return send(t, http.DefaultClient, r)
}

func TestCommandArguments(t *testing.T) {
	var done []string
	f := start(t, func(h *meta.Handler) { h.Console.Commands = append(h.Console.Commands, requeue(&done)) })
	tests := map[string]struct {
		args string
		code int
		want string
	}{
		"defaults":     {"queue=mail", 200, "mail 10 0s 0 false dry=false by=oskar"},
		"all":          {"queue=bills&limit=7&older=1h30m&share=0.5&loud=yes", 200, "bills 7 1h30m0s 0.5 true dry=false by=oskar"},
		"dry":          {"queue=mail&dry=yes", 200, "dry=true"},
		"missing":      {"", 400, "queue is missing: want one of mail, bills"},
		"not a choice": {"queue=none", 400, `queue is "none": want one of mail, bills`},
		"bounds":       {"queue=mail&limit=101", 400, `limit is "101": want a whole number from 1 to 100`},
		"two wrong":    {"queue=x&share=2", 400, "want a number from 0 to 1"},
		"unknown":      {"queue=mail&limits=3", 400, `there is no input "limits": want queue, limit, older, share, loud, dry`},
		"forged":       {"queue=mail&by=somebody", 400, `there is no input "by"`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			before := len(done)
			args, err := url.ParseQuery(test.args)
			if err != nil {
				t.Fatal(err)
			}
			got := f.give(t, "queue.requeue", operatorToken, args)
			if got.StatusCode != test.code || !strings.Contains(got.text, test.want) || (test.code == 200) != (len(done) == before+1) {
				t.Errorf("%s, %q, run %d times; want %d and %q", got.Status, got.text, len(done)-before, test.code, test.want)
			}
		})
	}
	if log := f.log.String(); !strings.Contains(log, "queue.requeue") || !strings.Contains(log, "who=oskar") || !strings.Contains(log, "limit=7") {
		t.Errorf("the log does not say who has done what:\n%s", log)
	}
}

func TestCommandRoles(t *testing.T) {
	var done []string
	look := meta.Command{Name: "depth", Help: "Says how long the queue is.", Role: meta.Viewer, Run: func(context.Context, meta.Call) (any, error) {
		return []data.Field{{Name: "depth", Cell: data.Cell{Value: 3}}}, nil
	}}
	f := start(t, func(h *meta.Handler) {
		h.Console.On = true
		h.Console.Commands = append(h.Console.Commands, requeue(&done), look)
	})
	if got := f.give(t, "queue.requeue", viewerToken, url.Values{"queue": {"mail"}}); got.StatusCode != http.StatusForbidden || len(done) != 0 {
		t.Errorf("a viewer gives an operator's command: %s, done %v; want 403 and nothing", got.Status, done)
	}
	if got := f.give(t, "depth", viewerToken, nil, "Accept", "application/json"); got.StatusCode != http.StatusOK || !strings.Contains(got.text, `"value": 3`) {
		t.Errorf("a viewer gives his own: %s, %s", got.Status, got.text)
	}
	if got := f.give(t, "depth", "", nil); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("nobody gives a viewer's: %s, want 401", got.Status)
	}
	page := f.ask(t, "GET", "/console?line=queue.requeue", viewerToken, "Accept", "text/html").text
	if !strings.Contains(page, "this needs an operator") || !strings.Contains(page, "<button disabled>") {
		t.Errorf("the form does not say why a viewer may not send it:\n%s", page)
	}
	if page := f.ask(t, "GET", "/console?line=depth", viewerToken, "Accept", "text/html").text; strings.Contains(page, "<button disabled>") {
		t.Error("the form of a viewer's command is disabled for a viewer")
	}
}

func TestCommandsThatFail(t *testing.T) {
	f := start(t, func(h *meta.Handler) {
		h.Console.Commands = []meta.Command{
			{Name: "panics", Help: "It panics.", Run: func(context.Context, meta.Call) (any, error) { panic("no queue") }},
			{Name: "twice", Run: func(context.Context, meta.Call) (any, error) { return "first", nil }},
			{Name: "twice", Run: func(context.Context, meta.Call) (any, error) { return "second", nil }},
			{Name: "Bad name", Run: func(context.Context, meta.Call) (any, error) { return nil, nil }},
			{Name: "elsewhere", Run: func(context.Context, meta.Call) (any, error) { return nil, meta.ErrNotHere }},
		}
	})
	tests := map[string]struct {
		code int
		want string
	}{
		"panics":     {500, "it panicked: no queue"},
		"twice":      {200, "first"},
		"Bad%20name": {404, "There is no such command"},
		"nothing":    {404, "There is no such command"},
		"elsewhere":  {500, "no such thing here"},
	}
	for name, test := range tests {
		if got := f.give(t, name, operatorToken, nil); got.StatusCode != test.code || !strings.Contains(got.text, test.want) {
			t.Errorf("%s: %s, %q; want %d and %q", name, got.Status, got.text, test.code, test.want)
		}
	}
	if log := f.log.String(); !strings.Contains(log, "there are two of that name") || !strings.Contains(log, "want a name of lower case letters") {
		t.Errorf("the log does not say which commands are left out:\n%s", log)
	}
}

// TestConsoleByForms goes the way of a browser without script: a line, the form
// that it leads to, and what came of it.
func TestConsoleByForms(t *testing.T) {
	var done []string
	f := start(t, func(h *meta.Handler) {
		h.Console.On = true
		h.Console.Commands = append(h.Console.Commands, requeue(&done))
	})
	client := f.browser(t, operatorToken)
	page, err := client.Get(f.URL + "/console?line=" + url.QueryEscape(`queue.requeue queue=mail limit=3 dry=yes`))
	if err != nil {
		t.Fatal(err)
	}
	defer page.Body.Close()
	body, err := io.ReadAll(page.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`action="./do/queue.requeue"`, `<option selected>mail</option>`, `value="3"`, "Logged as oskar", "Puts dead orders back"} {
		if !strings.Contains(string(body), want) {
			t.Errorf("the form has no %s:\n%s", want, body)
		}
	}
	if len(done) != 0 {
		t.Errorf("to look at a form has done %v", done)
	}
	form := url.Values{"queue": {"mail"}, "limit": {"3"}, "dry": {"yes"}, "from": {"console"}, "csrf": {csrf(t, f, client)}}
	resp := post(t, client, f.URL+"/do/queue.requeue", form)
	if resp.StatusCode != http.StatusOK || !strings.Contains(resp.text, "mail 3 0s") || len(done) != 1 {
		t.Errorf("%s, done %v:\n%s", resp.Status, done, resp.text)
	}
	if got := f.ask(t, "GET", "/console?line=queue.requeu", viewerToken).text; !strings.Contains(got, "there is no command") {
		t.Errorf("a command that there is not: %s", got)
	}
}

func TestConsoleIsOffUnlessToldOtherwise(t *testing.T) {
	f := start(t, nil)
	if got := f.ask(t, "GET", "/console?line=tidy", operatorToken, "Accept", "text/html").text; !strings.Contains(got, "The console is off") || strings.Contains(got, "do/tidy") {
		t.Errorf("the page shows more than that it is off:\n%s", got)
	}
}

// TestCommandsOfWorkers has commands carried out where they belong.
func TestCommandsOfWorkers(t *testing.T) {
	const workers = 3
	commands := func(name string) []meta.Command {
		say := func(context.Context, meta.Call) (any, error) { return "done", nil }
		return []meta.Command{
			{Name: "each", Run: say}, {Name: "once", Where: meta.Once, Run: say},
			{Name: "all", Where: meta.All, Run: func(context.Context, meta.Call) (any, error) { return "by " + name, nil }},
			{Name: "here", Where: meta.Here, Run: func(context.Context, meta.Call) (any, error) { return "by " + name, nil }},
			{Name: "one", Inputs: []data.Input{{Name: "worker", Required: true}}, Run: func(_ context.Context, c meta.Call) (any, error) { return c.Text("worker"), nil }},
			{Name: "second", Run: func(context.Context, meta.Call) (any, error) {
				if name != "w2" {
					return nil, meta.ErrNotHere
				}
				return "found", nil
			}},
			{Name: "table", Run: func(context.Context, meta.Call) (any, error) { return []struct{ Worker string }{{name}}, nil }},
		}
	}
	f := start(t, func(h *meta.Handler) {
		h.Console.Commands = commands("the page")
		h.Sources = func(context.Context) []meta.Source {
			var all []meta.Source
			for i := range workers {
				name := fmt.Sprintf("w%d", i+1)
				all = append(all, commandSource(t, name, commands(name)))
			}
			return all
		}
	})
	tests := map[string]struct {
		args url.Values
		code int
		want string
	}{
		"each":   {nil, 200, "w1: done, w2: done, w3: done"},
		"all":    {nil, 200, "w1: by w1, w2: by w2, w3: by w3, group: by the page"},
		"once":   {nil, 200, "w1: done"},
		"here":   {nil, 200, "by the page"},
		"one":    {url.Values{"worker": {"w2"}}, 200, "w2: w2"},
		"second": {nil, 200, "w2: found"},
		"table":  {url.Values{"worker": {"w3"}}, 200, "w3: a table of 1 rows"},
	}
	for name, test := range tests {
		if got := f.give(t, name, operatorToken, test.args); got.StatusCode != test.code || strings.TrimSpace(got.text) != test.want {
			t.Errorf("%s: %s, %q; want %d and %q", name, got.Status, got.text, test.code, test.want)
		}
	}
	if got := f.give(t, "all", operatorToken, url.Values{"worker": {"w2"}}); strings.TrimSpace(got.text) != "w2: by w2" {
		t.Errorf("where one worker is named: %s, %q", got.Status, got.text)
	}
	if got := f.give(t, "each", operatorToken, url.Values{"worker": {"w9"}}); got.StatusCode != http.StatusBadRequest || !strings.Contains(got.text, "want one of all, w1, w2, w3") {
		t.Errorf("a worker that there is not: %s, %q", got.Status, got.text)
	}
	if got := f.give(t, "one", operatorToken, nil); got.StatusCode != http.StatusBadRequest {
		t.Errorf("no worker where one must be named: %s, want 400", got.Status)
	}
	var reply struct {
		Blocks   []data.Block
		Answered []struct{ Name string }
	}
	got := f.give(t, "table", operatorToken, nil, "Accept", "application/json")
	if err := json.Unmarshal([]byte(got.text), &reply); err != nil || len(reply.Answered) != workers || len(reply.Blocks) != 1 || len(reply.Blocks[0].Table.Rows) != workers {
		t.Errorf("a table of all, as JSON: %v, %s", err, got.text)
	}
}

// commandSource carries commands out over a socket, as a worker does.
func commandSource(t *testing.T, name string, commands []meta.Command) meta.Source {
	server := httptest.NewServer(meta.ServeCommands(commands))
	t.Cleanup(server.Close)
	return meta.Source{Name: name, Do: func(_ context.Context, command string, args url.Values) (io.ReadCloser, error) {
		resp, err := server.Client().PostForm(server.URL+"/"+command, args)
		if err != nil {
			return nil, err
		}
		if resp.StatusCode == http.StatusNotFound {
			return nil, meta.ErrNotHere
		}
		return resp.Body, nil
	}}
}

func TestCommandTimes(t *testing.T) {
	type asked struct {
		left time.Duration
		gone bool
	}
	seen := make(chan asked, 1)
	f := start(t, func(h *meta.Handler) {
		h.Console.Commands = []meta.Command{{Name: "wait", Run: func(ctx context.Context, _ meta.Call) (any, error) {
			until, ok := ctx.Deadline()
			seen <- asked{time.Until(until), !ok}
			return "done", nil
		}}}
	})
	f.give(t, "wait", operatorToken, nil)
	if got := <-seen; got.gone || got.left > time.Minute || got.left < 10*time.Second {
		t.Errorf("the command has %v, want a minute", got.left)
	}
}

func ExampleCommand() {
	scale := meta.Command{
		Name: "cache.trim", Help: "Drops what was not used for a while.",
		Inputs: []data.Input{{Name: "unused", Title: "Unused for", Kind: data.Interval, Value: "1h"}},
		Run: func(_ context.Context, call meta.Call) (any, error) {
			return fmt.Sprintf("dropped what %s has not used for %v", call.By, call.Duration("unused")), nil
		},
	}
	worker := httptest.NewServer(meta.ServeCommands([]meta.Command{scale}))
	defer worker.Close()
	resp, err := http.PostForm(worker.URL+"/cache.trim", url.Values{"unused": {"90m"}, "by": {"ada"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	v, err := data.Decode(resp.Body)
	fmt.Println(v.Blocks[0].Text.Body, err)
	// Output: dropped what ada has not used for 1h30m0s <nil>
}
