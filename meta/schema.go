package meta

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/support-go/support/meta/data"
)

// showSchema answers with the JSON Schema of a page's form for programs, made
// from what the page says now, or with that of a command's form.
func (a *app) showSchema(w http.ResponseWriter, r *http.Request, v *visitor) {
	path := strings.TrimPrefix(strings.TrimPrefix(v.path, "schema"), "/")
	if name, ok := strings.CutPrefix(path, "do/"); ok {
		c := a.command(name)
		if c == nil {
			http.Error(w, "there is no such command", http.StatusNotFound)
			return
		}
		writeSchema(w, data.InputSchema(c.title(), a.inputs(r.Context(), c)))
		return
	}
	page, query := a.page(path, r)
	switch {
	case page == nil:
		http.Error(w, "there is no such page", http.StatusNotFound)
		return
	case v.Role < max(page.Role, Viewer):
		a.refuse(w, r, v, page.Role)
		return
	}
	release, err := a.admit(page)
	if err != nil {
		w.Header().Set("Retry-After", "1")
		http.Error(w, err.Error(), http.StatusTooManyRequests)
		return
	}
	defer release()
	ctx, cancel := withTime(r)
	defer cancel()
	l := &look{page: page, path: path, query: query, who: v}
	a.take(ctx, l)
	l.view.Title = page.Title
	writeSchema(w, replySchema(l.view))
}

// replySchema is that of a reply with such a view.
func replySchema(v View) map[string]any {
	schema := data.Schema(v)
	text, seconds := map[string]any{"type": "string"}, map[string]any{"type": "number", "description": "seconds"}
	own := map[string]any{
		"path": text, "group": text, "took_seconds": seconds,
		"answered": map[string]any{"type": "array", "description": "the processes that were asked", "items": map[string]any{
			"type": "object", "required": []string{"name", "took_seconds"},
			"properties": map[string]any{"name": text, "error": text, "took_seconds": seconds},
		}},
	}
	if blocks, ok := schema["properties"].(map[string]any); ok {
		own["blocks"] = blocks["blocks"]
	}
	schema["properties"], schema["required"] = own, []string{"path", "group", "took_seconds"}
	return schema
}

func writeSchema(w http.ResponseWriter, schema map[string]any) {
	b, err := json.MarshalIndent(schema, "", " ")
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/schema+json")
	_, _ = w.Write(append(b, '\n')) // whoever asked may have gone
}
