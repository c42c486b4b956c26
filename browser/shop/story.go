package shop

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/support-go/support"
	"github.com/support-go/support/admit"
	"github.com/support-go/support/stats"
)

// NewStory returns a shop to whom happens what Tell does to it, with its files
// in dir.
func NewStory(dir string) *Shop {
	group := support.New("checkout")
	group.Workers = 4
	group.Dir = dir
	group.Admit = admit.Limits{Running: 8, Standing: 5 * time.Millisecond, Burst: 20 * time.Millisecond, MaxWait: 50 * time.Millisecond}
	group.Drain = support.Drain{LameDuck: 50 * time.Millisecond, Grace: 5 * time.Second}
	group.Setup = func(context.Context) (func(context.Context) error, error) {
		reg := &group.Stats
		reg.Describe("orders.basket_items", "Items in a basket when it is paid for.")
		reg.Describe("orders.paid", "Orders whose payment the ledger has confirmed.")
		reg.Gauge("stock.items", "warehouse", "north").Set(18_200)
		reg.Gauge("stock.items", "warehouse", "south").Set(7_410)
		return nil, nil //nolint:nilnil // there is nothing to clean up
	}
	return &Shop{
		Group:  group,
		Server: group.HTTP("127.0.0.1:0", checkoutService(&group.Stats)),
		Meta:   group.Meta("127.0.0.1:0"),
	}
}

// work is the header in which a visitor says how long the answer is to take.
const work = "X-Work"

func checkoutService(reg *stats.Registry) http.Handler {
	mux := http.NewServeMux()
	l := &ledger{orders: reg.Counter("orders.paid"), items: reg.Distribution("orders.basket_items"), best: reg.Top("orders.best_sellers")}
	for _, route := range []string{"GET /{$}", "GET /items/{id}", "GET /search", "GET /v1/rates", "POST /v1/refund"} {
		mux.HandleFunc(route, func(w http.ResponseWriter, r *http.Request) {
			pause(r.Context(), workOf(r))
			fmt.Fprintf(w, "%-400s\n", "Welcome.")
		})
	}
	mux.HandleFunc("POST /v1/charge", l.charge)
	mux.HandleFunc("GET /v1/export", l.export)
	return mux
}

func workOf(r *http.Request) time.Duration {
	d, err := time.ParseDuration(r.Header.Get(work))
	if err != nil {
		return 0
	}
	return d
}

// ledger is what charges wait for.
type ledger struct {
	orders *stats.Counter
	items  *stats.Distribution
	best   *stats.Top
}

func (l *ledger) charge(w http.ResponseWriter, r *http.Request) {
	if err := l.settle(r); err != nil {
		slog.Warn("charge failed", "error", err)
		http.Error(w, "the ledger does not answer", http.StatusBadGateway)
		return
	}
	l.orders.Add(1)
	l.items.Add(1 + math.Floor(rand.ExpFloat64()*4))
	l.best.Add("tea " + r.Header.Get("X-Item"))
	fmt.Fprintf(w, "%-400s\n", "Thank you.")
}

// settle moves the money.
func (l *ledger) settle(r *http.Request) error {
	if r.Header.Get("X-Fail") != "" {
		return context.DeadlineExceeded
	}
	return l.post(r.Context(), workOf(r))
}

// post waits for the ledger's answer.
func (l *ledger) post(ctx context.Context, d time.Duration) error {
	pause(ctx, d)
	return ctx.Err()
}

// export writes for as long as it takes.
func (l *ledger) export(w http.ResponseWriter, r *http.Request) {
	control := http.NewResponseController(w)
	until := time.Now().Add(workOf(r))
	for time.Now().Before(until) && r.Context().Err() == nil {
		fmt.Fprintf(w, "%4000s\n", "a line")
		_ = control.Flush() // the next write tells
		pause(r.Context(), 50*time.Millisecond)
	}
}
