package ui

import (
	"fmt"
	"math"
	"slices"

	"github.com/support-go/support/internal/human"
	"github.com/support-go/support/meta/data"
)

// The drawing of states: boxes in one row, moves to the next box straight,
// those that skip boxes as bows above, and those back as bows below.
const (
	nodeWidth  = 118
	nodeHeight = 44
	nodeStep   = 176
	rowTop     = 0 // the drawing is cut to what is in it
)

type graph struct {
	Top           int // of the drawing
	Width, Height int
	Says          string
	Nodes         []graphNode
	Edges         []graphEdge
}

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
	g := &graph{Width: nodeStep*max(1, len(d.Nodes)) - (nodeStep - nodeWidth) + 90, Height: nodeHeight, Says: "States and the moves between them"}
	hot := hottest(d.Nodes)
	index := map[string]int{}
	for i, n := range d.Nodes {
		index[n.Name] = i
		x := 45 + i*nodeStep
		g.Nodes = append(g.Nodes, graphNode{
			X: x, Y: rowTop, CX: x + nodeWidth/2, NameY: rowTop + 19, StayY: rowTop + 34, Name: n.Name, Hot: i == hot,
			Stay:  fmt.Sprintf("%s now · %s", human.Count(n.Now), human.Duration(n.Stay)),
			Title: fmt.Sprintf("%s: %s in it now, %s on average, %s in all", n.Name, human.Count(n.Now), human.Duration(n.Stay), human.Duration(n.Total)),
		})
	}
	most := 0.0
	for _, e := range d.Edges {
		most = max(most, e.Count)
	}
	for _, e := range d.Edges {
		g.edge(e, index, most)
	}
	bottom := g.Height
	for _, e := range g.Edges {
		g.Top, bottom = min(g.Top, e.Y-12), max(bottom, e.Y+6)
	}
	g.Top, bottom = g.Top-4, bottom+4
	g.Height = bottom - g.Top
	return g
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

func (g *graph) edge(e data.Edge, index map[string]int, most float64) {
	label := human.Rate(e.Rate).String()
	if e.Rate == 0 {
		label = human.Count(e.Count).String()
	}
	out := graphEdge{
		Label: label, Stroke: number(1 + 3*math.Sqrt(e.Count/max(most, 1))),
		Title: fmt.Sprintf("%s to %s: %s, %s", outside(e.From), outside(e.To), human.Count(e.Count), human.Rate(e.Rate)),
	}
	from, hasFrom := index[e.From]
	to, hasTo := index[e.To]
	middle := rowTop + nodeHeight/2
	left := func(i int) int { return 45 + i*nodeStep }
	right := func(i int) int { return left(i) + nodeWidth }
	switch {
	case !hasFrom && !hasTo:
		return
	case !hasFrom:
		out.D, out.X, out.Y = fmt.Sprintf("M%d %dH%d", left(to)-36, middle, left(to)-2), left(to)-22, middle-7
		if to > 0 {
			out.D, out.X, out.Y = fmt.Sprintf("M%d %dV%d", left(to)+20, rowTop-28, rowTop-2), left(to)+20, rowTop-33
		}
	case !hasTo:
		out.D, out.X, out.Y = fmt.Sprintf("M%d %dH%d", right(from), middle, right(from)+34), right(from)+18, middle-7
		if from < len(g.Nodes)-1 {
			out.D, out.X, out.Y = fmt.Sprintf("M%d %dV%d", right(from)-20, rowTop+nodeHeight, rowTop+nodeHeight+28), right(from)-20, rowTop+nodeHeight+42
		}
	case to == from+1:
		out.D, out.X, out.Y = fmt.Sprintf("M%d %dH%d", right(from), middle, left(to)-2), (right(from)+left(to))/2, middle-7
	case to == from:
		cx := left(from) + nodeWidth/2
		out.D, out.X, out.Y = fmt.Sprintf("M%d %dC%d %d %d %d %d %d", cx+24, rowTop, cx+30, rowTop-40, cx-30, rowTop-40, cx-24, rowTop-2), cx, rowTop-36
	case to > from:
		up := 24 + 14*(to-from)
		out.D, out.X, out.Y = bow(left(from)+nodeWidth/2, left(to)+nodeWidth/2, rowTop, -up), (left(from)+right(to))/2, rowTop-up*3/4-5
	default:
		down := 24 + 14*(from-to)
		out.D, out.X, out.Y = bow(left(from)+nodeWidth/2, left(to)+nodeWidth/2, rowTop+nodeHeight, down), (left(from)+right(to))/2, rowTop+nodeHeight+down*3/4+14
		out.Hot = true
	}
	g.Edges = append(g.Edges, out)
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
