//go:build unix

package support_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/support-go/support"
	"github.com/support-go/support/prefork"
	"github.com/support-go/support/supporttest"
)

// counting is a group whose handler counts what it answers, and says which
// process it is.
func counting(workers int) (group *support.Group, server, meta *support.Server) {
	group = support.New("counting")
	group.Workers = workers
	orders := group.Stats.Counter("orders")
	clients := group.Stats.Cardinality("clients")
	group.Stats.Cardinality("early").Add("x") // before Run has given the processes one secret: cannot be merged
	server = group.HTTP("127.0.0.1:0", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		support.From(r.Context()).Stats.Counter("orders.again").Add(1)
		orders.Add(1)
		clients.Add(r.URL.Path)
		_, _ = fmt.Fprint(w, os.Getpid())
	}))
	return group, server, group.Meta("127.0.0.1:0")
}

func get(t *testing.T, url string) string {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %s %v", url, resp.Status, body, err)
	}
	return string(body)
}

// scraped is the value of a metric, or -1 if there is none.
func scraped(t *testing.T, meta *support.Server, metric string) float64 {
	t.Helper()
	text := get(t, "http://"+meta.Addr().String()+"/metrics")
	found := regexp.MustCompile(`(?m)^` + metric + ` (\S+)$`).FindStringSubmatch(text)
	if found == nil {
		return -1
	}
	v, err := strconv.ParseFloat(found[1], 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// awaitOrders waits until the group has counted so many orders. The count must
// never go down.
func awaitOrders(t *testing.T, meta *support.Server, want float64) {
	t.Helper()
	last := -1.0
	eventually(t, fmt.Sprintf("the orders do not become %v", want), func() bool {
		now := scraped(t, meta, "orders_total")
		if now < last {
			t.Fatalf("orders went back from %v to %v", last, now)
		}
		last = now
		return now == want
	})
}

func TestMetricsInOneProcess(t *testing.T) {
	group, server, meta := counting(0)
	open := group.Metrics("127.0.0.1:0")
	supporttest.Start(t, group)
	for range 3 {
		get(t, "http://"+server.Addr().String())
	}
	for _, s := range []*support.Server{meta, open} {
		if got := scraped(t, s, "orders_total"); got != 3 {
			t.Errorf("counted %v orders, want 3", got)
		}
		if got := scraped(t, s, "orders_again_total"); got != 3 {
			t.Errorf("counted %v orders by From, want 3", got)
		}
		if got := scraped(t, s, "process_rss_bytes"); got < 1<<20 {
			t.Errorf("resident memory is %v", got)
		}
	}
}

// TestTotalsOutliveWorkers has two workers count, kills one, reloads, and ends
// with the meta process killed. Whoever asks gets the sum of all.
func TestTotalsOutliveWorkers(t *testing.T) {
	if testing.Short() {
		t.Skip("many processes")
	}
	group, server, meta := counting(2)
	supporttest.Start(t, group)
	url := "http://" + server.Addr().String()
	orders := 0
	order := func(n int) (pids map[string]bool) {
		pids = make(map[string]bool)
		for range n {
			pids[get(t, fmt.Sprintf("%s/%d", url, orders%4))] = true
			orders++
		}
		return pids
	}
	var victim int
	for pid := range order(50) {
		victim, _ = strconv.Atoi(pid)
	}
	awaitOrders(t, meta, float64(orders))
	if got := scraped(t, meta, "clients_distinct"); got < 3.5 || got > 4.5 {
		t.Errorf("%v distinct clients, want 4: the processes have different secrets", got)
	}
	text := get(t, "http://"+meta.Addr().String()+"/metrics")
	if want := "# HELP http_request_seconds from the beginning"; !strings.Contains(text, want) { // said in the workers only
		t.Errorf("no %q in %.2000s", want, text)
	}
	if err := syscall.Kill(victim, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	order(20)
	awaitOrders(t, meta, float64(orders))
	if err := group.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	order(20)
	awaitOrders(t, meta, float64(orders))
	before := metaPID(t, meta)
	if err := syscall.Kill(before, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "no other meta process", func() bool {
		now := metaPID(t, meta)
		return now != before && now != 0
	})
	order(5)
	awaitOrders(t, meta, float64(orders))
}

// metaPID is the pid of the process that shows the group; 0 while there is
// none.
func metaPID(t *testing.T, meta *support.Server) int {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get("http://" + meta.Addr().String() + "/status.json")
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	var state prefork.State
	if err := json.NewDecoder(resp.Body).Decode(&state); err != nil {
		return 0
	}
	for _, p := range state.Processes {
		if p.Role == "meta" && p.Phase == prefork.Serving {
			return p.PID
		}
	}
	return 0
}
