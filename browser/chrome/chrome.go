// Package chrome drives chromium, and hears everything that a page complains of.
package chrome

import (
	"context"
	"errors"
	"fmt"
	"os/exec"

	"github.com/chromedp/chromedp"
)

// names are those under which distributions install the browser.
var names = [...]string{"chromium", "chromium-browser", "google-chrome"}

// ErrMissing says that there is no browser on this machine.
var ErrMissing = errors.New("chrome: there is no chromium in $PATH: install it (Debian: apt-get install chromium)")

// quiet keeps the browser from asking anybody anything but the pages that it is
// sent to, and from sparing a page that is not looked at.
var quiet = [...]string{
	"disable-background-networking", "disable-component-update", "disable-default-apps", "disable-extensions",
	"disable-quic", "disable-sync", "disable-breakpad", "metrics-recording-only",
	"disable-background-timer-throttling", "disable-backgrounding-occluded-windows", "disable-renderer-backgrounding",
	"disable-dev-shm-usage", "hide-scrollbars",
}

// Browser is a chromium without windows.
type Browser struct {
	tab func() (context.Context, context.CancelFunc) // of a new one
}

// Start starts a browser with an empty profile, which ends with ctx. What hosts
// says, such as "MAP shop.example 127.0.0.1", it believes instead of DNS.
func Start(ctx context.Context, hosts string) (*Browser, error) {
	program, err := find()
	if err != nil {
		return nil, err
	}
	options := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(program), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck,
		chromedp.Flag("disable-features", "Translate,OptimizationHints,MediaRouter"),
		chromedp.Flag("force-color-profile", "srgb"), chromedp.Flag("lang", "en"),
		chromedp.Flag("host-resolver-rules", hosts),
	}
	for _, name := range quiet {
		options = append(options, chromedp.Flag(name, true))
	}
	ctx, _ = chromedp.NewExecAllocator(ctx, options...) // ends with its parent
	ctx, _ = chromedp.NewContext(ctx)
	if err := chromedp.Do(ctx); err != nil {
		return nil, fmt.Errorf("chrome: starting %s: %w", program, err)
	}
	return &Browser{tab: func() (context.Context, context.CancelFunc) {
		return chromedp.NewContext(ctx, chromedp.WithNewBrowserContext())
	}}, nil
}

func find() (string, error) {
	for _, name := range names {
		if program, err := exec.LookPath(name); err == nil {
			return program, nil
		}
	}
	return "", ErrMissing
}
