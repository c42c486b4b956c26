package pages

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/support-go/support/internal/human"
	"github.com/support-go/support/meta"
	"github.com/support-go/support/meta/data"
	"github.com/support-go/support/upstream"
)

// Bounds of what is shown of one service by each process.
const (
	maxExchanges = 15
	maxConns     = 200
	maxShownText = 200 // of a payload
)

// one shows a service: its figures, addresses, connections, and what went over
// them of late.
func (u upstreams) one(_ context.Context, q url.Values) (any, error) {
	state := u.manager.State()
	for i := range state.Services {
		if s := &state.Services[i]; s.Name == q.Get("name") {
			return u.service(s, state.Decisions), nil
		}
	}
	return meta.Block{Title: "There is no such service", Notice: &data.Notice{
		Text: data.Words("No service is called “" + human.Middle(q.Get("name"), 80) + "”."), Links: data.Rich{{Text: "All services", Href: "upstreams"}},
	}}, nil
}

func (u upstreams) service(s *upstream.ServiceState, all []upstream.Decision) meta.View {
	recent, exchanges := exchangeTable(s)
	return meta.View{Blocks: []meta.Block{
		{Name: "figures", Figures: u.figures(s)},
		{Name: addressesOf + s.Name, Title: "Addresses", Note: data.Words(aliases(s)), Table: addressTable(s)},
		{Name: "connections", Title: "Connections", Note: data.Words("those in use first"), Table: connTable(s)},
		{Name: "recent", Title: "Recent traffic", Note: data.Words(fmt.Sprintf("the last %d of each process", maxExchanges)), Table: exchanges},
		recent, decisions(all, s.Name),
	}}
}

func aliases(s *upstream.ServiceState) string {
	note := plural(len(s.Tiers), "tier", "s") + "; one serves while those before it cannot"
	if len(s.Aliases) > 0 {
		note = "also called " + strings.Join(s.Aliases, ", ") + " · " + note
	}
	return note
}

func (u upstreams) figures(s *upstream.ServiceState) []meta.Field {
	n := counts{u.manager.Stats, s.Name}
	count := func(name, title, what string) meta.Field {
		return meta.Field{Name: name, Title: title, Merge: data.Sum, Cell: meta.Cell{Value: n.of(what), Href: n.href(what)}}
	}
	seconds := func(name, title string, v any) meta.Field {
		return meta.Field{Name: name, Title: title, Unit: data.UnitSeconds, Merge: data.Max, Cell: meta.Cell{Value: v}}
	}
	_, wait := n.times("wait_seconds")
	connects, connect := n.times("connect_seconds")
	return []meta.Field{
		{Name: "answers", Title: "Answers", Merge: data.Sum, Cell: n.answers()}, seconds("p50", "p50", positive(s.P50.Seconds())), seconds("p99", "p99", positive(s.P99.Seconds())), count("failures", "Failed", "failures"),
		count("retries", "Retried", "retries"), count("hedges", "Hedged", "hedges"), {Name: "budget", Title: "Repeats left", Merge: data.Sum, Cell: meta.Cell{Value: s.Repeats}},
		seconds("hedge_after", "Hedges after", positive(s.HedgeAfter.Seconds())), {Name: "connects", Title: "Connects", Merge: data.Sum, Cell: meta.Cell{Value: connects, Href: n.href("connect_seconds")}},
		seconds("connect_p99", "Connect p99", connect), seconds("wait_p99", "Wait for one, p99", wait),
	}
}

// connTable has a row for each connection of the pools, those first that are in
// use.
func connTable(s *upstream.ServiceState) *meta.Table {
	t := &meta.Table{Filter: true, Empty: "No connection is open.", Columns: []meta.Column{
		{Name: "local", Title: "Local", Unit: data.UnitCode}, {Name: "address", Title: "Address", Unit: data.UnitCode}, {Name: "state", Title: "State"}, {Name: "tls", Title: "TLS", Wide: true},
		{Name: "age", Title: "Age", Unit: data.UnitSeconds}, {Name: "idle", Title: "Idle for", Unit: data.UnitSeconds}, {Name: "answers", Title: "Answers"},
		{Name: "read", Title: "Read", Unit: data.UnitTraffic}, {Name: "written", Title: "Written", Unit: data.UnitTraffic},
	}}
	total := 0
	for _, lent := range []bool{true, false} {
		for _, tier := range s.Tiers {
			for _, a := range tier.Addresses {
				for _, c := range a.Conns {
					if lent == (c.State == "idle") {
						continue
					}
					if total++; total > maxConns {
						continue
					}
					t.Add(c.Local, a.Address, inUse(c.State), c.TLS, c.Age, positive(c.Idle.Seconds()), c.Answers, c.Read, c.Written)
				}
			}
		}
	}
	if total > maxConns {
		t.Total = total
	}
	return t
}

// inUse is the word for what upstream calls lent or own.
func inUse(state string) string {
	switch state {
	case "lent":
		return "in use"
	case "own":
		return "kept by its user"
	}
	return state
}

// exchangeTable has a row for each of the latest exchanges, the newest first, and
// a block with what was kept of their contents, if anything is.
func exchangeTable(s *upstream.ServiceState) (meta.Block, *meta.Table) {
	t := &meta.Table{Sorted: "-at", Empty: "Nothing has been sent or received yet.", Columns: []meta.Column{
		{Name: "at", Title: "When", Unit: data.UnitTime}, {Name: "address", Title: "Address", Unit: data.UnitCode}, {Name: "took", Title: "Answered after", Unit: data.UnitSeconds},
		{Name: "sent", Title: "Sent", Unit: data.UnitTraffic}, {Name: "received", Title: "Received", Unit: data.UnitTraffic}, {Name: "answers", Title: "Answers"}, {Name: "error", Title: "Error", Wrap: true},
	}}
	kept := &meta.Table{Sorted: "-at", Columns: []meta.Column{
		{Name: "at", Title: "When", Unit: data.UnitTime}, {Name: "request", Title: "Sent", Unit: data.UnitCode, Wrap: true}, {Name: "response", Title: "Received", Unit: data.UnitCode, Wrap: true},
	}}
	for _, tier := range s.Tiers {
		for _, a := range tier.Addresses {
			for _, x := range a.Recent {
				at := x.Time.Truncate(time.Millisecond)
				t.Add(at, a.Address, positive(x.Took.Seconds()), x.Sent, x.Received, x.Answers, x.Error)
				if len(x.Request)+len(x.Response) > 0 {
					kept.Add(at, shownBytes(x.Request), shownBytes(x.Response))
				}
			}
		}
	}
	for _, table := range []*meta.Table{t, kept} {
		table.Sort("-at")
		table.Rows = table.Rows[:min(len(table.Rows), maxExchanges)]
	}
	if len(kept.Rows) == 0 {
		return meta.Block{Name: "contents", Title: "Contents", Notice: &data.Notice{
			Text: data.Words("What is sent and received is not kept. Where it may be seen, this keeps the beginnings, masked, for a minute:"),
			Code: "upstream.Service{Traffic: upstream.Traffic{Payload: 512, Mask: mask}}",
		}}, t
	}
	return meta.Block{Name: "kept", Title: "Contents", Note: data.Words("as masked by Traffic.Mask; kept for a minute"), Table: kept}, t
}

func shownBytes(b []byte) meta.Cell {
	text := fmt.Sprintf("%q", b[:min(len(b), maxShownText)])
	text = text[1 : len(text)-1]
	if len(b) > maxShownText {
		text += "…"
	}
	return meta.Cell{Value: text}
}

// decisions are the latest about a service, or about all, the newest first.
func decisions(all []upstream.Decision, service string) meta.Block {
	t := &meta.Table{Sorted: "-at", Filter: true, Empty: "Nothing had to be decided: all addresses have answered.", Columns: []meta.Column{
		{Name: "at", Title: "When", Unit: data.UnitTime}, {Name: "decision", Title: "Decision"}, {Name: "service", Title: "Service"}, {Name: "address", Title: "Address", Unit: data.UnitCode}, {Name: "why", Title: "Why", Wrap: true},
	}}
	for _, d := range all {
		if service != "" && d.Service != service || len(t.Rows) >= maxDecisions {
			continue
		}
		t.Add(d.Time.Truncate(time.Millisecond), decided(d.Kind), meta.Cell{Value: d.Service, Href: serviceHref(d.Service)}, d.Address, d.Why)
	}
	return meta.Block{Name: "decisions", Title: "Decisions", Note: data.Words(fmt.Sprintf("the latest %d of each process, with what it saw", maxDecisions)), Table: t}
}

// decided says in words what was decided.
func decided(kind upstream.DecisionKind) meta.Cell {
	switch kind {
	case upstream.DecideDown:
		return meta.Cell{Value: "marked down", State: data.Wrong}
	case upstream.DecideUp:
		return meta.Cell{Value: "serves again", State: data.OK}
	case upstream.DecideKeep:
		return meta.Cell{Value: "kept, though it fails", State: data.Look}
	case upstream.DecideProbe:
		return meta.Cell{Value: "probed", State: data.Busy}
	case upstream.DecideRefuse:
		return meta.Cell{Value: "not repeated", State: data.Look}
	case upstream.DecideLookup:
		return meta.Cell{Value: "not looked up", State: data.Look}
	case upstream.DecideMisuse:
		return meta.Cell{Value: "misused", State: data.Look}
	case upstream.DecideRetry:
		return meta.Cell{Value: "retried"}
	case upstream.DecideHedge:
		return meta.Cell{Value: "hedged"}
	}
	return meta.Cell{Value: string(kind)}
}
