package shop

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

// beat is the time between two rounds of Load.
const beat = 250 * time.Millisecond

// burst is how many search at once each second, which is more than may.
const burst = 40

// Load visits the shop at base until ctx ends: some 80 requests a second, two
// reports that take a minute, and every second more searches than there is room
// for.
func Load(ctx context.Context, base string) {
	transport := &http.Transport{MaxIdleConnsPerHost: burst}
	defer transport.CloseIdleConnections()
	c := client{base: base, http: &http.Client{Transport: transport}}
	var all sync.WaitGroup
	defer all.Wait()
	for range 2 {
		all.Go(func() {
			for ctx.Err() == nil {
				c.ask(ctx, http.MethodGet, "/report")
				pause(ctx, beat) // in case it is refused
			}
		})
	}
	for n := 0; ctx.Err() == nil; n++ {
		all.Go(func() { c.round(ctx, n) })
		if n%4 == 0 {
			for range burst {
				all.Go(func() { c.ask(ctx, http.MethodGet, "/search?q="+url.QueryEscape(Markup)) })
			}
		}
		pause(ctx, beat)
	}
}

// client visits a shop.
type client struct {
	base string
	http *http.Client
}

// round asks for a bit of everything.
func (c client) round(ctx context.Context, n int) {
	for i := range 4 {
		c.ask(ctx, http.MethodGet, "/")
		c.ask(ctx, http.MethodGet, "/items/"+strconv.Itoa(10*n+i))
	}
	c.ask(ctx, http.MethodPost, "/checkout")
	c.ask(ctx, http.MethodGet, "/"+url.PathEscape("<img src=x onerror=alert(1)>")+"/"+url.PathEscape(Markup))
	if n%8 == 0 {
		c.ask(ctx, http.MethodGet, "/broken")
		c.ask(ctx, http.MethodGet, "/nowhere/"+url.PathEscape(Odd))
	}
}

// ask sends one request. What becomes of it is the server's to tell.
func (c client) ask(ctx context.Context, method, path string) {
	r, err := http.NewRequestWithContext(ctx, method, c.base+path, nil)
	if err != nil {
		panic(err) // the address is ours
	}
	r.Header.Set("User-Agent", Markup)
	r.Header.Set("X-Request-Id", strings.Map(printable, Markup+Odd))
	resp, err := c.http.Do(r)
	if err != nil {
		return
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
}

// printable keeps what a header may have.
func printable(r rune) rune {
	if r < ' ' || r == 0x7f {
		return -1
	}
	return r
}
