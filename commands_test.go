//go:build unix

package support_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/support-go/support"
	"github.com/support-go/support/meta"
	"github.com/support-go/support/meta/data"
	"github.com/support-go/support/supporttest"
)

// operator gives commands to a group.
type operator struct {
	base, token string
}

// newOperator reads the token that the group has left.
func newOperator(t *testing.T, page *support.Server, file string) operator {
	t.Helper()
	token, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the token's file: %v, %v; want mode 0600", info.Mode(), err)
	}
	return operator{"http://" + page.Addr().String(), strings.TrimSpace(string(token))}
}

func (o operator) do(t *testing.T, command string, args url.Values) (code int, said string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, o.base+"/do/"+command, strings.NewReader(args.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if o.token != "" {
		r.Header.Set("Authorization", "Bearer "+o.token)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text := make([]byte, 4096)
	n, _ := resp.Body.Read(text)
	return resp.StatusCode, string(text[:n])
}

// TestSupervisorsCommands scales the group, cycles a worker, and drains it all.
func TestSupervisorsCommands(t *testing.T) {
	group, _, page := shown(2)
	group.Limits.Ceiling = 3
	supporttest.Start(t, group)
	o := newOperator(t, page, filepath.Join(group.Dir, "operator.token"))
	workers := func(names ...string) {
		t.Helper()
		eventually(t, fmt.Sprintf("not %v serve", names), func() bool {
			got := get(t, o.base+"/pids.json")
			for _, name := range names {
				if !strings.Contains(got, `"name": "`+name+`"`) {
					return false
				}
			}
			return strings.Contains(got, fmt.Sprintf(`"value": %d`, len(names)))
		})
	}
	workers("w1", "w2")
	for args, want := range map[string]string{"": "workers is missing", "workers=0": "from 1 to 1024", "workers=x": "want a whole number"} {
		values, _ := url.ParseQuery(args)
		if code, said := o.do(t, "scale", values); code != http.StatusBadRequest || !strings.Contains(said, want) {
			t.Errorf("scale %s: %d %s, want 400 and %q", args, code, said, want)
		}
	}
	if code, said := o.do(t, "scale", url.Values{"workers": {"9"}}); code != http.StatusInternalServerError || !strings.Contains(said, "want from 1 to 3") {
		t.Errorf("more than the ceiling: %d %s", code, said)
	}
	if code, said := o.do(t, "scale", url.Values{"workers": {"3"}}); code != http.StatusOK {
		t.Errorf("scale: %d %s", code, said)
	}
	workers("w1", "w2", "w4") // the helper that answers has the third place
	before := get(t, o.base+"/pids.json?worker=w2")
	eventually(t, "no worker can be cycled", func() bool { // while the third is being started
		code, _ := o.do(t, "cycle", url.Values{"worker": {"w2"}})
		return code == http.StatusOK
	})
	if code, said := o.do(t, "cycle", url.Values{"worker": {"meta"}}); code == http.StatusOK || !strings.Contains(said, "such as w2") {
		t.Errorf("cycled what is no worker: %d %s", code, said)
	}
	eventually(t, "w2 is the same process as before", func() bool {
		now := get(t, o.base+"/pids.json?worker=w2")
		return strings.Contains(now, `"value": 1`) && pidOf(now) != pidOf(before)
	})
	if code, said := (operator{base: o.base}).do(t, "drain", nil); code != http.StatusForbidden {
		t.Errorf("a viewer drains the group: %d %s, want 403", code, said)
	}
	if code, said := o.do(t, "drain", nil); code != http.StatusOK {
		t.Errorf("drain: %d %s", code, said)
	}
	eventually(t, "the group goes on", func() bool {
		resp, err := http.Get(o.base + "/livez")
		if err == nil {
			_ = resp.Body.Close()
		}
		return err != nil
	})
}

// pidOf is the process id on the page pids.
func pidOf(page string) string {
	_, rest, _ := strings.Cut(page, `"name": "pid"`)
	_, rest, _ = strings.Cut(rest, `"value": `)
	pid, _, _ := strings.Cut(rest, "\n")
	return pid
}

// TestOperatorOfOneProcess: without workers, too, there is a way to become one.
func TestOperatorOfOneProcess(t *testing.T) {
	group, _, page := shown(0)
	group.Command(meta.Command{Name: "greet", Help: "Says hello.", Inputs: []data.Input{{Name: "name", Required: true}}, Run: func(_ context.Context, call meta.Call) (any, error) {
		return "hello, " + call.Text("name"), nil
	}})
	supporttest.Start(t, group)
	file := filepath.Join(group.Dir, fmt.Sprintf("operator.%d.token", os.Getpid()))
	o := newOperator(t, page, file)
	if got := get(t, o.base+"/login"); !strings.Contains(got, file) {
		t.Errorf("the page that asks for a token does not say where one is: %s", got)
	}
	if code, said := o.do(t, "greet", url.Values{"name": {"ada"}}); code != http.StatusOK || said != "hello, ada\n" {
		t.Errorf("a command of the program: %d %q", code, said)
	}
	if code, said := o.do(t, "gc", nil); code != http.StatusOK || !strings.Contains(said, "heap from") {
		t.Errorf("gc: %d %q", code, said)
	}
	if code, said := o.do(t, "drain", nil); code != http.StatusOK {
		t.Errorf("drain: %d %s", code, said)
	}
	eventually(t, "the group goes on", func() bool {
		resp, err := http.Get(o.base + "/livez")
		if err == nil {
			_ = resp.Body.Close()
		}
		return err != nil
	})
	eventually(t, "the token is left behind", func() bool {
		_, err := os.Stat(file)
		return os.IsNotExist(err)
	})
}

func TestCommandsAreChecked(t *testing.T) {
	run := func(context.Context, meta.Call) (any, error) { return nil, nil }
	for want, c := range map[string]meta.Command{
		"lower case letters":   {Name: "No", Run: run},
		"two of that name":     {Name: "gc", Run: run},
		"field Run is missing": {Name: "idle"},
		"each name once":       {Name: "x", Run: run, Inputs: []data.Input{{Name: "dry"}}},
		"want a whole number":  {Name: "x", Run: run, Inputs: []data.Input{{Name: "n", Kind: data.WholeNumber, Value: "many"}}},
		`command "a.b": input`: {Name: "a.b", Run: run, Inputs: []data.Input{{}}},
	} {
		group := support.New("checked")
		group.HTTP("127.0.0.1:0", handler())
		group.Command(c)
		if err := group.Run(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", c.Name, err, want)
		}
	}
}
