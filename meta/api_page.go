package meta

import (
	"context"
	"net/url"
	"strings"

	"github.com/support-go/support/meta/data"
)

// apiPage lists every address, for scripts and agents.
func (a *app) apiPage(context.Context, url.Values) (any, error) {
	t := &Table{Key: "path", Filter: true, Columns: []Column{
		{Name: "path", Title: "Path", Unit: data.UnitCode}, {Name: "method", Title: "Method"}, {Name: "title", Title: "What", Wrap: true},
		{Name: "role", Title: "Role"}, {Name: "cost", Title: "Cost"}, {Name: "questions", Title: "Takes", Unit: data.UnitCode, Wrap: true}, {Name: "schema", Title: "Schema", Unit: data.UnitCode},
	}}
	for i := range a.pages {
		a.listPage(t, &a.pages[i])
	}
	for i := range a.commands {
		c := &a.commands[i]
		schema := "schema/do/" + c.Name
		t.Add("do/"+c.Name, "POST", c.title()+": "+c.Help, c.role().String(), Cheap.String(), usage(c), Cell{Value: schema, Href: schema})
	}
	if a.Group != nil {
		t.Add(Cell{Value: "metrics", Href: "metrics"}, "GET", "Statistics, in the formats of Prometheus", Viewer.String(), Cheap.String(), "", "")
		t.Add(Cell{Value: "status.json", Href: "status.json"}, "GET", "What the supervisor knows of all processes", Viewer.String(), Cheap.String(), "", "")
		t.Add(Cell{Value: "livez", Href: "livez"}, "GET", "200 while the group is alive", Nobody.String(), Cheap.String(), "", "")
		t.Add(Cell{Value: "readyz", Href: "readyz"}, "GET", "200 while it wants work, else 503 with the reason", Nobody.String(), Cheap.String(), "", "")
	}
	return View{Blocks: []Block{{
		Title: "For programs", Notice: &data.Notice{
			Text: data.Words("Every page has the same value as JSON: put .json behind its path, or ask for application/json. Its schema says what stands where, in what unit, and how values of workers merge. A token goes into a header:"),
			Code: "curl -H \"Authorization: Bearer $TOKEN\" http://HOST/stats.json",
		},
	}, {Name: "api", Title: "All addresses", Table: t}}}, nil
}

func (a *app) listPage(t *Table, p *Page) {
	name, below := strings.CutSuffix(p.Path, "/")
	if name == "" {
		name = "overview"
	}
	path, schema := name+".json", "schema/"+name
	takes := "[sort=COLUMN] [q=WORDS]"
	if !p.here && a.Sources != nil {
		takes = "[worker=NAME] [side=1] " + takes
	}
	link, about := Cell{Value: path, Href: path}, Cell{Value: schema, Href: schema}
	if below { // there is none without a name
		link, about = Cell{Value: name + "/NAME.json"}, Cell{Value: schema + "/NAME"}
	}
	t.Add(link, "GET", p.Title, max(p.Role, Viewer).String(), p.Cost.String(), takes, about)
}
