package meta

import (
	"context"
	"net/url"

	"github.com/support-go/support/meta/data"
)

// apiPage lists every address, for scripts and agents.
func (a *app) apiPage(context.Context, url.Values) (any, error) {
	t := &Table{Key: "path", Filter: true, Columns: []Column{
		{Name: "path", Title: "Path", Unit: data.UnitCode}, {Name: "method", Title: "Method"}, {Name: "title", Title: "What"},
		{Name: "role", Title: "Role"}, {Name: "cost", Title: "Cost"}, {Name: "answers", Title: "Answers", Wrap: true},
	}}
	for _, p := range a.pages {
		path := p.Path + ".json"
		switch {
		case p.Path == "":
			path = "overview.json"
		case p.Path[len(p.Path)-1] == '/':
			path = p.Path + "NAME.json"
		}
		c := Cell{Value: path, Href: path}
		if p.Path != "" && p.Path[len(p.Path)-1] == '/' {
			c.Href = ""
		}
		questions := "a view: title, at, blocks of verdict, figures, fields, table, charts, histogram, graph, shares, events, text or notice"
		if !p.here {
			questions += "; ?worker=NAME for one, ?side=1 for all beside each other"
		}
		t.Add(c, "GET", p.Title, max(p.Role, Viewer).String(), p.Cost.String(), questions+"; ?sort=COLUMN or -COLUMN, ?q=WORDS for tables")
	}
	for i := range a.commands {
		c := &a.commands[i]
		t.Add("do/"+c.Name, "POST", c.title(), c.role().String(), Cheap.String(), c.Help+" A form with: "+usage(c))
	}
	return View{Blocks: []Block{{
		Title: "For programs", Notice: &data.Notice{
			Text: data.Words("Every page has the same value as JSON: put .json behind its path, or ask for application/json. A token goes into a header:"),
			Code: "curl -H \"Authorization: Bearer $TOKEN\" http://HOST/stats.json",
		},
	}, {Name: "api", Title: "All addresses", Table: t}}}, nil
}
