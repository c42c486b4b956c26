package ui

import (
	"fmt"
	"math"
	"slices"

	"github.com/support-go/support/internal/human"
	"github.com/support-go/support/meta/data"
)

// The drawing of states: boxes in one row, moves to the next box straight,
// those that skip boxes as bows above, and those back as bows below. How things
// end stands in the last column, one below the other.
const (
	nodeWidth  = 112
	nodeHeight = 44
	nodeStep   = 158
	rowStep    = 60
	margin     = 45 // for what comes in, and goes out
)

type graph struct {
	Top           int // of the drawing, which is cut to what is in it
	Width, Height int
	Says          string
	Nodes         []graphNode
	Edges         []graphEdge

	places map[string]place
	last   int // column
}

// place is where a node stands.
type place struct{ column, row int }

func (p place) left() int   { return margin + p.column*nodeStep }
func (p place) right() int  { return p.left() + nodeWidth }
func (p place) centre() int { return p.left() + nodeWidth/2 }
func (p place) top() int    { return p.row * rowStep }
func (p place) bottom() int { return p.top() + nodeHeight }
func (p place) middle() int { return p.top() + nodeHeight/2 }

type graphNode struct {
	X, Y, CX, NameY, StayY int
	Name, Stay, Title      string
	Hot                    bool
}

type graphEdge struct {
	D, Stroke, Label, Title string
	X, Y                    int
	Hot                     bool
}

func newGraph(d *data.Graph) *graph {
	g := &graph{Says: "States and the moves between them", places: make(map[string]place)}
	ends := endsOf(d)
	for _, n := range d.Nodes {
		if !slices.Contains(ends, n.Name) {
			g.places[n.Name] = place{column: g.last}
			g.last++
		}
	}
	for row, name := range ends {
		g.places[name] = place{g.last, row}
	}
	if len(ends) == 0 {
		g.last = max(0, g.last-1)
	}
	hot := hottest(d.Nodes)
	for i, n := range d.Nodes {
		g.node(n, i == hot)
	}
	if hot >= 0 {
		g.Says += ": most time is spent in " + d.Nodes[hot].Name
	}
	most := 0.0
	for _, e := range d.Edges {
		most = max(most, e.Count)
	}
	for _, e := range d.Edges {
		if !slices.Contains(ends, e.From) { // which only go out, as many as come in
			g.edge(e, most)
		}
	}
	g.cut()
	return g
}

// endsOf are the states from which nothing goes on, if there are others.
func endsOf(d *data.Graph) []string {
	var ends []string
	for _, n := range d.Nodes {
		goesOn, left, entered := false, false, false
		for _, e := range d.Edges {
			goesOn = goesOn || e.From == n.Name && e.To != ""
			left = left || e.From == n.Name && e.To == ""
			entered = entered || e.To == n.Name && e.From != ""
		}
		if !goesOn && entered && (left || n.Now == 0) {
			ends = append(ends, n.Name)
		}
	}
	if len(ends) == len(d.Nodes) {
		return nil
	}
	return ends
}

func (g *graph) node(n data.Node, hot bool) {
	p := g.places[n.Name]
	stay := fmt.Sprintf("%s now · %s", human.Count(n.Now), human.Duration(n.Stay))
	if n.Now == 0 && n.Stay == 0 {
		stay = "passed through"
	}
	g.Nodes = append(g.Nodes, graphNode{
		X: p.left(), Y: p.top(), CX: p.centre(), NameY: p.top() + 19, StayY: p.top() + 34, Name: n.Name, Hot: hot, Stay: stay,
		Title: fmt.Sprintf("%s: %s in it now, %s on average, %s in all", n.Name, human.Count(n.Now), human.Duration(n.Stay), human.Duration(n.Total)),
	})
}

// cut makes the drawing as large as what is in it.
func (g *graph) cut() {
	bottom := nodeHeight
	for _, n := range g.Nodes {
		bottom = max(bottom, n.Y+nodeHeight)
	}
	for _, e := range g.Edges {
		g.Top, bottom = min(g.Top, e.Y-12), max(bottom, e.Y+6)
	}
	g.Top, bottom = g.Top-4, bottom+4
	g.Height = bottom - g.Top
	g.Width = place{column: g.last}.right() + margin
}

// hottest is the state that most time is spent in.
func hottest(nodes []data.Node) int {
	at := -1
	for i, n := range nodes {
		if n.Total > 0 && (at < 0 || n.Total > nodes[at].Total) {
			at = i
		}
	}
	return at
}

func (g *graph) edge(e data.Edge, most float64) {
	label := human.Rate(e.Rate).String()
	if e.Rate == 0 {
		label = human.Count(e.Count).String()
	}
	out := graphEdge{
		Label: label, Stroke: number(1 + 3*math.Sqrt(e.Count/max(most, 1))),
		Title: fmt.Sprintf("%s to %s: %s, %s", outside(e.From), outside(e.To), human.Count(e.Count), human.Rate(e.Rate)),
	}
	from, hasFrom := g.places[e.From]
	to, hasTo := g.places[e.To]
	switch {
	case !hasFrom && !hasTo:
		return
	case !hasFrom:
		out.comesIn(to)
	case !hasTo:
		out.goesOut(from, g.last)
	default:
		out.between(from, to)
	}
	g.Edges = append(g.Edges, out)
}

func (out *graphEdge) comesIn(to place) {
	if to.column == 0 {
		out.D, out.X, out.Y = fmt.Sprintf("M%d %dH%d", to.left()-36, to.middle(), to.left()-2), to.left()-22, to.middle()-7
		return
	}
	out.D, out.X, out.Y = fmt.Sprintf("M%d %dV%d", to.left()+20, to.top()-28, to.top()-2), to.left()+20, to.top()-33
}

func (out *graphEdge) goesOut(from place, last int) {
	if from.column == last {
		out.D, out.X, out.Y = fmt.Sprintf("M%d %dH%d", from.right(), from.middle(), from.right()+34), from.right()+18, from.middle()-7
		return
	}
	out.D, out.X, out.Y = fmt.Sprintf("M%d %dV%d", from.right()-20, from.bottom(), from.bottom()+28), from.right()-20, from.bottom()+42
}

func (out *graphEdge) between(from, to place) {
	apart := to.column - from.column
	switch {
	case to.row > 0: // an end below the others
		x, y := from.centre()+8*to.row, to.middle()
		out.D, out.X, out.Y = fmt.Sprintf("M%d %dC%d %d %d %d %d %d", x, from.bottom(), x, y, x+20, y, to.left()-2, y), x+24, from.bottom()+15
	case apart == 1:
		out.D, out.X, out.Y = fmt.Sprintf("M%d %dH%d", from.right(), from.middle(), to.left()-2), (from.right()+to.left())/2, from.middle()-7
	case apart == 0:
		cx := from.centre()
		out.D, out.X, out.Y = fmt.Sprintf("M%d %dC%d %d %d %d %d %d", cx+24, 0, cx+30, -40, cx-30, -40, cx-24, -2), cx, -36
	case apart > 0:
		up := 24 + 14*apart
		out.D, out.X, out.Y = bow(from.centre(), to.centre(), 0, -up), (from.left()+to.right())/2, -up*3/4-5
	default:
		down := 24 - 14*apart
		out.D, out.X, out.Y = bow(from.centre(), to.centre(), nodeHeight, down), (from.left()+to.right())/2, nodeHeight+down*3/4+14
		out.Hot = true
	}
}

// bow is a curve between two points of the same height.
func bow(x1, x2, y, height int) string {
	gap := 2
	if height < 0 {
		gap = -2
	}
	return fmt.Sprintf("M%d %dC%d %d %d %d %d %d", x1, y, x1, y+height, x2, y+height, x2, y+gap)
}

func outside(name string) string {
	if name == "" {
		return "outside"
	}
	return name
}

// Flow puts states into the order in which most things go through them.
func Flow(nodes []data.Node, edges []data.Edge) []data.Node {
	rank := map[string]float64{}
	for range nodes { // long enough for what comes in to reach the last
		for _, e := range edges {
			if e.From == "" && rank[e.To] == 0 {
				rank[e.To] = 1
			}
			if r := rank[e.From]; r > 0 && e.To != "" && rank[e.To] == 0 {
				rank[e.To] = r + 1
			}
		}
	}
	sorted := slices.Clone(nodes)
	slices.SortStableFunc(sorted, func(a, b data.Node) int {
		return int(orLast(rank[a.Name]) - orLast(rank[b.Name]))
	})
	return sorted
}

func orLast(r float64) float64 {
	if r == 0 {
		return 1000
	}
	return r
}
