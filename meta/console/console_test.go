package console_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/support-go/support/meta"
	"github.com/support-go/support/meta/console"
)

// roots are such as pages make.
func roots(asked *[]string) []meta.Root {
	root := func(name string, v any) meta.Root {
		return meta.Root{Name: name, Get: func(context.Context) (any, error) {
			if asked != nil {
				*asked = append(*asked, name)
			}
			return v, nil
		}}
	}
	var many []any
	for i := range 2000 {
		many = append(many, map[string]any{"n": float64(i), "name": strings.Repeat("x", 1000)})
	}
	return []meta.Root{
		root("requests", map[string]any{"routes": []any{
			map[string]any{"route": "GET /", "p99": 0.2, "since": time.Now().Add(-time.Hour).Format(time.RFC3339)},
			map[string]any{"route": "POST /pay", "p99": 0.05, "since": nil},
		}}),
		root("stats", map[string]any{"instruments": many, "text": strings.Repeat("y", 250_000)}),
		{Name: "broken", Get: func(context.Context) (any, error) { return nil, errors.New("no worker answers") }},
	}
}

func TestEvaluate(t *testing.T) {
	tests := map[string]string{
		`filter(requests.routes, .p99 > 0.1)[0].route`:                             `"GET /"`,
		`map(requests.routes, .route + "!")`:                                       `["GET /!","POST /pay!"]`,
		`1 + 2 * 3`:                                                                `7`,
		`sum(map(requests.routes, .p99)) > 0.24`:                                   `true`,
		`count(stats.instruments, int(.n) % 2 == 0)`:                               `1000`,
		`requests.routes | filter(.route startsWith "POST") | len()`:               `1`,
		`let slow = filter(requests.routes, .p99 > 0.1); len(slow)`:                `1`,
		`len(keys(stats))`:                                                         `2`,
		`age(requests.routes[0].since) > 3000`:                                     `true`,
		`age(requests.routes[1].since) == nil`:                                     `true`,
		`requests.nothing`:                                                         `null`,
		`requests?.nothing?.more`:                                                  `null`,
		`filter(requests.routes, .route matches "^GET")[0].p99`:                    `0.2`,
		`groupBy(requests.routes, .p99 > 0.1 ? "slow" : "fast")`:                   "",
		`sortBy(requests.routes, .p99)[0].route`:                                   `"POST /pay"`,
		strings.Repeat("(", 900) + "1" + strings.Repeat(")", 900):                  `1`,
		"-9223372036854775807..9223372036854775807":                                `[]`,
		`upper("a") + string(1) in ["A1"]`:                                         `true`,
		`all(requests.routes, .p99 < 1) and not none(requests.routes, .p99 > 0.1)`: `true`,
	}
	for expression, want := range tests {
		v, err := console.Evaluate(t.Context(), expression, roots(nil))
		got, _ := json.Marshal(v)
		if err != nil || want != "" && string(got) != want {
			t.Errorf("%s = %s, %v; want %s", expression, got, err, want)
		}
	}
}

// TestOnlyWhatIsAskedFor: roots that an expression does not name cost nothing.
func TestOnlyWhatIsAskedFor(t *testing.T) {
	var asked []string
	if _, err := console.Evaluate(t.Context(), "requests.routes[0].p99 + requests.routes[1].p99", roots(&asked)); err != nil || len(asked) != 1 || asked[0] != "requests" {
		t.Errorf("asked %v, %v; want requests once", asked, err)
	}
}

// TestM9WhatExpressionsCannot is a table of what must not work: reaching code,
// and growing or running without bound.
func TestM9WhatExpressionsCannot(t *testing.T) {
	tests := map[string]struct{ expression, want string }{
		"no root":            {"password", `there is no root "password": want one of requests, stats, broken`},
		"the environment":    {"$env", "no root"},
		"a broken root":      {"broken.x", "no worker answers"},
		"a method":           {"requests.String()", ""},
		"a method of text":   {`stats.text.Len()`, ""},
		"a function of ours": {"exit(1)", ""},
		"a builtin left out": {`repeat("a", 100)`, ""},
		"reduce left out":    {"reduce(1..10, #acc + #acc)", ""},
		"from JSON":          {`fromJSON("{}")`, ""},
		"time zones":         {`now().In(timezone("UTC"))`, ""},
		"our own names":      {"turn#(1)", ""},
		"assignment":         {"requests = 1", ""},
		"long":               {strings.Repeat("1+", 1200) + "1", "want at most 2000"},
		"many parts":         {strings.Repeat("1+", 400) + "1", ""},
		"a long range":       {"1..1000000000", "memory budget"},
		"turns":              {"count(1..100000, count(1..100000, true) > 0)", "memory budget"},
		"turns, three deep":  {"count(stats.instruments, count(stats.instruments, count(stats.instruments, true) > 0) > 0)", "turns"},
		"lists of lists":     {"count(1..10000, len(reverse(stats.instruments)) > 0)", "memory budget"},
		"lists by keys":      {"map(1..90000, len(keys(stats)) + len(values(stats)))", "elements"},
		"text of everything": {"map(1..10000, string(stats))", "bytes"},
		"upper case":         {"map(1..10000, upper(stats.text))", "bytes"},
		"text that grows":    {`let a = stats.text + stats.text; let b = a + a; let c = b + b; let d = c + c; let e = d + d; e + e`, "bytes"},
		"a pattern made up":  {`stats.text matches ("(a" + "*)*")`, "written out"},
		"a long pattern":     {`stats.text matches "` + strings.Repeat("a", 201) + `"`, "written out"},
		"a bad pattern":      {`stats.text matches "("`, ""},
		"division":           {"1 % 0", ""},
		"index":              {"requests.routes[99]", ""},
		"not an expression":  {"filter(", "("},
		"nothing":            {"", ""},
		"no text":            {"\x00\xff", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			v, err := console.Evaluate(t.Context(), test.expression, roots(nil))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%.60q = %.60v, %v; want an error with %q", test.expression, v, err, test.want)
			}
			if took := time.Since(began); took > 20*time.Second {
				t.Errorf("it took %v", took)
			}
			if err != nil && (len(err.Error()) > 400 || strings.Contains(err.Error(), "\n")) {
				t.Errorf("the error is long: %q", err)
			}
		})
	}
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	if memory.Sys > 1<<30 {
		t.Errorf("the process has taken %d MiB", memory.Sys>>20)
	}
}

func TestItEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := console.Evaluate(ctx, "count(1..100000, true)", roots(nil)); err == nil || !strings.Contains(err.Error(), "has gone") {
		t.Errorf("%v, want that nobody waits for it", err)
	}
}

func FuzzEvaluate(f *testing.F) {
	for _, expression := range []string{
		"filter(requests.routes, .p99 > 0.1)", "map(1..3, # + 1) | sum()", "let a = 1; a ?? 2", `"a" matches "b"`, "stats.instruments[1:3]",
		"{a: 1, b: [2, 3]}", "requests?.routes?.[0]", "1..10 | groupBy(# % 2)", "-1 ** 2 in [1]", "$env", "#", "(",
	} {
		f.Add(expression)
	}
	f.Fuzz(func(t *testing.T, expression string) {
		v, err := console.Evaluate(t.Context(), expression, roots(nil)[:1])
		if err == nil {
			_ = fmt.Sprint(v)
		}
	})
}

func ExampleEvaluate() {
	roots := []meta.Root{{Name: "orders", Get: func(context.Context) (any, error) {
		return []any{map[string]any{"id": 7.0, "open": true}, map[string]any{"id": 8.0, "open": false}}, nil
	}}}
	v, err := console.Evaluate(context.Background(), "map(filter(orders, .open), .id)", roots)
	fmt.Println(v, err)
	_, err = console.Evaluate(context.Background(), "order.id", roots)
	fmt.Println(err)
	// Output:
	// [7] <nil>
	// there is no root "order": want one of orders
}
