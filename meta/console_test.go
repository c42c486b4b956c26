package meta_test

import (
	"context"
	"net/url"
	"strings"
	"testing"

	"github.com/support-go/support/meta"
	"github.com/support-go/support/meta/console"
	"github.com/support-go/support/meta/objects"
)

// TestExpressionsOnThePage asks for values of what other pages show.
func TestExpressionsOnThePage(t *testing.T) {
	f := start(t, func(h *meta.Handler) {
		h.Console.On, h.Console.Evaluate = true, console.Evaluate
		h.Pages = append(h.Pages, objects.Pages([]objects.Root{{Name: "config", Get: func(context.Context) (any, error) {
			return map[string]any{"Listen": ":80", "Sizes": []int{3, 4}, "Password": "canary"}, nil
		}}})...)
		h.Pages = append(h.Pages, meta.Page{Path: "secret", Title: "Secret", Role: meta.Operator, Run: func(context.Context, url.Values) (any, error) {
			return "for operators", nil
		}})
	})
	tests := map[string]string{
		`len(filter(stats.instruments, .name == "shop.orders"))`: `"body": "1"`,
		`filter(stats.instruments, .name == "shop.orders")`:      `"shop.orders"`,
		`objects.config.Listen`:                                  `"body": ":80"`,
		`sum(objects.config.Sizes)`:                              `"body": "7"`,
		`objects.config.Password`:                                `"body": "set, masked"`,
		`overview.verdict.state`:                                 `"body": "ok"`,
		`nosuchroot.x`:                                           "there is no root",
		`secret.text`:                                            "there is no root",
		`filter(stats.instruments`:                               "That did not work",
	}
	for line, want := range tests {
		got := f.ask(t, "GET", "/console.json?line="+url.QueryEscape(line), viewerToken)
		if got.StatusCode != 200 || !strings.Contains(strings.ReplaceAll(got.text, `\"`, `"`), want) {
			t.Errorf("%s: %s, %s; want %s", line, got.Status, got.text, want)
		}
		f.ask(t, "GET", "/console?line="+url.QueryEscape(line), viewerToken, "Accept", "text/html")
	}
	if got := f.ask(t, "GET", "/console.json?line=secret.text", operatorToken).text; !strings.Contains(got, "for operators") {
		t.Errorf("an operator cannot ask for what he may see: %s", got)
	}
	if len(f.done) != 0 {
		t.Errorf("expressions have done %v", f.done)
	}
}

func TestObjectsOnThePage(t *testing.T) {
	f := start(t, func(h *meta.Handler) {
		h.Pages = objects.Pages([]objects.Root{{Name: "tree", Get: func(context.Context) (any, error) {
			return map[string]any{"<b>bold</b>": map[string]any{"x": `"><img src=x>`}}, nil
		}}})
	})
	for path, want := range map[string]string{
		"/objects": "objects/tree", "/objects/tree": "&lt;b&gt;bold", "/objects/tree?at=" + url.QueryEscape(url.PathEscape("<b>bold</b>")): "&lt;img",
		"/objects/tree?at=nothing": "there is no", "/objects/other": "there is no object",
	} {
		got := f.ask(t, "GET", path, viewerToken, "Accept", "text/html").text
		if !strings.Contains(got, want) || strings.Contains(got, "<b>bold") || strings.Contains(got, "<img") {
			t.Errorf("GET %s has no %q, or markup:\n%s", path, want, got)
		}
	}
}
