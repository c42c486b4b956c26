// Package shop is a service that has something to show on every page: quick and
// slow requests, failures, panics, more than it can serve, and names that want
// to be markup.
package shop

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/support-go/support"
	"github.com/support-go/support/admit"
	"github.com/support-go/support/stats"
)

// Markup is what the shop's clients, and the shop itself, put into every name
// that they can. If it ever becomes markup, it opens a dialog, or loads what is
// not there.
const Markup = `"'><img src=x onerror=alert('shop')><script>alert('shop')</script>`

// Odd is what no terminal or page should obey: colours, a bell, a line that is
// not one, a turn of the direction of writing, half a rune.
const Odd = "\x1b[31mred\x1b[0m\a\r\n\u202eright to left\u2066\ufeff\x00\xff"

// hostileRoute is a pattern of http.ServeMux.
const hostileRoute = `GET /<img src=x onerror=alert(1)>/{name}`

// Shop is a group with two workers, which serves and shows itself on ports that
// are free.
type Shop struct {
	Group  *support.Group
	Server *support.Server
	Meta   *support.Server
}

// New returns the shop, with its files in dir.
func New(dir string) *Shop {
	group := support.New("shop")
	group.Workers = 2
	group.Dir = dir
	// Few run at once, so that the bursts of Load are more than there is room for.
	group.Admit = admit.Limits{Running: 12, Standing: 5 * time.Millisecond, Burst: 10 * time.Millisecond, MaxWait: 50 * time.Millisecond}
	group.Drain = support.Drain{LameDuck: 50 * time.Millisecond, Grace: 2 * time.Second}
	group.Setup = func(context.Context) (func(context.Context) error, error) {
		sell(&group.Stats)
		return nil, nil //nolint:nilnil // there is nothing to clean up
	}
	return &Shop{
		Group:  group,
		Server: group.HTTP("127.0.0.1:0", handler(&group.Stats)),
		Meta:   group.Meta("127.0.0.1:0"),
	}
}

// sell fills every kind of instrument that requests do not.
func sell(reg *stats.Registry) {
	reg.Describe("shop.basket_items", "Items in a basket at the checkout. "+Markup)
	reg.Gauge("shop.stock", "item", "tea").Set(1200)
	reg.Gauge("shop.stock", "item", Markup).Set(7)
	reg.Gauge("shop.stock", "item", Odd).Set(3)
	for range 300 {
		reg.Distribution("shop.basket_items").Add(float64(1 + rand.IntN(30)))
	}
}

func handler(reg *stats.Registry) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "Welcome.") })
	mux.HandleFunc("GET /items/{id}", func(w http.ResponseWriter, r *http.Request) {
		pause(r.Context(), time.Duration(2+rand.IntN(20))*time.Millisecond)
		fmt.Fprintln(w, "Item", r.PathValue("id"))
	})
	mux.HandleFunc("GET /search", func(w http.ResponseWriter, r *http.Request) {
		pause(r.Context(), time.Duration(80+rand.IntN(400))*time.Millisecond)
		fmt.Fprintln(w, "Nothing found.")
	})
	mux.HandleFunc("GET /report", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "This takes a while.")
		pause(r.Context(), time.Minute)
	})
	mux.HandleFunc("POST /checkout", checkout(reg))
	mux.HandleFunc("GET /broken", func(http.ResponseWriter, *http.Request) { panic(Markup) })
	mux.HandleFunc(hostileRoute, func(w http.ResponseWriter, r *http.Request) {
		slog.Warn("strange name "+Markup, "name", r.PathValue("name"), "agent", r.UserAgent(), "odd", Odd)
		http.Error(w, "no such thing", http.StatusNotFound)
	})
	return mux
}

func checkout(reg *stats.Registry) http.HandlerFunc {
	orders := reg.Counter("shop.orders", "country", Markup)
	items := reg.Distribution("shop.basket_items")
	top := reg.Top("shop.best_sellers")
	return func(w http.ResponseWriter, r *http.Request) {
		pause(r.Context(), time.Duration(5+rand.IntN(10))*time.Millisecond)
		if rand.IntN(5) == 0 {
			http.Error(w, "the bank does not answer", http.StatusInternalServerError)
			return
		}
		orders.Add(1)
		items.Add(float64(1 + rand.IntN(30)))
		top.Add(fmt.Sprintf("%s no %d", Markup[:9], rand.IntN(4)))
		fmt.Fprintln(w, "Thank you.")
	}
}

// pause waits, or until nobody does any more.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
