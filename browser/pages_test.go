package browser_test

import (
	"cmp"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/support-go/support/browser/chrome"
)

// The windows in which pages are looked at.
var (
	wide   = chrome.Window{Width: 1440, Height: 1000}
	dark   = chrome.Window{Width: 1440, Height: 1000, Dark: true}
	narrow = chrome.Window{Width: 420, Height: 900}
	night  = chrome.Window{Width: 420, Height: 900, Dark: true}
	still  = chrome.Window{Width: 420, Height: 900, Still: true}
)

// TestPages looks at every kind of page: wide, narrow, light, dark, and without
// scripts.
func TestPages(t *testing.T) {
	opened := tab(t)
	logIn(t, opened)
	for _, address := range crawl().samples {
		t.Run(name(address), func(t *testing.T) {
			show(t, opened, wide)
			visit(t, opened, address)
			alive(t, opened)
			harmless(t, opened)
			accessible(t, opened, everything)
			shoot(t, opened, address, "light")
			show(t, opened, dark)
			accessible(t, opened, colours)
			shoot(t, opened, address, "dark")
			show(t, opened, night)
			fits(t, opened)
			accessible(t, opened, everything)
			shoot(t, opened, address, "narrow")
			show(t, opened, still)
			visit(t, opened, address)
			fits(t, opened)
			harmless(t, opened)
			shoot(t, opened, address, "still")
		})
	}
}

// name is what a test, or a file, is called after an address.
func name(address string) string {
	clean := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' {
			return r
		}
		return '-'
	}, strings.TrimPrefix(address, "/"))
	return cmp.Or(clean[:min(len(clean), 80)], "overview")
}

func show(t *testing.T, opened *chrome.Tab, w chrome.Window) {
	t.Helper()
	if err := opened.Show(w); err != nil {
		t.Fatal(err)
	}
}

// visit goes to a page, again while it is too busy, and fails the test if the
// browser complains.
func visit(t *testing.T, opened *chrome.Tab, address string) {
	t.Helper()
	check(t, opened, "before "+address)
	for until := time.Now().Add(patience); ; {
		status, err := opened.Go(here.meta + address)
		if err != nil {
			t.Fatalf("%s: %v", address, err)
		}
		if status != http.StatusTooManyRequests || time.Now().After(until) {
			break
		}
		opened.Complaints()
	}
	check(t, opened, address)
}

// ask returns the value of an expression in the page.
func ask[T any](t *testing.T, opened *chrome.Tab, expression string) T {
	t.Helper()
	value, err := chrome.Ask[T](opened, expression)
	if err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
	return value
}

// eventually waits until an expression in the page is true.
func eventually(t *testing.T, opened *chrome.Tab, complaint, expression string) {
	t.Helper()
	if err := opened.Until(expression); err != nil {
		t.Fatalf("%s: %v", complaint, err)
	}
}

// alive waits for the first numbers of a page that is live.
func alive(t *testing.T, opened *chrome.Tab) {
	t.Helper()
	eventually(t, opened, "no live numbers arrive", `(() => {
		const main = document.querySelector("main");
		return !main.dataset.live || document.getElementById("live").textContent.startsWith("live,");
	})()`)
}

// fits fails the test if the page scrolls sideways.
func fits(t *testing.T, opened *chrome.Tab) {
	t.Helper()
	wide := ask[[]string](t, opened, `(() => {
		const root = document.scrollingElement;
		if (root.scrollWidth <= root.clientWidth) return [];
		const held = (e) => { for (let p = e.parentElement; p && p !== document.body; p = p.parentElement) if (getComputedStyle(p).overflowX !== "visible") return true; return false; };
		return [root.scrollWidth + " px", ...[...document.querySelectorAll("main *, header *")].filter((e) => e.getBoundingClientRect().right > root.clientWidth + 1 && !held(e)).slice(0, 5).map((e) => e.outerHTML.slice(0, 160))];
	})()`)
	if len(wide) > 0 {
		t.Errorf("the page scrolls sideways: %q", wide)
	}
}

// shoot keeps a picture, if that is wanted.
func shoot(t *testing.T, opened *chrome.Tab, address, how string) {
	t.Helper()
	if *shots == "" {
		return
	}
	picture, err := opened.Picture(true)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(*shots, 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(*shots, name(address)+"."+how+".png"), picture, 0o600); err != nil {
		t.Fatal(err)
	}
}

// logIn makes an operator of whoever looks.
func logIn(t *testing.T, opened *chrome.Tab) {
	t.Helper()
	visit(t, opened, "/login")
	if err := opened.Write(`main input[type=password]`, here.token); err != nil {
		t.Fatal(err)
	}
	follow(t, opened, "main form button")
	if !ask[bool](t, opened, `document.querySelector("form[action$=logout]") !== null`) {
		t.Fatal("the form has not logged in")
	}
}

// follow clicks on what leads to another page, and waits for that.
func follow(t *testing.T, opened *chrome.Tab, selector string) {
	t.Helper()
	if _, err := opened.Follow(selector); err != nil {
		t.Fatalf("%s: %v", selector, err)
	}
	check(t, opened, "after a click on "+selector)
}
