package ui

import (
	"math"
	"time"

	"github.com/support-go/support/meta/data"
)

// points are those of a chart as a table, for who reads no drawings.
func points(d *data.Chart) *data.Table {
	t := &data.Table{Columns: []data.Column{{Name: "time", Title: "Time", Unit: data.UnitClock}}, Empty: "There are none yet."}
	n := 0
	for _, s := range d.Series {
		title := s.Name
		if title == "" {
			title = d.Title
		}
		t.Columns = append(t.Columns, data.Column{Name: title, Unit: d.Unit})
		n = max(n, len(s.Values))
	}
	for i := n - 1; i >= 0; i-- { // the newest first
		row := []any{time.UnixMilli(int64(1000 * (d.Start + float64(i)*d.Step))).UTC()}
		for _, s := range d.Series {
			v := any(nil)
			if i < len(s.Values) && !math.IsNaN(s.Values[i]) {
				v = s.Values[i]
			}
			row = append(row, v)
		}
		t.Add(row...)
	}
	return t
}
