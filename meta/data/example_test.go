package data_test

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/support-go/support/meta/data"
)

func ExampleView() {
	table := &data.Table{Key: "queue", Columns: []data.Column{{Name: "queue"}, {Name: "length", Merge: data.Sum}}}
	table.Add("mail", 3)
	v := data.From("Queues", []data.Block{
		{Verdict: &data.Verdict{State: data.OK, Word: "Well", Sentence: data.Words("Nothing waits for long.")}},
		{Name: "queues", Table: table},
	})
	wire, err := data.Encode(v)
	if err != nil {
		fmt.Println(err)
		return
	}
	again, err := data.Decode(strings.NewReader(string(wire)))
	fmt.Println(again.Title, again.Blocks[1].Table.Rows[0].Cells[1], err)
	// Output: Queues 3 <nil>
}

func ExampleView_Values() {
	table := &data.Table{Columns: []data.Column{{Name: "queue"}, {Name: "length"}}}
	table.Add("mail", 3)
	v := data.From("Queues", []data.Block{{Name: "queues", Table: table}, {Name: "total", Fields: []data.Field{{Name: "length", Cell: data.Cell{Value: 3}}}}})
	fmt.Println(v.Values())
	// Output: map[queues:[map[length:3 queue:mail]] total:map[length:3]]
}

func ExampleCell() {
	plain, odd := data.Cell{Value: 90 * time.Second}, data.Cell{Value: math.NaN(), State: data.Look, Why: "nothing was measured"}
	seconds, ok := plain.Number()
	_, any := odd.Number()
	fmt.Println(seconds, ok, any)
	// Output: 90 true false
}

func ExampleInput() {
	workers := data.Input{Name: "workers", Kind: data.WholeNumber, Least: 1, Most: 8}
	fmt.Println(workers.Parse("4"))
	fmt.Println(workers.Parse("40"))
	// Output:
	// 4 <nil>
	// <nil> workers is "40": want a whole number from 1 to 8
}

func ExampleInputSchema() {
	schema := data.InputSchema("Scale", []data.Input{{Name: "workers", Title: "Workers", Kind: data.WholeNumber, Required: true}})
	fmt.Println(schema["type"], schema["required"])
	// Output: object [workers]
}

func ExampleSchema() {
	table := &data.Table{Columns: []data.Column{{Name: "length", Merge: data.Sum}}}
	schema := data.Schema(data.From("Queues", data.Block{Name: "queues", Table: table}))
	fmt.Println(schema["title"], schema["$ref"])
	// Output: Queues #/$defs/View
}

func ExampleRich() {
	r := data.Rich{{Text: "Serving "}, {Text: "2.14 k/s", Strong: true, Href: "requests"}}
	fmt.Println(r)
	// Output: Serving 2.14 k/s
}

func ExampleChart() {
	c := data.Chart{Title: "Memory", Unit: data.UnitBytes, Step: 10, Series: []data.Series{{Name: "w1", Values: data.Numbers{1 << 20, math.NaN()}}}}
	b, err := c.Series[0].Values.MarshalJSON()
	fmt.Println(string(b), err) // a gap where nothing was measured
	// Output: [1048576,null] <nil>
}

func ExampleWorse() {
	fmt.Println(data.Worse(data.OK, data.Look), data.Worse(data.Wrong, data.Busy))
	// Output: look wrong
}
