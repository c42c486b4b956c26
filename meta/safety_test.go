package meta_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/support-go/support/meta"
)

func TestM1HostsByWhichItMayBeAsked(t *testing.T) {
	f := start(t, func(h *meta.Handler) { h.Access.Hosts = []string{"shop.internal"} })
	port := f.URL[strings.LastIndexByte(f.URL, ':'):]
	tests := map[string]struct {
		host string
		want int
	}{
		"loopback":           {"127.0.0.1" + port, 200},
		"localhost":          {"LocalHost" + port, 200},
		"version 6":          {"[::1]" + port, 200},
		"configured":         {"shop.internal" + port, 200},
		"rebound":            {"attacker.example" + port, 421},
		"rebound, no port":   {"attacker.example", 421},
		"forwarded":          {"127.0.0.1:1", 200},
		"its other port":     {"shop.internal:1", 421},
		"like localhost":     {"localhost6" + port, 421},
		"below localhost":    {"x.localhost" + port, 421},
		"private, not bound": {"10.0.0.1" + port, 421},
		"trailing dot":       {"localhost." + port, 421},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			for _, path := range []string{"/", "/stats.json", "/login", "/nothing"} {
				got := f.ask(t, "GET", path, viewerToken, "Host", test.host).StatusCode
				if (test.want == 421) != (got == 421) {
					t.Errorf("GET %s for %s: %d, want %d", path, test.host, got, test.want)
				}
			}
		})
	}
}

func TestM2CrossSiteRequests(t *testing.T) {
	f := start(t, nil)
	tests := map[string][]string{
		"another site": {"Sec-Fetch-Site", "cross-site"},
		"another port": {"Sec-Fetch-Site", "same-site"},
		"old browser":  {"Origin", "http://attacker.example"},
		"no origin":    {"Origin", "null"},
	}
	for name, header := range tests {
		t.Run(name, func(t *testing.T) {
			if got := f.ask(t, "POST", "/do/tidy", operatorToken, header...).StatusCode; got != http.StatusForbidden {
				t.Errorf("POST: %d, want 403", got)
			}
		})
	}
	client := f.browser(t, operatorToken)
	for name, field := range map[string]string{"without the field": "", "with a wrong one": "0123"} {
		resp := post(t, client, f.URL+"/do/tidy", url.Values{"how": {"well"}, "csrf": {field}})
		if resp.StatusCode != http.StatusForbidden {
			t.Errorf("a form %s: %s, want 403", name, resp.Status)
		}
	}
	if len(f.done) != 0 {
		t.Errorf("%d actions were carried out, want none", len(f.done))
	}
	resp := post(t, client, f.URL+"/do/tidy", url.Values{"how": {"well"}, "csrf": {csrf(t, f, client)}})
	if got := resp.text; len(f.done) != 1 || !strings.Contains(got, "tidied well") {
		t.Errorf("the form as shown: done %v, %s", f.done, got)
	}
}

// csrf is the field of the forms that this browser is shown.
func csrf(t *testing.T, f *fixture, client *http.Client) string {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, f.URL+"/actions?confirm=tidy", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp := send(t, client, r)
	found := regexp.MustCompile(`name="csrf" value="([0-9a-f]+)"`).FindStringSubmatch(resp.text)
	if found == nil {
		t.Fatal("the page has no form with a csrf field")
	}
	return found[1]
}

// TestM3NothingChangesByGet asks every route, twice, and every one that changes
// something with GET.
func TestM3NothingChangesByGet(t *testing.T) {
	f := start(t, nil)
	before := f.handler.Audit()
	for _, route := range f.handler.Routes() {
		method, path, _ := strings.Cut(route, " ")
		switch {
		case method == "POST" && path != "login":
			for _, tail := range []string{"", "/tidy", "/confirm"} {
				resp := f.ask(t, "GET", "/"+path+tail+"?how=well", operatorToken)
				if resp.StatusCode != http.StatusMethodNotAllowed || resp.Header.Get("Allow") != "POST" {
					t.Errorf("GET /%s%s: %s, Allow %q; want 405 and POST", path, tail, resp.Status, resp.Header.Get("Allow"))
				}
			}
		case method == "GET":
			for range 2 {
				f.ask(t, "GET", "/"+path+"?confirm=tidy&done=1", operatorToken)
				f.ask(t, "HEAD", "/"+path, operatorToken)
			}
			if resp := f.ask(t, "PUT", "/"+path, operatorToken); resp.StatusCode != http.StatusMethodNotAllowed {
				t.Errorf("PUT /%s: %s, want 405", path, resp.Status)
			}
		}
	}
	if after := f.handler.Audit(); after != before || len(f.done) != 0 {
		t.Errorf("GET has done %v, and left %d entries in the audit log", f.done, after-before)
	}
}

func TestM4Tokens(t *testing.T) {
	f := start(t, nil)
	first := ""
	for name, token := range map[string]string{"none": "", "short": "x", "wrong": strings.Repeat("0", 64), "its hash": fmt.Sprintf("%x", meta.HashToken(viewerToken))} {
		resp := f.ask(t, "GET", "/stats", token)
		got := resp.text
		if first == "" {
			first = got
		}
		if resp.StatusCode != http.StatusUnauthorized || got != first {
			t.Errorf("token %s: %s, %q; want 401 and the same answer as to others", name, resp.Status, got)
		}
	}
	if resp := f.ask(t, "GET", "/stats?token="+viewerToken, ""); resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("a token in the address: %s, want 401", resp.Status)
	}
	if resp := f.ask(t, "POST", "/do/tidy", viewerToken); resp.StatusCode != http.StatusForbidden || len(f.done) != 0 {
		t.Errorf("a viewer's POST: %s, done %v; want 403 and nothing", resp.Status, f.done)
	}
	limited := false
	for range 20 {
		limited = limited || f.ask(t, "GET", "/stats", "guess").StatusCode == http.StatusTooManyRequests
	}
	if !limited {
		t.Error("20 guesses in a row were never slowed down")
	}
	if log := f.log.String(); strings.Contains(log, viewerToken) || strings.Contains(log, operatorToken) {
		t.Errorf("a token is in the log:\n%s", log)
	}
}

// naughty are names that would be code if they were written as they are.
func naughty() []string {
	return []string{
		`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `'-alert(1)-'`, `javascript:alert(1)`,
		`</title><svg onload=alert(1)>`, "{{.}}", "\u202eevil", `" onmouseover="alert(1)`,
	}
}

func TestM5NothingThatIsNamedBecomesCode(t *testing.T) {
	f := start(t, func(h *meta.Handler) {
		h.Pages = append(h.Pages, meta.Page{Path: "names", Title: naughty()[0], Run: func(context.Context, url.Values) (any, error) {
			table := &meta.Table{Columns: []meta.Column{{Name: naughty()[1]}}, Filter: true}
			for _, name := range naughty() {
				table.Add(meta.Cell{Value: name, Href: name, Why: name})
			}
			return meta.Block{Title: naughty()[2], Table: table}, nil
		}})
	})
	for _, name := range naughty() {
		f.reg.Distribution("http.request_seconds", "route", name).Add(1)
		f.reg.Top("shop.customers").Add(name)
	}
	for _, path := range []string{
		"/names", "/stats", "/talkers", "/search?q=" + url.QueryEscape(naughty()[0]), "/stats?q=" + url.QueryEscape(naughty()[1]),
		"/stats/" + url.PathEscape(naughty()[0]), "/" + url.PathEscape(naughty()[1]), "/?worker=" + url.QueryEscape(naughty()[1]),
		"/stats/http.request_seconds?l.route=" + url.QueryEscape(naughty()[1]), "/actions?confirm=" + url.QueryEscape(naughty()[0]),
	} {
		resp := f.ask(t, "GET", path, viewerToken, "Accept", "text/html")
		got := resp.text
		for _, bad := range []string{"<script>alert", "<img", "<svg onload", ` onmouseover="`, `href="javascript:`, "style="} {
			if strings.Contains(got, bad) {
				t.Errorf("GET %s: the page has %q", path, bad)
			}
		}
		if resp.Header.Get("Content-Security-Policy") != meta.Policy {
			t.Errorf("GET %s: policy %q", path, resp.Header.Get("Content-Security-Policy"))
		}
	}
}

// TestM5AddressesDoNotAct has addresses hold characters that act on text beside
// them, or on a terminal.
func TestM5AddressesDoNotAct(t *testing.T) {
	f := start(t, nil)
	const odd = "\x1b[31m\a\u202eevil\u2066\xff"
	for _, path := range []string{
		"/search?q=" + url.QueryEscape(odd), "/stats?worker=" + url.QueryEscape(odd), "/stats/" + url.PathEscape(odd),
		"/stats/http.requests?l." + url.QueryEscape(odd) + "=" + url.QueryEscape(odd),
	} {
		if got := f.ask(t, "GET", path, viewerToken, "Accept", "text/html").text; strings.ContainsAny(got, "\x1b\a\u202e\u2066") {
			t.Errorf("GET %s: the page has what its address had", path)
		}
	}
}

// TestM6Secrets looks for what must not be seen on all pages, in both forms.
func TestM6Secrets(t *testing.T) {
	const canary = "canary-5f2c"
	for _, name := range []string{"DATABASE_URL", "AWS_SECRET_ACCESS_KEY", "HARMLESS_NAME", "KEYSTORE_PASS"} {
		t.Setenv(name, "x://u:"+canary+"@h")
	}
	os.Args = append(os.Args, "--"+canary)
	t.Cleanup(func() { os.Args = os.Args[:len(os.Args)-1] })
	type config struct {
		Password, APIKey, Token string
		Nested                  struct{ DSN string }
		Shown                   string
	}
	f := start(t, func(h *meta.Handler) {
		h.Pages = append(h.Pages, meta.Page{Path: "settings", Title: "Settings", Run: func(context.Context, url.Values) (any, error) {
			c := config{Password: canary, APIKey: canary, Token: canary, Shown: "visible"}
			c.Nested.DSN = canary
			return c, nil
		}})
	})
	for _, route := range f.handler.Routes() {
		path, isGet := strings.CutPrefix(route, "GET ")
		if !isGet {
			continue
		}
		for _, form := range []string{"text/html", "application/json"} {
			for _, header := range []string{"X-Token", "Cookie"} {
				got := f.ask(t, "GET", "/"+path, viewerToken, "Accept", form, header, "a="+canary).text
				if strings.Contains(got, canary) {
					t.Errorf("/%s as %s shows a secret", path, form)
				}
			}
		}
	}
	if got := f.ask(t, "GET", "/settings", viewerToken, "Accept", "text/html").text; !strings.Contains(got, "visible") || !strings.Contains(got, "set, masked") {
		t.Errorf("what is no secret should be seen, and that there are secrets:\n%s", got)
	}
}

// TestM8NoPathReachesTheFileSystem also stands for tricks with paths.
func TestM8NoPathReachesTheFileSystem(t *testing.T) {
	f := start(t, nil)
	for _, path := range []string{
		"/static/../meta.go", "/static/%2e%2e/%2e%2e/etc/passwd", "/static//etc/passwd", "/static/x/meta.css", "/static/meta.css%00.js",
		"/stats/../../etc/passwd", "//etc/passwd", "/..%2f..%2fetc%2fpasswd", "/goroutines/%2e%2e/x",
	} {
		resp := f.ask(t, "GET", path, viewerToken)
		got := resp.text
		if strings.Contains(got, "root:") || strings.Contains(got, "package ") || strings.HasPrefix(path, "/static") && resp.StatusCode == http.StatusOK {
			t.Errorf("GET %s: %s, %.100q", path, resp.Status, got)
		}
	}
}

func TestM10Headers(t *testing.T) {
	f := start(t, nil)
	want := map[string]string{
		"Cache-Control": "no-store", "Cross-Origin-Resource-Policy": "same-origin", "X-Content-Type-Options": "nosniff",
		"Content-Security-Policy": meta.Policy, "Access-Control-Allow-Origin": "",
	}
	for _, route := range append(f.handler.Routes(), "GET nothing", "GET stats.json") {
		method, path, _ := strings.Cut(route, " ")
		for _, token := range []string{"", viewerToken} {
			resp := f.ask(t, method, "/"+path, token, "Origin", f.URL)
			for name, value := range want {
				if got := resp.Header.Get(name); got != value {
					t.Errorf("%s, %s: %s is %q, want %q", route, resp.Status, name, got, value)
				}
			}
		}
	}
}

// TestM11ManyAtOnce lets a page block, and asks for it more often than it may
// be asked for; others go on.
func TestM11ManyAtOnce(t *testing.T) {
	release := make(chan struct{})
	started := make(chan struct{}, 100)
	f := start(t, func(h *meta.Handler) {
		h.Pages = []meta.Page{{Path: "slow", Title: "Slow", Cost: meta.Costly, Run: func(context.Context, url.Values) (any, error) {
			started <- struct{}{}
			<-release
			return "done", nil
		}}}
	})
	var all sync.WaitGroup
	codes := make(chan int, 10)
	all.Go(func() { codes <- f.ask(t, "GET", "/slow", viewerToken).StatusCode })
	<-started
	for range 9 {
		all.Go(func() { codes <- f.ask(t, "GET", "/slow", viewerToken).StatusCode })
	}
	refused := 0
	for range 9 {
		if <-codes == http.StatusTooManyRequests {
			refused++
		}
	}
	if got := f.ask(t, "GET", "/stats", viewerToken).StatusCode; got != http.StatusOK {
		t.Errorf("another page meanwhile: %d, want 200", got)
	}
	close(release)
	all.Wait()
	if refused != 9 {
		t.Errorf("%d of 9 looks at a costly page that somebody looks at were refused, want all", refused)
	}
	long := strings.Repeat("x", 10<<20)
	if resp := f.ask(t, "GET", "/stats?q="+long[:60<<10], viewerToken); resp.StatusCode != http.StatusRequestURITooLong {
		t.Errorf("a long question: %s, want 414", resp.Status)
	}
}

func TestM12ClosedUnlessToldOtherwise(t *testing.T) {
	f := start(t, func(h *meta.Handler) { h.Access = meta.Access{} })
	for _, route := range f.handler.Routes() {
		method, path, _ := strings.Cut(route, " ")
		if got := f.ask(t, method, "/"+path, operatorToken).StatusCode; got != http.StatusForbidden {
			t.Errorf("%s with no Access: %d, want 403", route, got)
		}
	}
}
