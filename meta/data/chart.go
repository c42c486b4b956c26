package data

import (
	"encoding/json"
	"math"
	"slices"
)

// Chart shows how numbers went over time. Its points are Step seconds apart,
// the first at Start. Its axis goes from From to To, so that charts beside each
// other show the same time; without them it goes from the first point to the
// last.
type Chart struct {
	Title  string   `json:"title"`
	Note   string   `json:"note,omitempty"` // behind the title: unit, scope
	Unit   string   `json:"unit,omitempty"`
	Start  float64  `json:"start"`          // Unix seconds
	Step   float64  `json:"step"`           // seconds
	From   float64  `json:"from,omitempty"` // Unix seconds
	To     float64  `json:"to,omitempty"`   // the same
	Log    bool     `json:"log,omitempty"`
	Series []Series `json:"series"`
	Limit  float64  `json:"limit,omitempty"`
	Least  float64  `json:"least,omitempty"` // that the axis reaches, so that little looks little
	Marks  []Mark   `json:"marks,omitempty"`
	Says   string   `json:"says,omitempty"`  // what it shows, in words
	Empty  string   `json:"empty,omitempty"` // why there is nothing yet, and when there will be
}

// Series is one line of a Chart.
type Series struct {
	Name   string  `json:"name"`
	Color  int     `json:"color"`           // 1 normal, 2 bad, 3 third, 4 fourth, 5 waiting, 6 context
	Shape  Shape   `json:"shape,omitempty"` // default a line
	Values Numbers `json:"values"`
}

// Shape is how a Series is drawn.
type Shape string

// The shapes. Stacked areas stand on those before them.
const (
	Line    Shape = "line"
	Area    Shape = "area"
	Stacked Shape = "stacked"
	Thin    Shape = "thin"
	Dashed  Shape = "dashed"
)

// Mark is a moment that all charts of a page show, by a letter.
type Mark struct {
	At     float64 `json:"at"` // Unix seconds
	Letter string  `json:"letter"`
	Title  string  `json:"title"`
}

// Numbers are values of which some may not exist: NaN, and null in JSON.
type Numbers []float64

// MarshalJSON writes what is not a number as null.
func (n Numbers) MarshalJSON() ([]byte, error) {
	all := make([]*float64, len(n))
	for i, v := range n {
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			all[i] = &n[i]
		}
	}
	return json.Marshal(all)
}

// UnmarshalJSON reads null as what is not a number.
func (n *Numbers) UnmarshalJSON(b []byte) error {
	var all []*float64
	if err := json.Unmarshal(b, &all); err != nil {
		return err
	}
	*n = make(Numbers, len(all))
	for i, v := range all {
		(*n)[i] = math.NaN()
		if v != nil {
			(*n)[i] = *v
		}
	}
	return nil
}

// Histogram shows how often values were how large.
type Histogram struct {
	Unit      string     `json:"unit,omitempty"`
	Buckets   []Bucket   `json:"buckets"` // rising; those without values may be left out
	Quantiles []Quantile `json:"quantiles"`
	Max       float64    `json:"max"`
	Says      string     `json:"says,omitempty"`
}

// Bucket counts the values between two bounds.
type Bucket struct {
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
	Count float64 `json:"count"`
}

// Quantile is the value that the part P of all values is below.
type Quantile struct {
	P     float64 `json:"p"`
	Value float64 `json:"value"`
}

// Dots shows things one by one, by a value on a logarithmic axis, such as their
// age.
type Dots struct {
	Unit   string  `json:"unit,omitempty"`
	Limit  float64 `json:"limit,omitempty"` // that none should reach
	Groups []Group `json:"groups"`
}

// Group is the things of one kind.
type Group struct {
	Name   string  `json:"name"`
	Color  int     `json:"color"`
	Values Numbers `json:"values"`
}

// mergeDots puts the things of all processes together, each kind by its name.
func mergeDots(parts []part) *Dots {
	merged := &Dots{Unit: parts[0].block.Dots.Unit, Limit: parts[0].block.Dots.Limit}
	for _, p := range parts {
		if p.block.Dots == nil {
			continue
		}
		for _, g := range p.block.Dots.Groups {
			at := slices.IndexFunc(merged.Groups, func(o Group) bool { return o.Name == g.Name })
			if at < 0 {
				g.Values = slices.Clone(g.Values)
				merged.Groups = append(merged.Groups, g)
				continue
			}
			merged.Groups[at].Values = append(merged.Groups[at].Values, g.Values...)
		}
	}
	return merged
}

// Graph shows states and the moves between them.
type Graph struct {
	Nodes []Node `json:"nodes"` // in the order of their flow
	Edges []Edge `json:"edges"`
}

// Node is a state.
type Node struct {
	Name  string  `json:"name"`
	Now   float64 `json:"now"`  // how many are in it
	Stay  float64 `json:"stay"` // mean seconds
	Total float64 `json:"total"`
}

// Edge is a move from one state to another; an empty name is outside.
type Edge struct {
	From  string  `json:"from"`
	To    string  `json:"to"`
	Count float64 `json:"count"`
	Rate  float64 `json:"rate"` // a second
}

// Share is one row of a chart that divides each whole into the same parts.
type Share struct {
	Name  string  `json:"name"`
	Unit  string  `json:"unit,omitempty"`
	Total float64 `json:"total"`
	Parts []Part  `json:"parts"`
}

// Part is one part of a Share.
type Part struct {
	Name  string  `json:"name"`
	Color int     `json:"color"`
	Value float64 `json:"value"`
}

// At returns the value of a quantile that is there, else 0.
func (h *Histogram) At(p float64) float64 {
	for _, q := range h.Quantiles {
		if q.P == p {
			return q.Value
		}
	}
	return 0
}
