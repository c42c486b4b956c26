package meta_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/support-go/support/meta"
	"github.com/support-go/support/meta/data"
)

// TestAPIHasSchemas asks for every address that the API names, and compares what
// it answers with the schema that it gives.
func TestAPIHasSchemas(t *testing.T) {
	f := start(t, func(h *meta.Handler) {
		h.Console.On = true
		h.Pages = append(h.Pages, meta.Page{Path: "queues", Title: "Queues", Run: func(context.Context, url.Values) (any, error) {
			table := meta.Table{Key: "queue", Columns: []meta.Column{{Name: "queue"}, {Name: "length", Merge: data.Sum}, {Name: "oldest", Unit: data.UnitTime}}}
			table.Add("mail", 3, "2026-11-22T03:04:05Z")
			return meta.Block{Name: "queues", Table: &table}, nil
		}})
	})
	var api struct{ Blocks []data.Block }
	if err := json.Unmarshal([]byte(f.ask(t, "GET", "/api.json", viewerToken).text), &api); err != nil {
		t.Fatal(err)
	}
	table := api.Blocks[1].Table
	if len(table.Rows) < 15 {
		t.Fatalf("the API has %d addresses", len(table.Rows))
	}
	for _, r := range table.Rows {
		path, schema := r.Cells[0].String(), r.Cells[len(r.Cells)-1].String()
		path = strings.Replace(path, "stats/NAME", "stats/shop.orders", 1)
		schema = strings.Replace(schema, "stats/NAME", "stats/shop.orders", 1)
		if strings.Contains(path, "NAME") {
			continue
		}
		t.Run(path, func(t *testing.T) {
			described := decode(t, f.patiently(t, "/"+schema))
			if r.Cells[1].String() == "POST" {
				if described["type"] != "object" || described["properties"] == nil {
					t.Errorf("the schema of %s is %v", path, described)
				}
				return
			}
			answered := decode(t, f.patiently(t, "/"+path))
			c := checker{root: described}
			c.check(described, answered, path)
			if len(c.wrong) > 0 {
				t.Errorf("%s does not fit its schema: %s", path, strings.Join(c.wrong[:min(5, len(c.wrong))], "; "))
			}
		})
	}
	described := decode(t, f.ask(t, "GET", "/schema/queues", viewerToken))
	c := checker{root: described}
	wrong := decode(t, f.ask(t, "GET", "/queues.json", viewerToken))
	wrong["blocks"].([]any)[0].(map[string]any)["table"].(map[string]any)["rows"].([]any)[0].(map[string]any)["cells"].([]any)[1] = "many"
	if c.check(described, wrong, ""); len(c.wrong) == 0 {
		t.Error("text where a sum should stand fits the schema: it says nothing")
	}
	for _, path := range []string{"/schema/nothing", "/schema/do/nothing", "/schema", "/schema/../stats"} {
		if got := f.ask(t, "GET", path, viewerToken); path != "/schema" && got.StatusCode == http.StatusOK && strings.Contains(got.Header.Get("Content-Type"), "schema") {
			t.Errorf("GET %s: %s", path, got.Status)
		}
	}
	if got := f.ask(t, "GET", "/schema/stats", ""); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("nobody asks for a schema: %s, want 401", got.Status)
	}
}

// patiently asks again where only one may look at a time.
func (f *fixture) patiently(t *testing.T, path string) answer {
	t.Helper()
	for {
		if a := f.ask(t, "GET", path, viewerToken); a.StatusCode != http.StatusTooManyRequests {
			return a
		}
	}
}

func decode(t *testing.T, a answer) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal([]byte(a.text), &v); err != nil || a.StatusCode != http.StatusOK {
		t.Fatalf("%s, %v, %.200s", a.Status, err, a.text)
	}
	return v
}

// checker compares a value with a schema, as far as our schemas go.
type checker struct {
	root  map[string]any
	wrong []string
}

func (c *checker) fits(schema map[string]any, v any) bool {
	inner := checker{root: c.root}
	inner.check(schema, v, "")
	return len(inner.wrong) == 0
}

func (c *checker) check(schema map[string]any, v any, at string) {
	if ref, ok := schema["$ref"].(string); ok {
		defs := c.root["$defs"].(map[string]any)
		c.check(defs[strings.TrimPrefix(ref, "#/$defs/")].(map[string]any), v, at)
	}
	if want, ok := schema["const"]; ok && want != v {
		c.wrong = append(c.wrong, fmt.Sprintf("%s is %v, want %v", at, v, want))
	}
	if !isOf(schema["type"], v) {
		c.wrong = append(c.wrong, fmt.Sprintf("%s is %.80v, want %v", at, v, schema["type"]))
	}
	if any, ok := schema["anyOf"].([]any); ok && !slices.ContainsFunc(any, func(s interface{}) bool { return c.fits(s.(map[string]interface{}), v) }) {
		c.wrong = append(c.wrong, fmt.Sprintf("%s is %.80v, and fits none of %.200v", at, v, any))
	}
	for _, s := range list(schema["allOf"]) {
		s := s.(map[string]any)
		if c.fits(s["if"].(map[string]any), v) {
			c.check(s["then"].(map[string]any), v, at)
		}
	}
	switch v := v.(type) {
	case map[string]any:
		c.object(schema, v, at)
	case []any:
		prefix := list(schema["prefixItems"])
		for i, element := range v {
			if i < len(prefix) {
				c.check(prefix[i].(map[string]any), element, fmt.Sprintf("%s[%d]", at, i))
			}
			if items, ok := schema["items"].(map[string]any); ok {
				c.check(items, element, fmt.Sprintf("%s[%d]", at, i))
			}
		}
	}
}

func (c *checker) object(schema, v map[string]any, at string) {
	for _, name := range list(schema["required"]) {
		if _, ok := v[name.(string)]; !ok {
			c.wrong = append(c.wrong, fmt.Sprintf("%s has no %v", at, name))
		}
	}
	properties, _ := schema["properties"].(map[string]any)
	for name, s := range properties {
		if value, ok := v[name]; ok {
			c.check(s.(map[string]any), value, at+"."+name)
		}
	}
}

func list(v any) []any {
	all, _ := v.([]any)
	return all
}

func isOf(types, v any) bool {
	if types == nil {
		return true
	}
	kind := "null"
	switch v.(type) {
	case string:
		kind = "string"
	case float64:
		kind = "number"
	case bool:
		kind = "boolean"
	case []any:
		kind = "array"
	case map[string]any:
		kind = "object"
	}
	if types == kind {
		return true
	}
	return slices.Contains(list(types), any(kind))
}
