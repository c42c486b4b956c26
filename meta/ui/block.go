package ui

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/support-go/support/internal/human"
	"github.com/support-go/support/meta/data"
)

// block is a data.Block, ready to be written.
type block struct {
	ID        string
	Title     string
	Stale     bool
	Note      data.Rich
	Fold      bool
	Verdict   *verdict
	Figures   []field
	Fields    []field
	Table     *table
	Charts    []*chart
	Histogram *histogram
	Dots      *dots
	Graph     *graph
	Shares    *shares
	Events    []event
	Text      []line
	Notice    *data.Notice
	Form      *form
}

type verdict struct {
	ID, Shape, Word string
	State           data.State
	Sentence        data.Rich
	Since           *moment
}

// moment is a time, in three ways.
type moment struct{ ISO, Exact, Text string }

type field struct {
	ID, Title, Note, Class string
	Cell                   cell
}

type event struct {
	ID, Mark, Chip, Where string
	State                 data.State
	Text, Reason          data.Rich
	At                    *moment
}

type line struct {
	Line string
	Mark bool
}

type form struct {
	data.Form
	CSRF string
}

// groups puts neighbours that take half of the width beside each other.
func (s scope) groups(blocks []data.Block) []group {
	var all []group
	for i := range blocks {
		b := s.block(&blocks[i], fmt.Sprintf("b%d", i))
		if last := len(all) - 1; blocks[i].Half && last >= 0 && all[last].Two && len(all[last].Blocks) < 2 {
			all[last].Blocks = append(all[last].Blocks, b)
			continue
		}
		all = append(all, group{Two: blocks[i].Half, Blocks: []*block{b}})
	}
	return all
}

func (s scope) block(d *data.Block, id string) *block {
	b := &block{ID: id, Title: d.Title, Note: s.rich(d.Note), Fold: d.Fold, Stale: d.Stale}
	switch {
	case d.Verdict != nil:
		b.Verdict = s.verdict(d.Verdict, id)
	case d.Figures != nil:
		b.Figures = s.fields(d.Figures, id)
	case d.Fields != nil:
		b.Fields = s.fields(d.Fields, id)
	case d.Table != nil:
		b.Table = s.table(d.Table, id, d.Title)
	case d.Charts != nil:
		for i := range d.Charts {
			c := newChart(&d.Charts[i], fmt.Sprintf("%s-%d", id, i))
			if s.query.Get("table") != "" {
				c.Points = s.table(points(&d.Charts[i]), c.ID+"-p", c.Title)
			}
			b.Charts = append(b.Charts, c)
		}
	case d.Histogram != nil:
		b.Histogram = newHistogram(d.Histogram, id)
	case d.Dots != nil:
		b.Dots = newDots(d.Dots, id)
	case d.Graph != nil:
		b.Graph = newGraph(d.Graph)
	case d.Shares != nil:
		b.Shares = newShares(d.Shares)
	case d.Events != nil:
		b.Events = s.events(d.Events, id)
	case d.Text != nil:
		b.Text = lines(d.Text)
	case d.Notice != nil:
		b.Notice = &data.Notice{Text: s.rich(d.Notice.Text), Code: d.Notice.Code, Links: s.rich(d.Notice.Links)}
	case d.Form != nil:
		b.Form = &form{Form: *d.Form, CSRF: s.csrf}
		b.Form.Action = s.href(d.Form.Action)
	}
	return b
}

func (s scope) rich(r data.Rich) data.Rich {
	out := make(data.Rich, len(r))
	for i, span := range r {
		span.Href = s.href(span.Href)
		out[i] = span
	}
	return out
}

func (s scope) moment(t time.Time) *moment {
	if t.IsZero() {
		return nil
	}
	return &moment{t.UTC().Format(time.RFC3339), human.Exact(t), human.Ago(t, s.now)}
}

func (s scope) verdict(d *data.Verdict, id string) *verdict {
	v := &verdict{ID: id, Shape: shape(d.State), Word: d.Word, State: d.State, Sentence: s.rich(d.Sentence), Since: s.moment(d.Since)}
	if v.Since != nil {
		v.Since.Text = human.Age(s.now.Sub(d.Since))
	}
	return v
}

func shape(state data.State) string {
	switch state {
	case data.Look:
		return "▲"
	case data.Wrong:
		return "■"
	case data.Busy:
		return "◐"
	case data.Idle:
		return "○"
	}
	return "●"
}

func (s scope) fields(all []data.Field, id string) []field {
	out := make([]field, len(all))
	for i, f := range all {
		c := s.cell(f.Cell, f.Unit)
		out[i] = field{ID: fmt.Sprintf("%s-f%d", id, i), Title: cmp.Or(f.Title, f.Name), Note: f.Note, Class: stateClass(f.Cell.State), Cell: c}
	}
	return out
}

func (s scope) events(all []data.Event, id string) []event {
	out := make([]event, len(all))
	for i, e := range all {
		out[i] = event{
			ID: fmt.Sprintf("%s-e%d", id, i), Mark: e.Mark, State: e.State, Where: e.Where,
			Text: s.rich(e.Text), Reason: s.rich(e.Reason), At: s.moment(e.At),
		}
		if e.Mark == "" {
			out[i].Chip = word(e.State)
		}
	}
	return out
}

// word is what a state of a finding is called.
func word(state data.State) string {
	switch state {
	case data.Look:
		return "look"
	case data.Wrong:
		return "fix"
	}
	return ""
}

func lines(t *data.Text) []line {
	var all []line
	for i, text := range strings.Split(strings.TrimRight(t.Body, "\n"), "\n") {
		l := line{Line: text}
		for _, n := range t.Lines {
			l.Mark = l.Mark || n == i+1
		}
		all = append(all, l)
	}
	return all
}
