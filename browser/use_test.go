package browser_test

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"github.com/support-go/support/browser/chrome"
)

func press(t *testing.T, opened *chrome.Tab, keys string) {
	t.Helper()
	if err := opened.Press(keys); err != nil {
		t.Fatalf("key %q: %v", keys, err)
	}
}

// leads presses keys that lead to another page, and returns its address.
func leads(t *testing.T, opened *chrome.Tab, keys string) *url.URL {
	t.Helper()
	status, err := opened.Enter(keys)
	if err != nil || status != 200 {
		t.Fatalf("keys %q: %d, %v", keys, status, err)
	}
	check(t, opened, "after keys "+keys)
	return at(t, opened)
}

// at is where the tab is.
func at(t *testing.T, opened *chrome.Tab) *url.URL {
	t.Helper()
	u, err := url.Parse(ask[string](t, opened, "location.href"))
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestKeys(t *testing.T) {
	opened := tab(t)
	visit(t, opened, "/")
	press(t, opened, "/")
	eventually(t, opened, "/ does not lead to the search", `document.activeElement.id === "q"`)
	press(t, opened, "panics/?.")
	if got := ask[string](t, opened, `document.activeElement.value`); got != "panics/?." {
		t.Errorf("the search holds %q: a key has acted in a field", got)
	}
	press(t, opened, "\b\b\b")
	if u := leads(t, opened, "\r"); u.Path != "/search" || u.Query().Get("q") != "panics" {
		t.Errorf("Enter leads to %s", u)
	}
	eventually(t, opened, "the search finds no instrument", `document.querySelectorAll("main tbody a[href*='http.panics']").length > 0`)
	press(t, opened, "?")
	eventually(t, opened, "? shows no keys", `document.getElementById("keys").open && document.getElementById("gokeys").textContent.includes("Stats")`)
	press(t, opened, "\x1b")
	eventually(t, opened, "Escape leaves the keys open", `!document.getElementById("keys").open`)
	if u := leads(t, opened, "gs"); u.Path != "/stats" {
		t.Errorf("g s leads to %s", u)
	}
	press(t, opened, "jjk")
	eventually(t, opened, "j, j, k do not choose the first row", `document.querySelector("tbody > tr[aria-selected]") === document.querySelector("tbody > tr[id]")`)
	if u := leads(t, opened, "\r"); !strings.HasPrefix(u.Path, "/stats/") {
		t.Errorf("Enter on a row leads to %s", u)
	}
	if u := leads(t, opened, "]"); u.Query().Get("worker") != "w1" {
		t.Errorf("] leads to %s, want worker w1", u)
	}
	if u := leads(t, opened, "["); u.Query().Get("worker") != "" {
		t.Errorf("[ leads to %s, want the group", u)
	}
}

func TestPause(t *testing.T) {
	opened := tab(t)
	visit(t, opened, "/")
	alive(t, opened)
	press(t, opened, ".")
	eventually(t, opened, ". does not pause", `document.getElementById("live").textContent === "paused"`)
	press(t, opened, ".")
	eventually(t, opened, ". does not go on", `document.getElementById("live").textContent.startsWith("live,")`)
}

// TestLive waits for numbers that change while nobody does anything.
func TestLive(t *testing.T) {
	opened := tab(t)
	visit(t, opened, "/requests")
	numbers := `[...document.querySelectorAll("tbody td[data-v]")].map((cell) => cell.dataset.v).join(" ")`
	first := ask[string](t, opened, numbers+` + " "`)
	eventually(t, opened, "the numbers of requests do not change", numbers+` + " " !== `+quote(first))
	eventually(t, opened, "the page does not say that it is live", `document.getElementById("live").textContent.startsWith("live,")`)
}

func quote(s string) string { return `"` + s + `"` }

// TestSort follows the head of each column of each table of statistics, twice.
func TestSort(t *testing.T) {
	opened := tab(t)
	show(t, opened, chrome.Window{Width: 1440, Height: 1000, Still: true}) // or numbers change in rows that keep their places
	visit(t, opened, "/stats")
	columns := ask[int](t, opened, `document.querySelectorAll("thead th a").length`)
	if columns < 3 {
		t.Fatalf("%d columns can be sorted by", columns)
	}
	for n := range columns {
		for range 2 {
			before := ask[string](t, opened, `document.querySelectorAll("thead th a")[`+strconv.Itoa(n)+`].textContent`)
			follow(t, opened, "thead th:nth-child("+strconv.Itoa(n+1)+") a")
			sorted := ask[[]string](t, opened, `[...document.querySelectorAll("thead th[aria-sort]")].map((th) => th.querySelector("a").textContent + " " + th.ariaSort)`)
			if len(sorted) != 1 || !strings.HasPrefix(sorted[0], before) {
				t.Errorf("sorted by %q, want %q", sorted, before)
				continue
			}
			values := ask[[]float64](t, opened, `[...document.querySelectorAll("tbody tr")].map((row) => row.cells[`+strconv.Itoa(n)+`].dataset.v).filter((v) => v !== undefined).map(Number)`)
			if strings.HasSuffix(sorted[0], "descending") {
				slices.Reverse(values)
			}
			if !slices.IsSorted(values) {
				t.Errorf("by %s: %v", sorted[0], values)
			}
		}
	}
}

// TestFilter filters rows while somebody types, and by the form alone.
func TestFilter(t *testing.T) {
	shown := `[...document.querySelectorAll("main tbody > tr[id]:not([hidden])")].map((row) => row.cells[0].textContent)`
	opened := tab(t)
	visit(t, opened, "/stats")
	all := len(ask[[]string](t, opened, shown))
	if err := opened.Write("form[data-filter] input[type=search]", "panics broken"); err != nil {
		t.Fatal(err)
	}
	typed := ask[[]string](t, opened, shown)
	if len(typed) == 0 || len(typed) == all || !strings.Contains(typed[0], "http.panics") {
		t.Errorf("typed: %d of %d rows are left: %q", len(typed), all, typed)
	}
	show(t, opened, still)
	visit(t, opened, "/stats")
	if err := opened.Write("form[data-filter] input[type=search]", "panics broken"); err != nil {
		t.Fatal(err)
	}
	if u := leads(t, opened, "\r"); u.Query().Get("q") != "panics broken" {
		t.Errorf("without scripts the form leads to %s", u)
	}
	if asked := ask[[]string](t, opened, shown); !slices.Equal(asked, typed) {
		t.Errorf("without scripts: %q, want %q", asked, typed)
	}
}

// TestMenu opens the menu of a narrow window, with scripts and without.
func TestMenu(t *testing.T) {
	opened := tab(t)
	for _, w := range []chrome.Window{narrow, still} {
		show(t, opened, w)
		visit(t, opened, "/")
		if ask[bool](t, opened, `document.getElementById("nav").checkVisibility()`) {
			t.Error("the menu is open before anybody wants it")
		}
		if err := opened.Click("button.menu"); err != nil {
			t.Fatal(err)
		}
		if !ask[bool](t, opened, `document.getElementById("nav").checkVisibility()`) {
			t.Error("the menu does not open")
		}
		follow(t, opened, `#nav a[href$="runtime"]`)
		if u := at(t, opened); u.Path != "/runtime" {
			t.Errorf("the menu leads to %s", u)
		}
	}
}

// TestTheme chooses against what the system says, whatever that is, and leaves it
// to the system again.
func TestTheme(t *testing.T) {
	opened := tab(t)
	visit(t, opened, "/stats?worker=w1")
	for _, w := range []chrome.Window{wide, dark} {
		show(t, opened, w)
		for theme, looksDark := range map[string]bool{"dark": true, "light": false, "system": w.Dark} {
			follow(t, opened, `form[action$="theme"] button[value=`+theme+`]`)
			if got := ask[bool](t, opened, `getComputedStyle(document.body).backgroundColor === "rgb(13, 15, 18)"`); got != looksDark {
				t.Errorf("%s, in a system that is dark: %v: looks dark: %v, want %v", theme, w.Dark, got, looksDark)
			}
			if !ask[bool](t, opened, `document.querySelector("form[action$=theme] button[aria-pressed]").value === "`+theme+`"`) {
				t.Errorf("the page does not say that %s was chosen", theme)
			}
			if u := at(t, opened); u.Path != "/stats" {
				t.Errorf("choosing a theme leads to %s", u)
			}
		}
	}
}

// TestAct has an operator collect garbage: a page asks first, and says then
// what was done.
func TestAct(t *testing.T) {
	opened := tab(t)
	logIn(t, opened)
	visit(t, opened, "/actions")
	follow(t, opened, `form:has(input[name=action][value=gc]) button`)
	accessible(t, opened, everything)
	follow(t, opened, `form[action$="do/gc"] button`)
	if said := ask[string](t, opened, `document.querySelector("main").innerText`); !strings.Contains(said, "w1: heap from") || !strings.Contains(said, "w2: heap from") {
		t.Errorf("it says %s", said)
	}
	accessible(t, opened, everything)
	follow(t, opened, `form[action$="logout"] button`)
	if ask[bool](t, opened, `document.querySelector("form[action$=logout]") !== null`) {
		t.Error("still logged in")
	}
	visit(t, opened, "/actions")
	if !ask[bool](t, opened, `[...document.querySelectorAll("main form button")].every((button) => button.disabled)`) {
		t.Error("a viewer can press a button")
	}
}

// TestCharts reads charts by arrow keys and pointer: one moment in all that show
// the same time, which can be kept in the address.
func TestCharts(t *testing.T) {
	opened := tab(t)
	visit(t, opened, "/")
	eventually(t, opened, "no chart can be reached by keys", `document.querySelector("[data-chart][tabindex='0']") !== null`)
	ask[bool](t, opened, `(document.querySelector("[data-chart][tabindex='0']").focus(), true)`)
	press(t, opened, kb.ArrowLeft)
	shown := `(() => { const tip = document.querySelector(".tip"); return !tip.hidden && /^\d\d:\d\d:\d\d/.test(tip.textContent); })()`
	eventually(t, opened, "arrow keys show no value", shown)
	eventually(t, opened, "charts beside each other do not show the same moment", `(() => {
		const lines = [...document.querySelectorAll(".cross")];
		return lines.length > 3 && lines.every((line) => line.getAttribute("x1") === lines[0].getAttribute("x1"));
	})()`)
	press(t, opened, kb.Enter)
	eventually(t, opened, "Enter does not keep the moment in the address", `new URL(location.href).searchParams.has("at")`)
	visit(t, opened, at(t, opened).RequestURI())
	eventually(t, opened, "the address does not show the moment again", shown)
	ask[bool](t, opened, `(document.querySelector("[data-chart][tabindex='0']").focus(), true)`)
	press(t, opened, kb.Escape)
	eventually(t, opened, "Escape leaves the moment", `document.querySelector(".tip").hidden && !new URL(location.href).searchParams.has("at")`)
	if err := opened.Point("[data-chart] .hit:nth-last-child(1)"); err != nil {
		t.Fatal(err)
	}
	eventually(t, opened, "the pointer shows no value", shown)
}

// TestMarks looks whether the letter of an event stands at the same place in all
// charts beside each other.
func TestMarks(t *testing.T) {
	opened := tab(t)
	for _, address := range []string{"/", "/?range=15m", "/?worker=w1"} {
		visit(t, opened, address)
		eventually(t, opened, "six charts have no mark", `document.querySelectorAll(".charts .ev").length >= 6`) // none before the first points
		places := ask[[]string](t, opened, `[...document.querySelectorAll(".charts .ev")].map((line) => line.getAttribute("x1"))`)
		if len(places) < 6 || len(slices.Compact(slices.Clone(places))) > 1 {
			t.Errorf("%s: the marks stand at %q, want one place in six charts", address, places)
		}
	}
}

// TestNumbersOfCharts reads the points of charts as tables, without scripts.
func TestNumbersOfCharts(t *testing.T) {
	opened := tab(t)
	show(t, opened, still)
	visit(t, opened, "/")
	follow(t, opened, `.foot a[href*="table=1"]`)
	if rows := ask[int](t, opened, `document.querySelectorAll(".points tbody tr").length`); rows < 6 {
		t.Errorf("%d rows of points", rows)
	}
	show(t, opened, wide)
	visit(t, opened, "/?table=1")
	accessible(t, opened, everything)
}
