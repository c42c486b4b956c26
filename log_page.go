package support

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/support-go/support/internal/control"
	"github.com/support-go/support/logs"
	"github.com/support-go/support/meta"
	"github.com/support-go/support/meta/data"
)

// logPage shows the last lines of the processes that serve.
func (g *Group) logPage() meta.Page {
	return meta.Page{Path: "log", Title: "Log", Section: meta.Said, Key: "l", Run: g.said}
}

// maxLines is how many lines of each process are shown.
const maxLines = 200

// said shows the lines from the level that the query names on.
func (g *Group) said(_ context.Context, q url.Values) (any, error) {
	from, err := levelOf(cmp.Or(q.Get("from"), "DEBUG"))
	if err != nil {
		return nil, err
	}
	lines := &meta.Table{Filter: true, Sorted: "-time", Empty: "The workers have logged nothing yet, or the group has a Log of its own. What the supervisor says is only where the log goes.", Columns: []meta.Column{
		{Name: "time", Title: "Time", Unit: data.UnitClock}, {Name: "level", Title: "Level"}, {Name: "message", Title: "Message", Wrap: true},
		{Name: "attributes", Title: "Attributes", Unit: data.UnitCode, Wrap: true},
	}}
	recent := g.Recent.Lines(from)
	for _, line := range recent[max(0, len(recent)-maxLines):] {
		addLine(lines, line)
	}
	sites := &meta.Table{Key: "place", Sorted: "-count", Empty: "Nothing has been logged yet.", Columns: []meta.Column{
		{Name: "place", Title: "Place"}, {Name: "message", Title: "Message", Wrap: true}, {Name: "count", Title: "Count", Merge: data.Sum},
	}}
	for _, s := range g.Recent.Sites() {
		sites.Add(cmp.Or(s.Place, s.Message), s.Level.String()+" "+s.Message, s.Count) // requests have no place
	}
	return meta.View{Blocks: []meta.Block{
		{Name: "lines", Title: "Last lines", Table: lines}, {Name: "messages", Title: "By place in the source", Table: sites},
	}}, nil
}

// addLine adds a row for line, which stays whole where it cannot be parsed, as one that was
// cut off.
func addLine(t *meta.Table, line string) {
	r, err := logs.Parse(line)
	if err != nil {
		t.Add("", "", line, "")
		return
	}
	t.Add(r.Time.UTC().Format(time.RFC3339Nano), marked(r.Level), r.Message, attributes(r))
}

func marked(level slog.Level) meta.Cell {
	c := meta.Cell{Value: level.String()}
	switch {
	case level >= slog.LevelError:
		c.State = data.Wrong
	case level >= slog.LevelWarn:
		c.State = data.Look
	}
	return c
}

func attributes(r slog.Record) string {
	var all []string
	r.Attrs(func(a slog.Attr) bool {
		all = append(all, a.String())
		return true
	})
	return strings.Join(all, " ")
}

// logInputs are what setLogLevel wants.
func logInputs() []data.Input {
	return []data.Input{
		{Name: "level", Title: "From level", Choices: []string{"DEBUG", "INFO", "WARN", "ERROR"}, Value: "DEBUG"},
		{Name: "package", Title: "Of packages below, by import path; empty is everything"},
		{Name: "key", Title: "Or of requests that bring this in the header X-Log-Key"},
		{Name: "minutes", Title: "For minutes", Kind: data.WholeNumber, Least: 1, Most: mostMinutes, Value: "10"},
	}
}

// mostMinutes bounds what is to be for a time: a day.
const mostMinutes = 24 * 60

// setLogLevel has this process log from another level on, for a time.
func (g *Group) setLogLevel(_ context.Context, call meta.Call) (any, error) {
	level, err := levelOf(call.Text("level"))
	if err != nil {
		return nil, err
	}
	minutes := call.Int("minutes")
	howLong := time.Duration(minutes) * time.Minute
	path, key := call.Text("package"), call.Text("key")
	switch {
	case key != "" && path != "":
		return nil, errors.New("support: want a package or a key, not both")
	case key != "" && g.Logs.Access == nil:
		return nil, errors.New("support: nobody looks for keys: set Group.Logs.Access")
	case key != "":
		g.Levels.SetKey(key, level, howLong)
		return fmt.Sprintf("requests with the key from %s on for %d minutes", level, minutes), nil
	}
	g.setLevel(path, level, howLong)
	return strings.TrimSpace(fmt.Sprintf("%s from %s on for %d minutes", path, level, minutes)), nil
}

// setLevel sets the level of a package, or of everything if path is "".
func (g *Group) setLevel(path string, level slog.Level, howLong time.Duration) {
	if path != "" {
		g.Levels.SetPackage(path, level, howLong)
		return
	}
	g.Levels.SetAll(level, howLong)
}

// setLogLevel sets it in this process, and has the supervisor do so.
func (v *panorama) setLogLevel(ctx context.Context, call meta.Call) (any, error) {
	path, key := call.Text("package"), call.Text("key")
	if key != "" { // only workers have requests
		return nil, meta.ErrNotHere
	}
	level, err := levelOf(call.Text("level"))
	if err != nil {
		return nil, err
	}
	said, err := v.group.setLogLevel(ctx, call)
	if err != nil {
		return nil, err
	}
	return said, v.supervisor(ctx, control.Request{Do: "log-level", Level: level, Package: path, Minutes: call.Int("minutes")})
}

func levelOf(text string) (level slog.Level, err error) {
	if err = level.UnmarshalText([]byte(text)); err != nil {
		err = fmt.Errorf("support: level is %q: want DEBUG, INFO, WARN or ERROR", text)
	}
	return level, err
}
