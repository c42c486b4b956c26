package meta_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// TestReset begins statistics anew on the pages, and nowhere else.
func TestReset(t *testing.T) {
	f := start(t, nil)
	d := f.reg.Distribution("http.request_seconds", "route", "GET /")
	reset := func(name string) answer {
		t.Helper()
		f.handler.Forget()
		return f.give(t, "reset-statistic", operatorToken, url.Values{"name": {name}})
	}
	if got := reset("shop.orders"); got.StatusCode != http.StatusOK || !strings.Contains(got.text, "counts from now on here, in 1 series") {
		t.Errorf("reset: %s, %s", got.Status, got.text)
	}
	f.reg.Counter("shop.orders").Add(3)
	f.handler.Forget()
	if got := f.ask(t, "GET", "/stats/shop.orders.json", viewerToken).text; !strings.Contains(got, `"value": 3`) || !strings.Contains(got, "Counts since") {
		t.Errorf("the counter after a reset, and 3 more: %s", got)
	}
	if s := f.reg.Snapshot(); !strings.Contains(totalOf(t, f), "10") || len(s.Series) == 0 {
		t.Errorf("the program's own count has changed: %s", totalOf(t, f))
	}
	reset("http.request_seconds")
	d.Add(0.5)
	d.Add(0.125)
	f.handler.Forget()
	got := f.ask(t, "GET", "/stats/http.request_seconds.json?l.route=GET+%2F", viewerToken).text
	for _, want := range []string{`"value": 2`, `"value": 0.625`} { // count and sum of what came after
		if !strings.Contains(got, want) {
			t.Errorf("the distribution has no %s: %s", want, got)
		}
	}
	if got := reset("shop.customers"); got.StatusCode != http.StatusOK {
		t.Errorf("top: %s, %s", got.Status, got.text)
	}
	f.reg.Cardinality("shop.visitors").Add("x")
	for name, want := range map[string]string{"shop.visitors": "cannot begin anew", "shop.nothing": "nothing is counted as"} {
		if got := reset(name); got.StatusCode != http.StatusInternalServerError || !strings.Contains(got.text, want) {
			t.Errorf("reset of %s: %s, %s; want %q", name, got.Status, got.text, want)
		}
	}
	if got := f.give(t, "reset-statistic", viewerToken, url.Values{"name": {"shop.orders"}}); got.StatusCode != http.StatusForbidden {
		t.Errorf("a viewer: %s, want 403", got.Status)
	}
}

// totalOf is what the program itself has counted.
func totalOf(t *testing.T, f *fixture) string {
	t.Helper()
	b, err := f.reg.Snapshot().MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(b), "shop.orders")
	return rest[:min(len(rest), 60)]
}
