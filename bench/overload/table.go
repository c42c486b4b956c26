package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"
	"time"
)

// measured is a round with its result, as it is saved.
type measured struct {
	Round  round
	Result result
}

// table is what has been measured, in a file if it has a name.
type table struct {
	path string
	rows []measured
}

func saved(path string) (*table, error) {
	t := &table{path: path}
	if path == "" {
		return t, nil
	}
	file, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return t, nil
	} else if err != nil {
		return nil, err
	}
	defer file.Close()
	for decoder := json.NewDecoder(file); ; {
		var m measured
		if err := decoder.Decode(&m); errors.Is(err, io.EOF) {
			return t, nil
		} else if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		t.rows = append(t.rows, m)
	}
}

// add measures a round.
func (t *table) add(b *bench, r round) error {
	result, err := b.run(r)
	if err != nil {
		return err
	}
	m := measured{r, result}
	t.rows = append(t.rows, m)
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "%s\n", text)
	if t.path == "" {
		return nil
	}
	file, err := os.OpenFile(t.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = file.Write(append(text, '\n'))
	return cmp.Or(err, file.Close())
}

const heading = `| server | load | n | useful CPU | share | p50 / p99 answered, ms | refused | p99 / max of refusals, ms | unanswered | time-outs | RSS +, MiB | normal after, ms | critical | server / others / host on the core, % | capacity |
|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|
`

// steady says whether the machine did nothing else in a round, as far as can be
// seen. In others, a share of the capacity says as much of them as of the server.
func (m result) steady() bool { return math.Abs(m.Drift) <= 0.06 && m.Others <= 0.05 }

// String is the table, with medians and ranges of rounds of the same kind.
func (t *table) String() string {
	var text strings.Builder
	text.WriteString(heading)
	of := make(map[round][]result)
	for _, m := range t.rows {
		of[m.Round] = append(of[m.Round], m.Result)
	}
	for _, m := range t.rows {
		if results, first := of[m.Round]; first {
			text.WriteString(row(m.Round, results))
			delete(of, m.Round)
		}
	}
	return text.String()
}

func (r round) String() string {
	parts := []string{fmt.Sprintf("%g x", r.Times), "new"}
	if r.Kept {
		parts[1] = "kept"
	}
	for _, part := range []struct {
		text string
		is   bool
	}{
		{r.Proto, r.Proto != plain},
		{r.Mix, r.Mix != "same"},
		{"each waits " + r.Pause.String(), r.Pause > 0},
		{"random", r.Random},
		{fmt.Sprintf("GOMAXPROCS=%d", r.Procs), r.Procs != 1},
		{r.Length.String(), r.Length >= 20*time.Second},
	} {
		if part.is {
			parts = append(parts, part.text)
		}
	}
	return strings.Join(parts, ", ")
}

func row(r round, results []result) string {
	ms := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
	over := func(value func(result) float64) (low, mid, high float64) { return median(results, value) }
	total := func(value func(result) int) (n int) {
		for _, m := range results {
			n += value(m)
		}
		return n
	}
	shares := "-"
	if undisturbed := slices.DeleteFunc(slices.Clone(results), func(m result) bool { return !m.steady() }); len(undisturbed) > 0 {
		least, share, most := median(undisturbed, func(m result) float64 { return m.Share })
		_, first, _ := median(undisturbed, func(m result) float64 { return m.First })
		shares = fmt.Sprintf("%.3f (%.3f-%.3f; %d), 1st second %.3f", share, least, most, len(undisturbed), first)
	}
	leastUseful, useful, _ := over(func(m result) float64 { return m.Useful })
	_, p50, _ := over(func(m result) float64 { return ms(m.P50) })
	_, p99, worst := over(func(m result) float64 { return ms(m.P99) })
	_, late, latest := over(func(m result) float64 { return ms(m.Late) })
	_, _, last := over(func(m result) float64 { return ms(m.Latest) })
	_, growth, _ := over(func(m result) float64 { return m.Growth })
	_, _, normal := over(func(m result) float64 { return ms(m.Normal) })
	leastServed, served, _ := over(func(m result) float64 { return m.Served })
	_, capacity, _ := over(func(m result) float64 { return m.Capacity })
	_, kept, _ := over(func(m result) float64 { return m.Kept })
	_, own, _ := over(func(m result) float64 { return 100 * m.Own })
	_, others, _ := over(func(m result) float64 { return 100 * m.Others })
	_, stolen, _ := over(func(m result) float64 { return 100 * m.Stolen })
	critical := ""
	if r.Critical {
		critical = fmt.Sprintf("%.3f (%.3f)", served, leastServed)
	}
	return fmt.Sprintf("| %s | %v | %d | **%.3f** (%.3f) | %s | %.0f / %.0f (%.0f) | %d | %.1f (%.1f) / %.0f | %d | %d | %.1f, %.1f after | %.0f | %s | %.0f / %.0f / %.0f | %.0f |\n",
		r.Kind, r, len(results), useful, leastUseful, shares, p50, p99, worst, total(func(m result) int { return m.Refused }),
		late, latest, last, total(func(m result) int { return m.Unanswered }), total(func(m result) int { return m.Timeouts }),
		growth, kept, normal, critical, own, others, stolen, capacity)
}

// median is the least, the median and the greatest of some value.
func median(results []result, value func(result) float64) (low, mid, high float64) {
	values := make([]float64, len(results))
	for i, m := range results {
		values[i] = value(m)
	}
	slices.Sort(values)
	return values[0], values[len(values)/2], values[len(values)-1]
}
