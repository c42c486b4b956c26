// Command pictures takes those that the README shows: it runs a shop, lets
// things happen to it, and photographs its pages in chromium.
//
//	go run ./pictures -out ../docs        # takes a quarter of an hour
//	go run ./pictures -to URL -out /tmp   # all pages of a group that runs, light, dark and narrow
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/support-go/support/browser/chrome"
	"github.com/support-go/support/browser/shop"
)

func main() {
	shop.MainIfAsked()
	out := flag.String("out", "../docs", "directory for the pictures")
	to := flag.String("to", "", "address of the pages of a group that runs, to photograph all of them")
	chapter := flag.Duration("chapter", 3*time.Minute, "how long each of the five parts of the story takes")
	keep := flag.Bool("keep", false, "leave the shop running until interrupted")
	flag.Parse()
	var err error
	if *to != "" {
		err = album(*to, *out, flag.Args())
	} else {
		err = tell(*out, *chapter, *keep)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// picture is one of the README.
type picture struct {
	file   string
	page   string // its address, or where to find it
	find   string // an expression that gives the address, on the page
	window chrome.Window
}

func pictures() []picture {
	light, dark := chrome.Window{Width: 1440, Height: 1000}, chrome.Window{Width: 1440, Height: 1000, Dark: true}
	return []picture{
		{"meta-overview.png", "/", "", light},
		{"meta-route.png", "/requests/POST%20%2Fv1%2Fcharge", "", dark},
		{"meta-inflight.png", "/inflight", `[...document.querySelectorAll("main tbody > tr[id]")].find((row) => row.textContent.includes("POST /v1/charge"))?.querySelector("a[href*='open=']").href ?? ""`, light},
	}
}

// tell runs the shop and takes the pictures.
func tell(out string, chapter time.Duration, keep bool) (err error) {
	dir, err := os.MkdirTemp("", "shop")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	said, err := os.Create(filepath.Join(dir, "said"))
	if err != nil {
		return err
	}
	defer said.Close()
	if err := os.Setenv(shop.ChapterVariable, chapter.String()); err != nil {
		return err
	}
	place, stop, err := shop.Start(shop.Story, dir, said)
	if err != nil {
		return err
	}
	defer stop()
	fmt.Fprintln(os.Stderr, "the story is told at", place.Meta, "token", place.Token)
	time.Sleep(chapter + chapter/2)
	if err := killWorker(place.Meta); err != nil {
		return err
	}
	time.Sleep(3*chapter + chapter/2)
	err = shoot(place, out)
	if keep {
		select {}
	}
	return err
}

// killWorker ends a process of the group, as if memory had run out.
func killWorker(meta string) error {
	resp, err := http.Get(meta + "/status.json")
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	var state struct {
		Processes []struct {
			Role string
			PID  int
		}
	}
	if err := json.NewDecoder(resp.Body).Decode(&state); err != nil {
		return err
	}
	for _, p := range state.Processes {
		if p.Role == "worker" {
			return syscall.Kill(p.PID, syscall.SIGKILL)
		}
	}
	return errors.New("there is no worker")
}

func shoot(place shop.Place, out string) error {
	ctx, quit := context.WithCancel(context.Background())
	defer quit()
	browser, err := chrome.Start(ctx, "")
	if err != nil {
		return err
	}
	tab, err := browser.Tab()
	if err != nil {
		return err
	}
	defer tab.Close()
	if err := logIn(tab, place); err != nil {
		return err
	}
	for _, p := range pictures() {
		if err := take(tab, place.Meta, p, filepath.Join(out, p.file)); err != nil {
			return fmt.Errorf("%s: %w", p.file, err)
		}
	}
	return nil
}

// logIn makes an operator of whoever looks, as buttons are shown to them.
func logIn(tab *chrome.Tab, place shop.Place) error {
	if _, err := tab.Go(place.Meta + "/login"); err != nil {
		return err
	}
	if err := tab.Write("main input[type=password]", place.Token); err != nil {
		return err
	}
	_, err := tab.Follow("main form button")
	return err
}

func take(tab *chrome.Tab, meta string, p picture, file string) error {
	if err := tab.Show(p.window); err != nil {
		return err
	}
	if _, err := tab.Go(meta + p.page); err != nil {
		return err
	}
	if p.find != "" {
		if err := open(tab, meta+p.page, p.find); err != nil {
			return err
		}
	}
	return save(tab, file, false)
}

// open opens a row, which may have gone when it is clicked on.
func open(tab *chrome.Tab, page, find string) error {
	for range 200 {
		if _, err := tab.Go(page); err != nil {
			return err
		}
		href, err := chrome.Ask[string](tab, find)
		if err != nil {
			return err
		}
		if href == "" {
			continue
		}
		if _, err := tab.Go(href); err != nil {
			return err
		}
		if opened, err := chrome.Ask[bool](tab, `document.querySelector("tr.detail") !== null`); opened || err != nil {
			return err
		}
	}
	return errors.New("no row stays open")
}

// save waits until the page is alive, and takes it.
func save(tab *chrome.Tab, file string, whole bool) error {
	if err := tab.Until(`!document.querySelector("main").dataset.live || document.getElementById("live").textContent.startsWith("live,")`); err != nil {
		return err
	}
	if complaints := tab.Complaints(); len(complaints) > 0 {
		return errors.New(strings.Join(complaints, "; "))
	}
	b, err := tab.Picture(whole)
	if err != nil {
		return err
	}
	if b, err = small(b); err != nil {
		return err
	}
	return os.WriteFile(file, b, 0o600)
}

// album takes the given pages of a group in all ways.
func album(to, out string, pages []string) error {
	ctx, quit := context.WithCancel(context.Background())
	defer quit()
	browser, err := chrome.Start(ctx, "")
	if err != nil {
		return err
	}
	tab, err := browser.Tab()
	if err != nil {
		return err
	}
	defer tab.Close()
	for _, page := range pages {
		for how, w := range map[string]chrome.Window{
			"light": {Width: 1440, Height: 1000}, "dark": {Width: 1440, Height: 1000, Dark: true}, "narrow": {Width: 420, Height: 900},
		} {
			if err := tab.Show(w); err != nil {
				return err
			}
			if _, err := tab.Go(to + page); err != nil {
				return err
			}
			name := strings.NewReplacer("/", "-", "?", "-", "=", "-", "%", "").Replace(strings.Trim(page, "/"))
			if err := save(tab, filepath.Join(out, name+"."+how+".png"), true); err != nil {
				fmt.Fprintln(os.Stderr, page, how, err)
			}
		}
	}
	return nil
}
