package browser_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/support-go/support/browser/chrome"
	"github.com/support-go/support/browser/shop"
)

var shots = flag.String("shots", "", "directory for a picture of each page that is visited")

// attackers are hosts that resolve to this machine, for the browser alone.
const attackers = "MAP *.example 127.0.0.1, MAP localhost6 127.0.0.1"

// patience is how long anything that must happen may take, however slow the
// machine.
const patience = 40 * time.Second

// world is what the tests share: a shop that is visited all the time, and a
// browser.
type world struct {
	shop    string // address of the shop
	meta    string // address of its pages, without a slash at the end
	token   string // of an operator
	browser *chrome.Browser
	missing error // why there is no browser
}

var here world

// TestMain starts the shop once for all tests. It is this program too.
func TestMain(m *testing.M) {
	shop.MainIfAsked()
	flag.Parse()
	code, err := inWorld(m.Run)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// inWorld runs the tests in it.
func inWorld(run func() int) (code int, err error) {
	dir, err := os.MkdirTemp("", "shop")
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	said, err := os.Create(filepath.Join(dir, "said"))
	if err != nil {
		return 1, err
	}
	defer said.Close()
	place, stop, err := shop.Start(shop.Hostile, dir, said)
	if err != nil {
		return 1, err
	}
	defer stop()
	ctx, quit := context.WithCancel(context.Background())
	defer quit()
	here = world{shop: place.Shop, meta: place.Meta, token: place.Token}
	here.browser, here.missing = chrome.Start(ctx, attackers)
	return run(), nil
}

// tab opens a tab in which the test is a viewer. It fails the test if the
// browser complains of anything until the end.
func tab(t *testing.T) *chrome.Tab {
	t.Helper()
	opened := quietTab(t)
	t.Cleanup(func() { check(t, opened, "at the end") })
	return opened
}

// quietTab opens a tab whose complaints the test asks for itself.
func quietTab(t *testing.T) *chrome.Tab {
	t.Helper()
	if here.missing != nil {
		without(t, here.missing)
	}
	opened, err := here.browser.Tab()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(opened.Close)
	return opened
}

// without ends a test for which something is missing; in CI nothing may be.
func without(t *testing.T, missing error) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatal(missing)
	}
	t.Skip(missing)
}

// check fails the test if the tab complains of anything.
func check(t *testing.T, opened *chrome.Tab, where string) {
	t.Helper()
	for _, complaint := range opened.Complaints() {
		t.Errorf("%s: %s", where, complaint)
	}
}
