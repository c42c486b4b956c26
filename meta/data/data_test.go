package data_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/support-go/support/meta/data"
)

func ExampleFrom() {
	type state struct {
		Open   int           `meta:"merge=sum"`
		Oldest time.Duration `meta:"title=Oldest order,merge=max"`
		APIKey string
	}
	v := data.From("Orders", state{Open: 3, Oldest: time.Minute, APIKey: "secret"})
	for _, f := range v.Blocks[0].Fields {
		fmt.Println(f.Name, "|", f.Title, "|", f.Unit, "|", f.Cell)
	}
	// Output:
	// open | Open |  | 3
	// oldest | Oldest order | seconds | 60
	// api_key | API key |  | set, masked
}

func ExampleMergeAll() {
	one := data.From("Orders", []data.Field{{Name: "open", Merge: data.Sum, Cell: data.Cell{Value: 3}}})
	two := data.From("Orders", []data.Field{{Name: "open", Merge: data.Sum, Cell: data.Cell{Value: 4}}})
	all := data.MergeAll([]data.Answer{{From: "w1", View: one}, {From: "w2", View: two}})
	fmt.Println(all.Blocks[0].Fields[0].Cell)
	// Output: 7
}

func ExampleOdd() {
	fmt.Println(data.Odd([]float64{158, 161, 149, 881, 160, 157}))
	// Output: 3
}

func field(name string, merge data.Merge, value any) data.View {
	return data.From("t", []data.Field{{Name: name, Merge: merge, Cell: data.Cell{Value: value}}})
}

func TestMergeOfValues(t *testing.T) {
	tests := map[string]struct {
		merge data.Merge
		a, b  any
		want  string
	}{
		"sum":              {data.Sum, 3, 4, "7"},
		"largest":          {data.Max, 3, 4, "4"},
		"least":            {data.Min, 3, 4, "3"},
		"same":             {data.None, "go1.26", "go1.26", "go1.26"},
		"different":        {data.None, "go1.26", "go1.25", "go1.26 (w1), go1.25 (w2)"},
		"list":             {data.List, "a", "b", "a, b"},
		"list with none":   {data.List, "", "b", "b"},
		"one has none":     {data.Sum, nil, 4, "4"},
		"neither has one":  {data.Sum, nil, nil, ""},
		"a number or text": {data.Sum, "unknown", 4, "4"},
		"not a number":     {data.Sum, math.NaN(), 4, "4"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			all := data.MergeAll([]data.Answer{{From: "w1", View: field("f", test.merge, test.a)}, {From: "w2", View: field("f", test.merge, test.b)}})
			if got := all.Blocks[0].Fields[0].Cell.String(); got != test.want {
				t.Errorf("%v and %v by %q: %q, want %q", test.a, test.b, test.merge, got, test.want)
			}
		})
	}
}

func TestMergeOfStates(t *testing.T) {
	cell := func(word string, state data.State) data.Cell {
		return data.Cell{Value: word, State: state, Why: "since " + word, Marks: []data.State{state}}
	}
	answers := func(merge data.Merge) []data.Answer {
		return []data.Answer{
			{From: "w1", View: field("f", merge, "")}, {From: "w2", View: field("f", merge, "")}, {From: "w3", View: field("f", merge, "")},
		}
	}
	for name, test := range map[string]struct {
		merge     data.Merge
		want, why string
	}{
		"the worst": {data.Worst, "down", "since down"},
		"each":      {data.None, "up (w1, w3), down (w2)", "since down"},
	} {
		t.Run(name, func(t *testing.T) {
			all := answers(test.merge)
			for i, c := range []data.Cell{cell("up", data.OK), cell("down", data.Wrong), cell("up", data.OK)} {
				all[i].View.Blocks[0].Fields[0].Cell = c
			}
			got := data.MergeAll(all).Blocks[0].Fields[0].Cell
			if got.String() != test.want || got.State != data.Wrong || got.Why != test.why {
				t.Errorf("%q, %s, %q; want %q, wrong, %q", got, got.State, got.Why, test.want, test.why)
			}
			if len(got.Marks) != 3 || got.Marks[1] != data.Wrong {
				t.Errorf("marks %v, want one for each", got.Marks)
			}
		})
	}
}

func table(key string, rows ...[]any) data.View {
	t := &data.Table{Key: key, Sorted: "-n", Columns: []data.Column{{Name: "name"}, {Name: "n", Merge: data.Sum}}}
	for _, r := range rows {
		t.Add(r...)
	}
	return data.From("t", t)
}

func rows(v data.View) string {
	var all []string
	for _, r := range v.Blocks[0].Table.Rows {
		var cells []string
		for _, c := range r.Cells {
			cells = append(cells, c.String())
		}
		all = append(all, strings.Join(cells, " "))
	}
	return strings.Join(all, "; ")
}

func TestMergeOfTables(t *testing.T) {
	one, two := table("name", []any{"a", 1}, []any{"b", 5}), table("name", []any{"a", 2}, []any{"c", 4})
	if got, want := rows(data.MergeAll([]data.Answer{{From: "w1", View: one}, {From: "w2", View: two}})), "b 5; c 4; a 3"; got != want {
		t.Errorf("by key: %q, want %q", got, want)
	}
	one, two = table("", []any{"a", 1}), table("", []any{"a", 2})
	if got, want := rows(data.MergeAll([]data.Answer{{From: "w1", View: one}, {From: "w2", View: two}})), "w2 a 2; w1 a 1"; got != want {
		t.Errorf("without a key: %q, want %q", got, want)
	}
	two.Blocks[0].Table.Rows[0].State = data.Wrong
	if got := data.MergeAll([]data.Answer{{From: "w1", View: table("name", []any{"a", 1})}, {From: "w2", View: withKey(two)}}); got.Blocks[0].Table.Rows[0].State != data.Wrong {
		t.Errorf("the state of a row that is wrong in one of two is %q", got.Blocks[0].Table.Rows[0].State)
	}
	beside := data.SideBySide([]data.Answer{
		{From: "w1", View: table("name", []any{"a", 10})}, {From: "w2", View: table("name", []any{"a", 11})}, {From: "w3", View: table("name", []any{"a", 90})},
	})
	if got, want := rows(beside), "a 10 11 90"; got != want {
		t.Errorf("side by side: %q, want %q", got, want)
	}
	if c := beside.Blocks[0].Table.Rows[0].Cells[3]; c.State != data.Look {
		t.Errorf("the odd one is %q, want it marked", c.State)
	}
}

func withKey(v data.View) data.View {
	v.Blocks[0].Table.Key = "name"
	return v
}

func TestOdd(t *testing.T) {
	tests := map[string]struct {
		values []float64
		want   int
	}{
		"one stands out":       {[]float64{10, 11, 10, 50}, 3},
		"all alike":            {[]float64{10, 11, 10, 11}, -1},
		"all the same but one": {[]float64{10, 10, 10, 30}, 3},
		"hardly away":          {[]float64{100, 100, 100, 110}, -1},
		"two of them":          {[]float64{1, 100}, -1},
		"one is unknown":       {[]float64{1, math.NaN(), 100}, -1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := data.Odd(test.values); got != test.want {
				t.Errorf("Odd(%v) = %d, want %d", test.values, got, test.want)
			}
		})
	}
}

type cyclic struct {
	Name string
	Next *cyclic
}

func TestFromBoundsWhatItIsGiven(t *testing.T) {
	loop := &cyclic{Name: "a"}
	loop.Next = loop
	selfish := map[string]any{}
	selfish["self"] = selfish
	long := strings.Repeat("x", 1<<20)
	for name, v := range map[string]any{
		"a cycle": loop, "a map in itself": selfish, "a long text": long, "many rows": make([]cyclic, 100_000), "many fields": manyFields(),
		"a function": func() {}, "a channel": make(chan int), "nil": nil, "a nil pointer": (*cyclic)(nil), "an error": errors.New("no"),
		"bytes that are no text": "\xff\xfe", "not a number": math.Inf(1), "deep": deep(50), "blocks": make([]data.Block, 1000),
	} {
		t.Run(name, func(t *testing.T) {
			b, err := data.Encode(data.From("t", v))
			if err != nil {
				t.Fatal(err)
			}
			if len(b) > data.MaxBytes {
				t.Errorf("%d bytes", len(b))
			}
			if _, err := data.Decode(bytes.NewReader(b)); err != nil {
				t.Errorf("what Encode writes cannot be read: %v", err)
			}
		})
	}
}

func manyFields() []data.Field { return make([]data.Field, 10_000) }

func deep(n int) any {
	if n == 0 {
		return "bottom"
	}
	return map[string]any{"in": deep(n - 1)}
}

func TestDecodeRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"nothing": "", "no object": "[]", "another version": `{"version":99}`, "too much": strings.Repeat(" ", data.MaxBytes+1),
	} {
		if _, err := data.Decode(strings.NewReader(text)); !errors.Is(err, data.ErrFormat) {
			t.Errorf("%s: %v, want ErrFormat", name, err)
		}
	}
}

func TestNumbersHaveGaps(t *testing.T) {
	b, err := json.Marshal(data.Numbers{1, math.NaN(), 3})
	if err != nil || string(b) != "[1,null,3]" {
		t.Fatalf("got %s, %v", b, err)
	}
	var back data.Numbers
	if err := json.Unmarshal(b, &back); err != nil || len(back) != 3 || !math.IsNaN(back[1]) || back[2] != 3 {
		t.Errorf("back: %v, %v", back, err)
	}
}

func TestSecret(t *testing.T) {
	for name, want := range map[string]bool{
		"Password": true, "db_passwd": true, "API-Key": true, "X-Auth-Token": true, "DATABASE_DSN": true, "KEYSTORE_PASS": true,
		"Name": false, "Keys": false, "Passed": false, "Tokenizer": true,
	} {
		if got := data.Secret(name); got != want {
			t.Errorf("Secret(%q) = %v, want %v", name, got, want)
		}
	}
}

func TestMatching(t *testing.T) {
	v := table("name", []any{"GET /orders", 1}, []any{"POST /orders", 2}, []any{"GET /", 3})
	tb := v.Blocks[0].Table
	tb.Matching("get ORDERS")
	if got := rows(v); got != "GET /orders 1" {
		t.Errorf("got %q", got)
	}
}

func FuzzDecode(f *testing.F) {
	b, err := data.Encode(table("name", []any{"a", 1}))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte(`{"version":1,"blocks":[{"table":{"columns":[{"name":"a"}],"rows":[{"cells":[{"v":1,"spark":[1,2]},null,true]}]}}]}`))
	f.Add([]byte(`{"version":1,"blocks":[{"charts":[{"series":[{"values":[1,null]}]}]},{"figures":[{"name":"a","value":{"v":{}}}]}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := data.Decode(bytes.NewReader(b))
		if err != nil {
			return
		}
		answers := []data.Answer{{From: "w1", View: v}, {From: "w2", View: v}}
		if _, err := data.Encode(data.MergeAll(answers)); err != nil {
			t.Errorf("merged: %v", err)
		}
		if _, err := data.Encode(data.SideBySide(answers)); err != nil {
			t.Errorf("side by side: %v", err)
		}
	})
}

// TestTextActsOnNothing has values with characters that a terminal obeys, or that
// turn the text around them.
func TestTextActsOnNothing(t *testing.T) {
	table := &data.Table{Columns: []data.Column{{Name: "text"}}}
	table.Add("a\x1b[31m\u202eb\u0085\x00c\td\ne")
	if got, want := table.Rows[0].Cells[0].Value, "a\ufffd[31m\ufffdb\ufffd\ufffdc\td\ne"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestTotalsOfTables counts what was left out, and nothing twice.
func TestTotalsOfTables(t *testing.T) {
	rows := func(total int, keys ...string) data.View {
		t := &data.Table{Key: "name", Total: total, Columns: []data.Column{{Name: "name"}, {Name: "n", Merge: data.Sum}}}
		for _, k := range keys {
			t.Add(k, 1)
		}
		return data.From("t", t)
	}
	for name, test := range map[string]struct {
		a, b data.View
		want int
	}{
		"both have all":     {rows(2, "a", "b"), rows(2, "a", "b"), 0},
		"one has left some": {rows(2, "a", "b"), rows(10, "a", "c"), 11},
	} {
		all := data.MergeAll([]data.Answer{{From: "w1", View: test.a}, {From: "w2", View: test.b}})
		if got := all.Blocks[0].Table.Total; got != test.want {
			t.Errorf("%s: a total of %d, want %d", name, got, test.want)
		}
	}
}

// TestSideBySideSaysOnceWhatIsTheSame keeps a page of many processes short.
func TestSideBySideSaysOnceWhatIsTheSame(t *testing.T) {
	of := func(pid string) data.View {
		return data.From("t", []data.Field{{Name: "go", Cell: data.Cell{Value: "go1.26"}}, {Name: "pid", Cell: data.Cell{Value: pid}}, {Name: "open", Cell: data.Cell{Value: 3}}})
	}
	v := data.SideBySide([]data.Answer{{From: "w1", View: of("1")}, {From: "w2", View: of("2")}})
	if len(v.Blocks) != 2 || len(v.Blocks[0].Table.Rows) != 2 || len(v.Blocks[1].Fields) != 1 || v.Blocks[1].Fields[0].Name != "go" {
		t.Errorf("%+v: want a table of pid and open, and go as a field", v.Blocks)
	}
}
