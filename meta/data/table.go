package data

import (
	"encoding/json"
	"fmt"
	"time"
)

// Merge says how a value of several processes becomes one.
type Merge string

// The ways to merge. None keeps each apart, unless all are the same.
const (
	None  Merge = "none"
	Sum   Merge = "sum"
	Max   Merge = "max"
	Min   Merge = "min"
	List  Merge = "list"  // the different ones, one after the other
	Worst Merge = "worst" // the one in the worst State
)

// Field is a named value.
type Field struct {
	Name  string `json:"name"`            // for programs, such as uptime_seconds
	Title string `json:"title,omitempty"` // for people; default Name
	Unit  string `json:"unit,omitempty"`  // see Units
	Merge Merge  `json:"merge,omitempty"` // default None
	Cell  Cell   `json:"value"`
	Note  string `json:"note,omitempty"` // small, behind the value: "of 384", "was 94"
}

// Units are those of package internal/human (rate, seconds, bytes, traffic,
// ratio, times, cores), time for moments, clock for moments whose second
// matters, and code for text in letters of one width.
const (
	UnitRate    = "rate"
	UnitSeconds = "seconds"
	UnitBytes   = "bytes"
	UnitTraffic = "traffic"
	UnitRatio   = "ratio"
	UnitTime    = "time"
	UnitClock   = "clock"
	UnitCode    = "code"
	UnitCores   = "cores"
)

// Table has rows of cells. Make one with its Columns, and Add rows.
type Table struct {
	Columns []Column `json:"columns"`
	Rows    []Row    `json:"rows"`
	Key     string   `json:"key,omitempty"`    // column by whose value rows of several processes are merged; none keeps all rows
	Sorted  string   `json:"sorted,omitempty"` // column by which rows come, with a minus in front if the largest comes first
	Filter  bool     `json:"filter,omitempty"` // offers to filter rows
	Total   int      `json:"total,omitempty"`  // rows that there are, if more than these
	Empty   string   `json:"empty,omitempty"`  // what to say if there are none
}

// Column describes the cells below it.
type Column struct {
	Name  string `json:"name"`
	Title string `json:"title,omitempty"` // default Name
	Unit  string `json:"unit,omitempty"`
	Merge Merge  `json:"merge,omitempty"`
	Wide  bool   `json:"wide,omitempty"` // left out where there is little room
	Wrap  bool   `json:"wrap,omitempty"` // long text, which may take several lines
}

// Row is one row.
type Row struct {
	Cells  []Cell  `json:"cells"`
	State  State   `json:"state,omitempty"`
	Stale  bool    `json:"stale,omitempty"`  // the last that is known of something that is silent
	Detail []Block `json:"detail,omitempty"` // shown below, when opened
}

// Add appends a row. Each value is a Cell, or what a Cell's Value may be.
func (t *Table) Add(values ...any) *Row {
	cells := make([]Cell, len(values))
	for i, v := range values {
		if c, ok := v.(Cell); ok {
			cells[i] = c
			continue
		}
		cells[i] = Cell{Value: plain(v)}
	}
	t.Rows = append(t.Rows, Row{Cells: cells})
	return &t.Rows[len(t.Rows)-1]
}

// column returns the index of a column, or -1.
func (t *Table) column(name string) int {
	for i, c := range t.Columns {
		if c.Name == name {
			return i
		}
	}
	return -1
}

// Cell is a value and what there is to say about it.
type Cell struct {
	// Value is nil (does not apply), a bool, a string, a float64, or, in text
	// form, a time.Time. Other numbers and text-like values are converted.
	Value any     `json:"v"`
	Href  string  `json:"href,omitempty"` // relative to the first page
	State State   `json:"state,omitempty"`
	Why   string  `json:"why,omitempty"`   // shown when asked for
	Limit float64 `json:"limit,omitempty"` // of which Value is a part: drawn as a bar
	Spark Numbers `json:"spark,omitempty"` // the last values, drawn as a line
	Marks []State `json:"marks,omitempty"` // one for each worker
	Unit  string  `json:"unit,omitempty"`  // where it is not its column's
}

type cell Cell // without methods

// MarshalJSON writes a Cell that is only a value as that value.
func (c Cell) MarshalJSON() ([]byte, error) {
	v := plain(c.Value)
	if c.Href == "" && c.State == "" && c.Why == "" && c.Limit == 0 && c.Spark == nil && c.Marks == nil && c.Unit == "" {
		return json.Marshal(v)
	}
	c.Value = v
	return json.Marshal(cell(c))
}

// UnmarshalJSON reads both forms.
func (c *Cell) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '{' {
		return json.Unmarshal(b, (*cell)(c))
	}
	*c = Cell{}
	return json.Unmarshal(b, &c.Value)
}

// Number returns the value as a number.
func (c Cell) Number() (float64, bool) {
	v, ok := plain(c.Value).(float64)
	return v, ok
}

// String returns the value as text; nothing for none.
func (c Cell) String() string {
	switch v := plain(c.Value).(type) {
	case nil:
		return ""
	case string:
		return v
	default:
		return fmt.Sprint(v)
	}
}

// Time returns a value that is a moment.
func (c Cell) Time() (time.Time, bool) {
	s, ok := plain(c.Value).(string)
	if !ok {
		return time.Time{}, false
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	return t, err == nil
}
