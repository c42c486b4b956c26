package browser_test

import (
	"fmt"
	"html"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/support-go/support/browser/shop"
)

// TestM1DNSRebinding asks for every page by the name of an attacker, which
// leads to the pages' own address, as DNS that lies can have it.
func TestM1DNSRebinding(t *testing.T) {
	opened := quietTab(t)
	_, port, err := net.SplitHostPort(strings.TrimPrefix(here.meta, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"attacker.example", "localhost6", "127.0.0.1.example"} {
		for _, address := range append(crawl().samples, "/status.json", "/metrics", "/overview.json", "/api.json") {
			status, err := opened.Go("http://" + net.JoinHostPort(host, port) + address)
			if err != nil {
				t.Fatal(err)
			}
			if status != http.StatusMisdirectedRequest && status != http.StatusForbidden {
				t.Errorf("%s as %s: %d, want 421 or 403", address, host, status)
			}
			if said := ask[string](t, opened, `document.documentElement.innerText`); len(said) > 200 || strings.Contains(said, "shop") {
				t.Errorf("%s as %s says %q", address, host, said)
			}
		}
	}
	if status, err := opened.Go("http://localhost:" + port + "/"); err != nil || status != http.StatusOK {
		t.Errorf("as localhost: %d, %v, want 200", status, err)
	}
}

// trap is a page of somebody else that sends a form, and asks by script, for
// what only operators may do.
func trap(csrf string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `<!doctype html><meta charset="utf-8"><title>Free kittens</title>
			<form method="post" action="%[1]s/do/gc"><input name="csrf" value="%[2]s"><input name="worker" value="all"><button>Kittens</button></form>
			<form id="plain" method="post" enctype="text/plain" action="%[1]s/do/gc"><input name="csrf" value="%[2]s"><button>More</button></form>
			<script>
				const body = new URLSearchParams({csrf: "%[2]s", worker: "all"});
				const tries = [
					{body}, {body: body.toString(), headers: {"Content-Type": "text/plain"}}, {body: body.toString(), headers: {"Content-Type": "application/json", "X-Csrf": "1"}},
				];
				window.tried = Promise.all(tries.flatMap((request) => ["cors", "no-cors"].map((mode) =>
					fetch("%[1]s/do/gc", {method: "POST", mode, credentials: "include", ...request}).then((answer) => answer.type === "opaque" ? "opaque" : "read " + answer.status, () => "refused"))));
			</script>`, here.meta, html.EscapeString(csrf))
	})
}

// TestM2RequestsOfOtherSites has an operator who is logged in visit pages of
// others, which know even what his forms send along.
func TestM2RequestsOfOtherSites(t *testing.T) {
	opened := quietTab(t)
	logIn(t, opened)
	visit(t, opened, "/actions")
	csrf := ask[string](t, opened, `document.querySelector("main input[name=csrf]").value`)
	other := httptest.NewServer(trap(csrf))
	defer other.Close()
	port := other.URL[strings.LastIndex(other.URL, ":"):]
	for name, origin := range map[string]string{
		"another site":     "http://attacker.example" + port,
		"another port":     "http://127.0.0.1" + port, // of the same site: cookies are sent along
		"the other name":   "http://localhost" + port,
		"nearly this name": "http://127.0.0.1.example" + port,
	} {
		t.Run(name, func(t *testing.T) {
			for _, button := range []string{"form button", "#plain button"} {
				if _, err := opened.Go(origin); err != nil {
					t.Fatal(err)
				}
				for _, outcome := range ask[[]string](t, opened, "window.tried") {
					if strings.HasPrefix(outcome, "read") {
						t.Errorf("a script of %s can read the answer: %s", origin, outcome)
					}
				}
				if status, err := opened.Follow(button); err != nil || status != http.StatusForbidden {
					t.Errorf("a form of %s: %d, %v, want 403", origin, status, err)
				}
				refused := 0
				for _, answer := range opened.Answers() {
					if strings.HasSuffix(answer.URL, "/do/gc") {
						refused++
						if answer.Status != http.StatusForbidden && answer.Status != http.StatusMethodNotAllowed { // to OPTIONS
							t.Errorf("a page of %s: %s answers %d, want 403", origin, answer.URL, answer.Status)
						}
					}
				}
				if refused < 2 { // or this test tests nothing
					t.Errorf("of what a page of %s sends, %d requests got an answer", origin, refused)
				}
			}
		})
	}
	opened.Complaints() // of the above
	visit(t, opened, "/actions")
	if done := ask[string](t, opened, `document.querySelector("main").innerText`); strings.Contains(done, "heap from") {
		t.Errorf("something was done: %s", done)
	}
	check(t, opened, "at the end")
}

// TestM5HostileQuestions puts markup wherever an address has room for it.
func TestM5HostileQuestions(t *testing.T) {
	opened := quietTab(t)
	logIn(t, opened)
	hostile := []string{shop.Markup, "javascript:alert(1)", "<svg onload=alert(1)>{{.}}", shop.Odd}
	for _, h := range hostile {
		q := url.QueryEscape(h)
		for _, address := range []string{
			"/search?q=" + q, "/stats?q=" + q, "/stats?sort=" + q, "/stats?worker=" + q, "/stats?kind=" + q, "/requests?sort=" + q + "&q=" + q, "/inflight?open=" + q,
			"/runtime?side=" + q, "/stats/" + url.PathEscape(h), "/stats/http.panics?l." + q + "=" + q, "/requests/" + url.PathEscape(h), "/actions?confirm=" + q, "/actions?done=" + q, "/" + url.PathEscape(h),
		} {
			if _, err := opened.Go(here.meta + address); err != nil {
				t.Fatal(err)
			}
			for _, complaint := range opened.Complaints() {
				if strings.Contains(complaint, " 404 ") || strings.HasPrefix(complaint, "404 for ") || strings.Contains(complaint, "status of 4") || strings.HasPrefix(complaint, "400 for ") {
					continue // there is no such thing
				}
				t.Errorf("%s: %s", address, complaint)
			}
			harmless(t, opened)
		}
	}
}

// TestM5HostileNames finds the shop's hostile names on its pages, as text.
func TestM5HostileNames(t *testing.T) {
	opened := tab(t)
	for address, want := range map[string]string{
		"/requests":                "<img src=x onerror=alert(1)>",
		"/stats?q=shop.stock":      `"'><img src=x onerror=alert('shop')><script>alert('shop')</script>`,
		"/stats?q=shop.orders":     "<script>alert('shop')</script>",
		"/search?q=script":         "<script>alert('shop')</script>",
		"/stats/shop.best_sellers": `"'><img s no`,
		"/requests/" + url.PathEscape("GET /<img src=x onerror=alert(1)>/{name}"): "<img src=x onerror=alert(1)>",
	} {
		t.Run(name(address), func(t *testing.T) {
			visit(t, opened, address)
			alive(t, opened) // what arrives later is markup too
			if said := ask[string](t, opened, `document.querySelector("main").textContent`); !strings.Contains(said, want) {
				t.Errorf("%s does not say %s", address, want)
			}
			harmless(t, opened)
		})
	}
}
