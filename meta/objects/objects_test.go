package objects_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"math"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/support-go/support/logs"
	"github.com/support-go/support/meta"
	"github.com/support-go/support/meta/data"
	"github.com/support-go/support/meta/objects"
)

// order has a bit of everything that is hard to show.
type order struct {
	ID       int64
	Customer *customer
	Lines    []line
	Notes    map[string]any
	placed   time.Time
	Placed   time.Time
	Wait     time.Duration
	internal map[int]string
	Same     *order
	Password string
	Key      ed25519.PrivateKey
	Source   string
	Secret   logs.Secret
	User     *url.Userinfo
	Calls    func()
	Raw      []byte
}

type customer struct {
	Name   string
	Orders []*order
}

// String must not be called: what a method does is not known.
func (c *customer) String() string { panic("a method was called") }

// MarshalText must not be called either.
func (c *customer) MarshalText() ([]byte, error) { panic("a method was called") }

type line struct {
	Article string
	Count   uint64
}

func (l line) String() string { panic("a method was called") }

const canary = "canary-77aa"

func sample() *order {
	o := &order{
		ID: math.MaxInt64, Customer: &customer{Name: "ada\x1b[2J"}, Lines: []line{{"bolt", 3}, {"nut", math.MaxUint64}},
		Notes:  map[string]any{"gift": true, "a/b": []int{1, 2}, "api_key": canary, "none": nil, "float": math.Pi},
		placed: time.Unix(0, 0), Placed: time.Date(2026, 11, 22, 3, 4, 5, 0, time.UTC), Wait: 90 * time.Second,
		internal: map[int]string{10: "ten", 9: "nine"}, Password: canary, Key: ed25519.PrivateKey(canary),
		Source: "postgres://app:" + canary + "@db/shop and redis://:" + canary + "@cache", Secret: canary,
		User: url.UserPassword("app", canary), Calls: func() {}, Raw: []byte("raw\x00bytes"),
	}
	o.Same = o
	o.Customer.Orders = []*order{o}
	return o
}

// look runs the page of an object, as a worker does, over the wire form.
func look(t *testing.T, v any, at string) (data.View, error) {
	t.Helper()
	pages := objects.Pages([]objects.Root{{Name: "it", Get: func(context.Context) (any, error) { return v, nil }}})
	got, err := pages[1].Run(t.Context(), url.Values{"name": {"it"}, "at": {at}})
	if err != nil {
		return data.View{}, err
	}
	b, err := data.Encode(data.From("Object", got))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(b), canary) {
		t.Errorf("a secret is shown: %s", b)
	}
	view, err := data.Decode(strings.NewReader(string(b)))
	if err != nil {
		t.Fatal(err)
	}
	return view, nil
}

// member is the line that stands for a member, and where it leads.
func member(v data.View, name string) (value, href string) {
	for _, b := range v.Blocks {
		if b.Table == nil {
			continue
		}
		for _, r := range b.Table.Rows {
			if r.Cells[0].String() == name {
				return r.Cells[2].String(), r.Cells[0].Href
			}
		}
	}
	return "no such member", ""
}

func TestMembers(t *testing.T) {
	v, err := look(t, sample(), "")
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct{ value, href string }{
		"ID":       {"9223372036854775807", ""},
		"Customer": {`{Name: "ada` + "\ufffd" + `[2J", Orders: 1 part}`, "objects/it?at=Customer"},
		"Lines":    {"[2 parts, 2 parts]", "objects/it?at=Lines"},
		"Notes":    {"{a/b: 2 parts, api_key: set, masked, float: 3.141592653589793, gift: true, none: nil}", "objects/it?at=Notes"},
		"Placed":   {"2026-11-22T03:04:05Z", ""},
		"Wait":     {"1m30s", ""},
		"internal": {`{9: "nine", 10: "ten"}`, "objects/it?at=internal"},
		"Same":     {"a cycle: it is one of those that hold it", ""},
		"Password": {"set, masked", ""},
		"Key":      {"set, masked", ""},
		"Source":   {`"postgres://app:***@db/shop and redis://:***@cache"`, ""},
		"Secret":   {"set, masked", ""},
		"User":     {"set, masked", ""},
		"Calls":    {"set", ""},
		"Raw":      {`"raw` + "\ufffd" + `bytes"`, ""},
	}
	for name, want := range tests {
		value, href := member(v, name)
		value = strings.ReplaceAll(strings.ReplaceAll(value, `\x1b`, "\ufffd"), `\x00`, "\ufffd")
		if value != want.value || href != want.href {
			t.Errorf("%s is %s, leading to %q; want %s, %q", name, value, href, want.value, want.href)
		}
	}
	if value, _ := member(v, "placed"); !strings.HasPrefix(value, "{wall: ") {
		t.Errorf("a moment that is not exported is %s, want its fields", value)
	}
}

func TestPaths(t *testing.T) {
	tests := map[string]struct {
		at, member, want, err string
	}{
		"field":            {"Customer", "Name", "ada", ""},
		"round":            {"Customer/Orders", "0", "a cycle", ""},
		"not through one":  {"Customer/Orders/0/ID", "", "", "a cycle"},
		"element":          {"Lines/1", "Article", `"nut"`, ""},
		"key with a slash": {"Notes/" + url.PathEscape("a/b"), "1", "2", ""},
		"key of a number":  {"internal", "9", `"nine"`, ""},
		"past the end":     {"Lines/2", "", "", `there is no "2"`},
		"below zero":       {"Lines/-1", "", "", `there is no "-1"`},
		"no field":         {"lines", "", "", `there is no "lines"`},
		"below a secret":   {"Key/0", "", "", "nothing can be seen"},
		"below a scalar":   {"ID/x", "", "", `there is no "x"`},
		"below nothing":    {"Notes/none/x", "", "", "nothing can be seen"},
		"badly escaped":    {"%zz", "", "", "as it stands in a link"},
		"tricks":           {"../../etc/passwd", "", "", `there is no ".."`},
		"a long way":       {strings.Repeat("Same/", 100), "", "", "at most 64"},
		"a long step":      {strings.Repeat("x", 1000), "", "", "as it stands in a link"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			v, err := look(t, sample(), test.at)
			switch got, _ := member(v, test.member); {
			case (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err):
				t.Errorf("at %.40q: %v, want %q", test.at, err, test.err)
			case err == nil && !strings.Contains(got, test.want):
				t.Errorf("at %q, %s is %q, want %q", test.at, test.member, got, test.want)
			}
		})
	}
}

// nested holds itself n times over.
func nested(n int) any {
	var v any = "the end"
	for range n {
		v = []any{v}
	}
	return v
}

func TestWhatDoesNotEnd(t *testing.T) {
	cyclic := map[string]any{}
	cyclic["self"] = cyclic
	slice := make([]any, 1)
	slice[0] = slice
	type ring struct{ Next *ring }
	r := &ring{}
	r.Next = &ring{Next: r}
	wide := make(map[int][]int)
	for i := range 30_000 {
		wide[i] = make([]int, 100)
	}
	tests := map[string]any{
		"a map in itself": cyclic, "a slice in itself": slice, "a ring": r, "deep": nested(100_000), "wide": wide,
		"long": strings.Repeat("x", 50<<20), "many bytes": make([]byte, 50<<20), "nil": nil, "a channel": make(chan int, 3),
		"keys": map[any]any{[2]int{1, 2}: 1, struct{ A any }{3}: 2, true: 3}, "atomic": &atomic.Int64{}, "an error": errors.New("x"),
	}
	for name, v := range tests {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			view, err := look(t, v, "")
			if err != nil {
				t.Fatal(err)
			}
			if b, err := data.Encode(view); err != nil || len(b) > 1<<20 {
				t.Errorf("%d bytes, %v; want at most 1 MiB", len(b), err)
			}
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("it took %v", took)
			}
		})
	}
}

func TestList(t *testing.T) {
	roots := []objects.Root{
		{Name: "orders", Get: func(context.Context) (any, error) { return []int{1, 2}, nil }},
		{Name: "broken", Get: func(context.Context) (any, error) { return nil, errors.New("the file is gone") }},
		{Name: "panics", Get: func(context.Context) (any, error) { panic("index out of range") }},
	}
	got, err := objects.Pages(roots)[0].Run(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	rows := data.From("Objects", got).Blocks[0].Table.Rows
	text := rows[0].Cells[0].Href + fmt.Sprint(rows)
	for _, want := range []string{"objects/orders", "[]int", "[1, 2]", "the file is gone", "the function of panics panicked: index out of range"} {
		if !strings.Contains(text, want) {
			t.Errorf("the list has no %q: %s", want, text)
		}
	}
	got, err = objects.Pages(nil)[0].Run(t.Context(), nil)
	if err != nil || !strings.Contains(fmt.Sprint(got), "Objects are off") {
		t.Errorf("without roots: %v, %v", got, err)
	}
}

func TestCheck(t *testing.T) {
	get := func(context.Context) (any, error) { return nil, nil }
	for want, r := range map[string]objects.Root{
		"letters, digits and underscores": {Name: "a b", Get: get}, "not begin with a digit": {Name: "1a", Get: get}, "its function is missing": {Name: "a"},
	} {
		if err := r.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", r.Name, err, want)
		}
	}
	if err := (&objects.Root{Name: "a_1", Get: get}).Check(); err != nil {
		t.Error(err)
	}
}

// FuzzPath goes wherever an address may lead.
func FuzzPath(f *testing.F) {
	for _, at := range []string{"", "Customer/Name", "Notes/a%2Fb/0", "Lines/-1", "//", "%", "Same/Same", "internal/10", "Key/0"} {
		f.Add(at)
	}
	f.Fuzz(func(t *testing.T, at string) { _, _ = look(t, sample(), at) })
}

func ExamplePages() {
	type config struct {
		Listen string
		Token  string
	}
	pages := objects.Pages([]objects.Root{{Name: "config", Get: func(context.Context) (any, error) {
		return config{Listen: ":80", Token: "hush"}, nil
	}}})
	list, err := pages[0].Run(context.Background(), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(list.(meta.Block).Table.Rows[0].Cells[2].Value)
	// Output: {Listen: ":80", Token: set, masked}
}
