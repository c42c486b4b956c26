package strict

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// WriteText writes the report as a table for people: a line for each load,
// then what happened and examples of what went wrong.
func (r *Report) WriteText(w io.Writer) error {
	var text strings.Builder
	fmt.Fprintf(&text, "seed %d, %v, %d marks\n\n", r.Seed, r.Elapsed.Round(time.Millisecond), len(r.Marks))
	r.table(&text)
	for _, l := range r.Loads {
		for _, e := range l.Examples {
			fmt.Fprintf(&text, "%v%s\n", e, r.after(e.At))
		}
	}
	if _, err := io.WriteString(w, text.String()); err != nil {
		return fmt.Errorf("strict: writing the report: %w", err)
	}
	return nil
}

// table writes the loads as columns, which leaves out the outcomes that no
// load has met.
func (r *Report) table(text *strings.Builder) {
	table := tabwriter.NewWriter(text, 0, 0, 2, ' ', tabwriter.AlignRight)
	row := func(name string, cell func(*Tally) any) {
		fmt.Fprintf(table, "%s\t", name)
		for _, l := range r.Loads {
			fmt.Fprintf(table, "%v\t", cell(l))
		}
		fmt.Fprintln(table)
	}
	total := r.Total()
	row("", func(l *Tally) any { return l.Name })
	for _, o := range Outcomes() {
		if o == Answered || total[o] > 0 {
			row(o.String(), func(l *Tally) any { return l.Counts[o] })
		}
	}
	row("answers/s", func(l *Tally) any { return int64(float64(l.Counts[Answered]) / r.Elapsed.Seconds()) })
	row("connections", func(l *Tally) any { return l.Conns })
	row("unclosed", func(l *Tally) any { return l.Unclosed })
	for _, q := range []float64{.5, .99, .999, .9999} {
		row(fmt.Sprintf("p%v", 100*q), func(l *Tally) any { return l.Latency.Quantile(q).Round(time.Microsecond) })
	}
	row("longest", func(l *Tally) any { return l.Latency.Max().Round(time.Microsecond) })
	_ = table.Flush() // a Builder never fails
	text.WriteString("\n")
}
