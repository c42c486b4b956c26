package pages

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/support-go/support/internal/human"
	"github.com/support-go/support/meta"
	"github.com/support-go/support/meta/data"
	"github.com/support-go/support/stats"
	"github.com/support-go/support/upstream"
)

// Upstreams returns the pages of what a process is connected to: all services,
// and each of them.
func Upstreams(m *upstream.Manager) []meta.Page {
	u := upstreams{m}
	return []meta.Page{
		{Path: "upstreams", Title: "Upstreams", Section: meta.Serves, Key: "p", Run: u.all, Verdict: upstreamsVerdict},
		{Path: "upstreams/", Title: "Service", Hidden: true, Run: u.one, Verdict: upstreamsVerdict},
	}
}

type upstreams struct{ manager *upstream.Manager }

// maxServices is of how many services the addresses are shown on one page.
const maxServices = 24

// few rows are seen without looking for one.
const few = 10

// addressesOf is the name of the block with the addresses of a service.
const addressesOf = "addresses of "

func (u upstreams) all(context.Context, url.Values) (any, error) {
	state := u.manager.State()
	if len(state.Services) == 0 {
		return meta.Block{Title: "No services", Notice: &data.Notice{
			Text: data.Words("This program connects to nothing by name."), Code: `group.Upstream.Add("rates", upstream.Service{Tiers: []upstream.Tier{upstream.At("10.0.0.7:7001")}})`,
		}}, nil
	}
	t := u.servicesTable()
	for _, s := range state.Services {
		u.addService(t, &s)
	}
	t.Filter = len(t.Rows) > few
	blocks := []meta.Block{{Name: "figures", Figures: totals(&state)}, {Name: "services", Title: "Services", Note: data.Words("counts since the start; times of late, in the slowest process"), Table: t}}
	for i, s := range state.Services[:min(len(state.Services), maxServices)] {
		blocks = append(blocks, meta.Block{
			Name: addressesOf + s.Name, Title: s.Name, Note: data.Rich{{Text: plural(addresses(&s), "address", "es") + " · "}, {Text: "connections, traffic, decisions", Href: serviceHref(s.Name)}},
			Table: addressTable(&state.Services[i]),
		})
	}
	return meta.View{Blocks: append(blocks, decisions(state.Decisions, ""))}, nil
}

func plural(n int, what, ending string) string {
	if n == 1 {
		ending = ""
	}
	return itoa(n) + " " + what + ending
}

func serviceHref(name string) string { return "upstreams/" + url.PathEscape(name) }

func addresses(s *upstream.ServiceState) (n int) {
	for _, tier := range s.Tiers {
		n += len(tier.Addresses)
	}
	return n
}

// totals are those of all services.
func totals(state *upstream.State) []meta.Field {
	all, down, used, idle, waiting := 0, 0, 0, 0, 0
	for _, s := range state.Services {
		for _, tier := range s.Tiers {
			for _, a := range tier.Addresses {
				p := poolOf(&a)
				all, used, idle, waiting = all+1, used+p.used, idle+p.idle, waiting+a.Waiting
				if a.State == "down" {
					down++
				}
			}
		}
	}
	worst := meta.Cell{Value: down}
	if down > 0 {
		worst.State = data.Look
	}
	return []meta.Field{
		{Name: "services", Title: "Services", Merge: data.Max, Cell: meta.Cell{Value: len(state.Services)}},
		{Name: "addresses", Title: "Addresses", Merge: data.Max, Cell: meta.Cell{Value: all}},
		{Name: "down", Title: "Down, at most", Merge: data.Max, Cell: worst},
		{Name: "used", Title: "Connections in use", Merge: data.Sum, Cell: meta.Cell{Value: used}},
		{Name: "idle", Title: "Idle", Merge: data.Sum, Cell: meta.Cell{Value: idle}},
		{Name: "waiting", Title: "Callers waiting", Merge: data.Sum, Cell: meta.Cell{Value: waiting}},
		{Name: "open", Title: "Open or connecting", Merge: data.Sum, Cell: meta.Cell{Value: state.Open, Limit: float64(state.Max)}},
	}
}

// pool counts the connections to an address.
type pool struct{ used, idle int }

func poolOf(a *upstream.AddressState) (p pool) {
	for _, c := range a.Conns {
		if c.State == "idle" {
			p.idle++
			continue
		}
		p.used++
	}
	return p
}

func (u upstreams) servicesTable() *meta.Table {
	return &meta.Table{Key: "service", Columns: []meta.Column{
		{Name: "service", Title: "Service"}, {Name: "state", Title: "State", Merge: data.Worst}, {Name: "workers", Title: "Workers", Wide: true},
		{Name: "answers", Title: "Answers", Merge: data.Sum}, {Name: "p50", Title: "p50", Unit: data.UnitSeconds, Merge: data.Max}, {Name: "p99", Title: "p99", Unit: data.UnitSeconds, Merge: data.Max},
		{Name: "failures", Title: "Failed", Merge: data.Sum}, {Name: "retries", Title: "Retried", Merge: data.Sum, Wide: true}, {Name: "hedges", Title: "Hedged", Merge: data.Sum, Wide: true},
		{Name: "refused", Title: "Not repeated", Merge: data.Sum, Wide: true}, {Name: "connects", Title: "Connects", Merge: data.Sum},
		{Name: "connect", Title: "Connect p99", Unit: data.UnitSeconds, Merge: data.Max, Wide: true}, {Name: "downs", Title: "Mark-downs", Merge: data.Sum, Wide: true},
		{Name: "why", Title: "Why", Merge: data.List, Wrap: true},
	}}
}

func (u upstreams) addService(t *meta.Table, s *upstream.ServiceState) {
	state := serviceState(s)
	n := counts{u.manager.Stats, s.Name}
	connects, connect := n.times("connect_seconds")
	row := t.Add(meta.Cell{Value: s.Name, Href: serviceHref(s.Name)}, state, meta.Cell{Value: "", Marks: []data.State{state.State}}, n.answers(),
		positive(s.P50.Seconds()), positive(s.P99.Seconds()), n.of("failures"), n.of("retries"), n.of("hedges"), n.of("repeats_refused"),
		connects, connect, n.of("markdowns"), strings.Join(s.Errors, "; "))
	row.State = state.State
	if row.State != data.Wrong && row.State != data.Look {
		row.State = ""
	}
}

// serviceState is that of the best address, with the worse ones named.
func serviceState(s *upstream.ServiceState) meta.Cell {
	all, down := addresses(s), 0
	for _, tier := range s.Tiers {
		for _, a := range tier.Addresses {
			if a.State == "down" {
				down++
			}
		}
	}
	switch {
	case all == 0:
		return meta.Cell{Value: "no address", State: data.Wrong}
	case down == all:
		return meta.Cell{Value: "down", State: data.Wrong, Why: "no address is up"}
	case down > 0:
		return meta.Cell{Value: fmt.Sprintf("%d of %d down", down, all), State: data.Look}
	}
	return meta.Cell{Value: "up", State: data.OK}
}

// counts are the instruments of a service.
type counts struct {
	reg  *stats.Registry
	name string
}

func (c counts) of(what string) any {
	if c.reg == nil {
		return nil
	}
	return c.reg.Counter("upstream."+what, "service", c.name).Value()
}

func (c counts) href(what string) string {
	if c.reg == nil {
		return ""
	}
	return "stats/upstream." + what + "?" + url.Values{"l.service": {c.name}}.Encode()
}

// times are how often something took some time, and the 99th percentile.
func (c counts) times(what string) (count, p99 any) {
	if c.reg == nil {
		return nil, nil
	}
	d := c.reg.Distribution("upstream."+what, "service", c.name).Snapshot()
	if d.Count == 0 {
		return 0, nil
	}
	return d.Count, d.Quantile(0.99)
}

// answers counts those of raw connections and of HTTP.
func (c counts) answers() meta.Cell {
	n, _ := c.times("response_seconds")
	return meta.Cell{Value: n, Href: c.href("response_seconds")}
}

// positive is nothing for what is not known.
func positive(v float64) any {
	if v <= 0 {
		return nil
	}
	return v
}

// addressTable has a row for each address of a service, the first tier first.
func addressTable(s *upstream.ServiceState) *meta.Table {
	t := &meta.Table{Key: "address", Empty: "It has no address: " + strings.Join(s.Errors, "; "), Columns: []meta.Column{
		{Name: "address", Title: "Address", Unit: data.UnitCode}, {Name: "tier", Title: "Tier", Merge: data.Max}, {Name: "state", Title: "State", Merge: data.Worst}, {Name: "workers", Title: "Workers"},
		{Name: "used", Title: "In use", Merge: data.Sum}, {Name: "idle", Title: "Idle", Merge: data.Sum}, {Name: "connecting", Title: "Connecting", Merge: data.Sum, Wide: true}, {Name: "waiting", Title: "Waiting", Merge: data.Sum},
		{Name: "latency", Title: "Mean answer", Unit: data.UnitSeconds, Merge: data.Max}, {Name: "weight", Title: "Weight", Merge: data.Max, Wide: true},
		{Name: "failures", Title: "In a row failed", Merge: data.Max, Wide: true}, {Name: "why", Title: "Why", Merge: data.List, Wrap: true},
	}}
	for i, tier := range s.Tiers {
		for _, a := range tier.Addresses {
			addAddress(t, i+1, &a)
		}
	}
	return t
}

func addAddress(t *meta.Table, tier int, a *upstream.AddressState) {
	state, p := addressState(a), poolOf(a)
	waiting := meta.Cell{Value: a.Waiting}
	if a.Waiting > 0 {
		waiting.State = data.Look
	}
	row := t.Add(a.Address, tier, state, meta.Cell{Value: "", Marks: []data.State{state.State}}, meta.Cell{Value: p.used, Limit: float64(a.Max)}, p.idle, a.Connecting, waiting,
		positive(a.Latency.Seconds()), a.Weight, a.Failures, why(a))
	if state.State == data.Wrong {
		row.State = data.Wrong
	}
}

func addressState(a *upstream.AddressState) meta.Cell {
	c := meta.Cell{Value: a.State, State: data.OK, Why: a.Why}
	switch {
	case a.State == "down":
		c.State = data.Wrong
	case a.State != "up":
		c.State = data.Busy
	case a.Warming:
		c.Value, c.State = "warming", data.Busy
	}
	return c
}

// why says why an address is as it is. It names no moment, as it is compared with
// what other processes say.
func why(a *upstream.AddressState) string {
	switch {
	case a.State == "down":
		return a.Why
	case a.Warming:
		return "it is back, and has not its full share yet"
	}
	return ""
}

// upstreamsVerdict says which addresses are down, and for how many of those who
// look.
func upstreamsVerdict(v meta.View) *data.Verdict {
	all, down, none := 0, 0, false
	var said data.Rich
	for _, b := range v.Blocks {
		name, ok := strings.CutPrefix(b.Name, addressesOf)
		if !ok || b.Table == nil {
			continue
		}
		bad := 0
		for _, r := range b.Table.Rows {
			all++
			if r.State != data.Wrong {
				continue
			}
			bad++
			if down++; down <= 3 {
				said = append(said, data.Span{Text: name + " " + r.Cells[0].String(), Strong: true, Href: serviceHref(name)}, data.Span{Text: " is down" + agreement(r.Cells[3].Marks) + ": " + human.Middle(r.Cells[11].String(), 120) + ". "})
			}
		}
		none = none || bad > 0 && bad == len(b.Table.Rows)
	}
	if down == 0 {
		return nil
	}
	verdict := &data.Verdict{State: data.Look, Word: fmt.Sprintf("%d of %d down", down, all), Sentence: said}
	if none {
		verdict.State = data.Wrong
	}
	if down > 3 {
		verdict.Sentence = append(verdict.Sentence, data.Span{Text: fmt.Sprintf("%d more.", down-3)})
	}
	return verdict
}

// agreement says how many processes think so, if not all do.
func agreement(marks []data.State) string {
	n := 0
	for _, m := range marks {
		if m == data.Wrong {
			n++
		}
	}
	if n == len(marks) {
		return ""
	}
	return fmt.Sprintf(" for %d of %d workers", n, len(marks))
}
