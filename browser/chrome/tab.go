package chrome

import (
	"context"
	"fmt"
	"time"
	"unicode"

	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// patience is how long one thing that a page has to do may take, however slow
// the machine.
const patience = 40 * time.Second

// Tab is a page in a profile of its own, which shares no cookies with others.
// It is for one goroutine.
type Tab struct {
	ears

	within func() (context.Context, context.CancelFunc) // as long as patience lasts
	close  context.CancelFunc
}

// Tab opens a tab, in a window as wide as that of a desk. Close it.
func (b *Browser) Tab() (*Tab, error) {
	ctx, end := b.tab()
	t := &Tab{close: end, within: func() (context.Context, context.CancelFunc) { return context.WithTimeout(ctx, patience) }}
	t.refuse = func() { // an open dialog stops the page
		_, _ = chromedp.Call(ctx, page.HandleJavaScriptDialog, page.HandleJavaScriptDialogParams{})
	}
	if err := t.open(ctx); err != nil {
		end()
		return nil, fmt.Errorf("chrome: opening a tab: %w", err)
	}
	return t, nil
}

func (t *Tab) open(ctx context.Context) error {
	if err := chromedp.Listen(ctx, t.hear); err != nil {
		return err
	}
	if err := t.Show(Window{Width: 1440, Height: 1000}); err != nil {
		return err
	}
	return chromedp.Do(ctx, command(network.Enable, network.EnableParams{}), command(log.Enable, cdp.Empty{}), command(audits.Enable, cdp.Empty{}))
}

// command makes an action of a command whose answer says nothing.
func command[P, R any](c cdp.Command[P, R], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, c, params)
		return err
	})
}

// Close closes the tab.
func (t *Tab) Close() { t.close() }

// Window is how pages are shown.
type Window struct {
	Width, Height int64
	Dark          bool
	Still         bool // without scripts, from the next page on
}

// Show shows this page and those that follow in another window.
func (t *Tab) Show(w Window) error {
	scheme := "light"
	if w.Dark {
		scheme = "dark"
	}
	return t.do(
		command(emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: w.Width, Height: w.Height, DeviceScaleFactor: 1}),
		command(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
			{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
		}}),
		command(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: w.Still}),
	)
}

// Go goes to an address and returns the status of the page.
func (t *Tab) Go(address string) (status int, err error) {
	return t.arrive(chromedp.Navigate(address))
}

// Follow clicks on what leads to another page, waits for it, and returns its
// status.
func (t *Tab) Follow(selector string) (status int, err error) {
	return t.arrive(chromedp.Click(chromedp.CSS(selector)))
}

// Enter presses keys that lead to another page, waits for it, and returns its
// status.
func (t *Tab) Enter(keys string) (status int, err error) { return t.arrive(typed(keys)) }

func (t *Tab) arrive(by chromedp.Action[chromedp.Void]) (int, error) {
	ctx, cancel := t.within()
	defer cancel()
	got, err := chromedp.RunResponse(ctx, by)
	if err != nil {
		return 0, err
	}
	return int(got.Status), nil
}

// Click clicks on the first element that a CSS selector names.
func (t *Tab) Click(selector string) error { return t.do(chromedp.Click(chromedp.CSS(selector))) }

// Point moves the pointer to the middle of the first element that a CSS selector
// names.
func (t *Tab) Point(selector string) error {
	type point struct{ X, Y float64 }
	at, err := Ask[point](t, fmt.Sprintf(`(() => {
		const box = document.querySelector(%q).getBoundingClientRect();
		return {X: box.x + box.width / 2, Y: box.y + box.height / 2};
	})()`, selector))
	if err != nil {
		return err
	}
	return t.do(command(input.DispatchMouseEvent, input.DispatchMouseEventParams{Type: input.DispatchMouseEventTypeMouseMoved, X: at.X, Y: at.Y}))
}

// Write writes into a field.
func (t *Tab) Write(selector, text string) error {
	return t.do(chromedp.SendKeys(chromedp.CSS(selector), text))
}

// Press presses keys, which go to whatever has the focus.
func (t *Tab) Press(keys string) error { return t.do(typed(keys)) }

// typed presses keys one by one. A letter is one event with what it would write,
// as a keyboard sends it, so that a page which takes the key prevents the
// writing.
func typed(keys string) chromedp.Action[chromedp.Void] {
	var steps []chromedp.Action[chromedp.Void]
	for _, r := range keys {
		if !unicode.IsPrint(r) || unicode.Is(unicode.Mn, r) { // those that write nothing have such names
			steps = append(steps, chromedp.KeyEvent(string(r)))
			continue
		}
		key := input.DispatchKeyEventParams{Type: input.DispatchKeyEventTypeKeyDown, Key: string(r), Text: string(r)}
		steps = append(steps, command(input.DispatchKeyEvent, key))
		key.Type, key.Text = input.DispatchKeyEventTypeKeyUp, ""
		steps = append(steps, command(input.DispatchKeyEvent, key))
	}
	return chromedp.Steps(steps...)
}

func (t *Tab) do(steps ...chromedp.Action[chromedp.Void]) error {
	ctx, cancel := t.within()
	defer cancel()
	return chromedp.Do(ctx, steps...)
}

// Picture returns the window as PNG, or with whole the page to its end.
func (t *Tab) Picture(whole bool) ([]byte, error) {
	ctx, cancel := t.within()
	defer cancel()
	if whole {
		return chromedp.Run(ctx, chromedp.FullScreenshot(100))
	}
	return chromedp.Run(ctx, chromedp.CaptureScreenshot())
}

// Ask returns the value of an expression of JavaScript. If that is a promise,
// it waits for what it promises.
func Ask[T any](t *Tab, expression string) (T, error) {
	ctx, cancel := t.within()
	defer cancel()
	return chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
}

// Until waits until an expression of JavaScript is true.
func (t *Tab) Until(expression string) error {
	_, err := Ask[bool](t, fmt.Sprintf(`new Promise((done) => {
		const look = () => (%s) ? done(true) : setTimeout(look, 20);
		look();
	})`, expression))
	return err
}
