package support_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/support-go/support"
	"github.com/support-go/support/prefork"
	"github.com/support-go/support/supporttest"
)

// browser starts Debian's chromium, which ends with the test. Its complaints
// are collected.
func browser(t *testing.T, flags ...chromedp.ExecAllocatorOption) (context.Context, *complaints) {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("chromium is needed: apt-get install chromium")
		}
		t.Skip("chromium is not installed")
	}
	options := append([]chromedp.ExecAllocatorOption{
		chromedp.ExecPath(path), chromedp.UserDataDir(t.TempDir()), chromedp.Headless, chromedp.NoSandbox, chromedp.NoFirstRun, chromedp.DisableGPU,
		chromedp.WSURLReadTimeout(time.Minute), chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true), chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-dev-shm-usage", true),
	}, flags...)
	allocated, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancel)
	ctx, end := chromedp.NewContext(allocated)
	t.Cleanup(end)
	c := &complaints{}
	chromedp.ListenTarget(ctx, c.hear)
	if err := chromedp.Run(ctx, log.Enable(), runtime.Enable()); err != nil {
		t.Fatal(err)
	}
	return ctx, c
}

// complaints are what a browser writes to its console.
type complaints struct {
	mu  sync.Mutex
	all []string
}

func (c *complaints) hear(event any) {
	text := ""
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		for _, arg := range e.Args {
			text += string(arg.Value) + arg.Description + " "
		}
	case *runtime.EventExceptionThrown:
		text = e.ExceptionDetails.Error()
	case *log.EventEntryAdded:
		text = e.Entry.Text + " " + e.Entry.URL
	case *page.EventJavascriptDialogOpening:
		text = "a dialog: " + e.Message
	}
	if text != "" {
		c.mu.Lock()
		c.all = append(c.all, text)
		c.mu.Unlock()
	}
}

func (c *complaints) take() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := c.all
	c.all = nil
	return all
}

// loaded is a group with two workers, and clients that ask it until the test
// ends.
func loaded(t *testing.T) (group *support.Group, meta *support.Server) {
	t.Helper()
	group, server, meta := shown(2)
	supporttest.Start(t, group)
	ctx, cancel := context.WithCancel(t.Context())
	var clients sync.WaitGroup
	t.Cleanup(func() { cancel(); clients.Wait() })
	for _, path := range []string{"/", "/", "/nothing", "/wait"} {
		clients.Go(func() {
			for ctx.Err() == nil {
				r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+server.Addr().String()+path, http.NoBody)
				if err != nil {
					return
				}
				resp, err := http.DefaultClient.Do(r)
				if err == nil {
					_ = resp.Body.Close()
				}
			}
		})
	}
	return group, meta
}

// everyPage is each page of the menu, and one of each that is below.
func everyPage() []string {
	return []string{
		"", "requests", "requests/GET%20%2F%7B$%7D", "inflight", "stats", "stats/process.rss_bytes", "stats/process.gc_pause_seconds", "talkers",
		"goroutines", "memory", "runtime", "pids", "config", "actions", "api", "search?q=http", "pids?side=1", "stats?worker=w1", "nothing", "login",
	}
}

// TestBrowser opens every page of a loaded group, one light, the next dark, the
// third narrow. It fails for anything in the console, for what axe-core finds,
// and for a page that scrolls sideways. If SCREENSHOTS names a directory, each
// page is looked at in all three ways, and pictures are left there.
func TestBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	if !prefork.IsChild() && !hasChromium() {
		browser(t) // skips, or fails
	}
	_, meta := loaded(t)
	base := "http://" + meta.Addr().String() + "/"
	eventually(t, "no request is on the page", func() bool { return strings.Contains(get(t, base+"requests.json"), "GET /{$}") })
	ctx, said := browser(t)
	axe := axeCore(t)
	for n, look := range []struct {
		name, scheme  string
		width, height int64
	}{{"light", "light", 1440, 1000}, {"dark", "dark", 1440, 1000}, {"narrow", "light", 420, 900}} {
		if err := chromedp.Run(ctx, emulation.SetDeviceMetricsOverride(look.width, look.height, 1, false),
			emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: look.scheme}})); err != nil {
			t.Fatal(err)
		}
		for i, path := range everyPage() {
			if i%3 != n && os.Getenv("SCREENSHOTS") == "" {
				continue
			}
			t.Run(look.name+"/"+path, func(t *testing.T) { lookAt(ctx, t, said, base+path, look.name, axe) })
		}
	}
}

func hasChromium() bool {
	_, err := exec.LookPath("chromium")
	return err == nil
}

func lookAt(ctx context.Context, t *testing.T, said *complaints, url, look, axe string) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	said.take()
	var wide bool
	var found string
	var picture []byte
	tasks := chromedp.Tasks{
		chromedp.Navigate(url), chromedp.WaitReady("#foot"),
		chromedp.Evaluate(`document.documentElement.scrollWidth > innerWidth + 1`, &wide),
		chromedp.CaptureScreenshot(&picture),
	}
	if axe != "" {
		tasks = append(tasks, chromedp.Evaluate(axe, nil), chromedp.Evaluate(
			`axe.run().then((r) => JSON.stringify(r.violations.map((v) => ({id: v.id, nodes: v.nodes.slice(0, 3).map((n) => n.html + " " + n.failureSummary)}))))`,
			&found, func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }))
	}
	if err := chromedp.Run(ctx, tasks); err != nil {
		t.Fatal(err)
	}
	if wide {
		t.Error("the page scrolls sideways")
	}
	if found != "" && found != "[]" {
		t.Errorf("axe-core: %s", found)
	}
	for _, text := range said.take() {
		if !strings.Contains(text, "404 (Not Found)") { // of the page that there is not
			t.Errorf("the console says %q", text)
		}
	}
	if dir := os.Getenv("SCREENSHOTS"); dir != "" {
		name := strings.NewReplacer("/", "_", "?", "_", "%", "").Replace(url[strings.Index(url, "//")+2:])
		_, name, _ = strings.Cut(name, "_")
		if err := os.WriteFile(filepath.Join(dir, look+"-"+name+".png"), picture, 0o600); err != nil {
			t.Error(err)
		}
	}
}

// axeVersion is that of the accessibility checker, from npm.
const axeVersion = "4.10.3"

// axeCore is the checker's source. Without npm nothing is checked, but in CI it
// has to be.
func axeCore(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	command := exec.CommandContext(t.Context(), "npm", "pack", "axe-core@"+axeVersion)
	command.Dir = dir
	if out, err := command.CombinedOutput(); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("npm is needed for axe-core: %v: %s", err, out)
		}
		t.Logf("without npm, axe-core does not look at the pages: %v", err)
		return ""
	}
	packed, err := os.ReadFile(filepath.Join(dir, "axe-core-"+axeVersion+".tgz"))
	if err != nil {
		t.Fatal(err)
	}
	unzipped, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	for files := tar.NewReader(unzipped); ; {
		header, err := files.Next()
		if err != nil {
			t.Fatalf("axe-core: no axe.min.js: %v", err)
		}
		if header.Name == "package/axe.min.js" {
			source, err := io.ReadAll(files)
			if err != nil {
				t.Fatal(err)
			}
			return string(source) + "\n;undefined"
		}
	}
}

// TestM1BrowserCannotBeTrapped has a name of an attacker lead to this page.
func TestM1BrowserCannotBeTrapped(t *testing.T) {
	if !prefork.IsChild() && !hasChromium() {
		browser(t)
	}
	group, _, meta := shown(0)
	supporttest.Start(t, group)
	_, port, _ := strings.Cut(meta.Addr().String(), ":")
	ctx, _ := browser(t, chromedp.Flag("host-resolver-rules", "MAP attacker.example 127.0.0.1"))
	for _, path := range everyPage() {
		var text string
		if err := chromedp.Run(ctx, chromedp.Navigate("http://attacker.example:"+port+"/"+path), chromedp.Text("body", &text)); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(text, "another name") || strings.Contains(text, "Overview") {
			t.Errorf("%s by an attacker's name: %.200q", path, text)
		}
	}
}

// TestLive waits for a number to change under the eyes of somebody, and uses
// the keys.
func TestLive(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	if !prefork.IsChild() && !hasChromium() {
		browser(t)
	}
	_, meta := loaded(t)
	ctx, said := browser(t)
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	var before, after, focus, selected string
	clock := `document.querySelector("#foot time").textContent`
	err := chromedp.Run(ctx,
		chromedp.Navigate("http://"+meta.Addr().String()+"/stats"), chromedp.WaitReady("#foot"), chromedp.Evaluate(clock, &before),
		chromedp.Poll(fmt.Sprintf("%s !== (window.before ||= %s)", clock, clock), nil, chromedp.WithPollingTimeout(30*time.Second)), chromedp.Evaluate(clock, &after),
		chromedp.KeyEvent("/"), chromedp.Evaluate(`document.activeElement.id`, &focus), chromedp.KeyEvent("\x1b"),
		chromedp.KeyEvent("j"), chromedp.Evaluate(`document.querySelector("tr[aria-selected]")?.id ?? ""`, &selected),
	)
	if err != nil {
		t.Fatal(err)
	}
	if before == after || focus != "q" || selected == "" {
		t.Errorf("clock %q then %q, / leads to %q, j chooses %q", before, after, focus, selected)
	}
	if all := said.take(); len(all) > 0 {
		b, err := json.Marshal(all)
		t.Errorf("the console says %s %v", b, err)
	}
}
