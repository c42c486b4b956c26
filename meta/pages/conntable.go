package pages

import (
	"fmt"
	"time"

	"github.com/support-go/support/internal/human"
	"github.com/support-go/support/meta"
	"github.com/support-go/support/meta/data"
	"github.com/support-go/support/requests"
)

// tcpFacts are what the kernel knows of a connection.
type tcpFacts struct {
	state          int
	rtt            time.Duration // smoothed
	retransmits    uint32        // segments, ever
	unacked        uint32        // segments that have been sent
	queue          int           // bytes that the peer has not taken yet
	received, sent uint64        // bytes, each once
	quiet          time.Duration // since anything came from the peer
}

// tcpState is what the kernel calls a state.
func tcpState(n int) string {
	names := [...]string{"?", "established", "syn sent", "syn received", "fin wait 1", "fin wait 2", "time wait", "closed", "close wait", "last ack", "listen", "closing"}
	if n < 0 || n >= len(names) {
		return "?"
	}
	return names[n]
}

// The state of a connection that the peer has closed, and this side has not.
const closeWait = 8

// byPeer are the requests that run, by the address that they are from. Of those
// that share a connection it is the oldest.
func (all Recorders) byPeer() map[string]requests.Running {
	found := make(map[string]requests.Running)
	if all == nil {
		return found
	}
	for _, r := range all.running().Running {
		if _, ok := found[r.Peer]; !ok {
			found[r.Peer] = r
		}
	}
	return found
}

func (l *listing) table() *meta.Table {
	t := &meta.Table{Sorted: l.sort, Filter: true, Empty: "No connection is open.", Columns: []meta.Column{
		{Name: "peer", Title: "Peer", Unit: data.UnitCode}, {Name: "side", Title: "Peer is", Wide: true}, {Name: "of", Title: "Server or service"}, {Name: "state", Title: "State"},
		{Name: "age", Title: "Age", Unit: data.UnitSeconds}, {Name: "request", Title: "Request"}, {Name: "in", Title: "In", Unit: data.UnitTraffic}, {Name: "out", Title: "Out", Unit: data.UnitTraffic},
		{Name: "quiet", Title: "Last heard", Unit: data.UnitSeconds}, {Name: "rtt", Title: "RTT", Unit: data.UnitSeconds}, {Name: "retransmits", Title: "Retransm.", Wide: true},
		{Name: "unacked", Title: "Unacked", Wide: true}, {Name: "queue", Title: "Send queue", Unit: data.UnitBytes}, {Name: "tcp", Title: "TCP", Wide: true},
	}}
	for i := range l.found {
		l.row(t, l.found[i])
	}
	if l.total > len(l.found) {
		t.Total = l.total
	}
	if l.total == 0 {
		t.Empty = "No connection is open that is asked for."
	}
	return t
}

func (l *listing) row(t *meta.Table, c *shownConn) {
	c.address()
	name, side := c.owner()
	href := ""
	if c.Service != "" {
		href = serviceHref(c.Service)
	}
	cells := []any{
		meta.Cell{Value: c.peer, Why: "from " + c.local}, side, meta.Cell{Value: name, Href: href}, stateCell(c), l.now.Sub(c.Since), l.request(c),
	}
	if !c.known {
		t.Add(append(cells, nil, nil, nil, nil, nil, nil, nil, "")...)
		return
	}
	retransmits, queue := meta.Cell{Value: c.tcp.retransmits}, meta.Cell{Value: c.tcp.queue}
	if c.tcp.queue > 0 && c.tcp.quiet > time.Second {
		queue.State, queue.Why = data.Look, "the peer has taken nothing for "+human.Age(c.tcp.quiet)
	}
	row := t.Add(append(cells, c.tcp.received, c.tcp.sent, c.tcp.quiet, c.tcp.rtt, retransmits, c.tcp.unacked, queue, tcpState(c.tcp.state))...)
	if queue.State == data.Look || c.tcp.state == closeWait && c.State == ConnActive {
		row.State = data.Look
	}
}

func stateCell(c *shownConn) meta.Cell {
	cell := meta.Cell{Value: string(c.State)}
	switch {
	case c.known && c.tcp.state == closeWait:
		cell.Value, cell.State, cell.Why = "peer has gone", data.Look, "the peer has closed its side, and this one is "+string(c.State)
	case c.State == ConnActive:
		cell.State = data.OK
	default:
		cell.State = data.Idle
	}
	return cell
}

// request is what runs on a connection.
func (l *listing) request(c *shownConn) meta.Cell {
	r, ok := l.runs[c.peer]
	if !ok || c.Server == "" {
		return meta.Cell{Value: ""}
	}
	cell := meta.Cell{Value: r.Route, Href: "inflight?open=" + r.ID.String(), Why: r.Path}
	if r.Route == "" {
		cell.Value = r.Method + " " + human.Middle(r.Path, 40)
	}
	if c.Requests > 1 {
		cell.Value = fmt.Sprintf("%v and %d more", cell.Value, c.Requests-1)
	}
	return cell
}
