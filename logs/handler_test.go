package logs_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"testing/slogtest"
	"time"

	"github.com/support-go/support/logs"
)

// at is a moment that has everything a time can have.
var at = time.Date(2026, 11, 22, 7, 12, 3, 123456789, time.FixedZone("", 3600))

// line writes a record as options say.
func line(t testing.TB, o logs.Options, level slog.Level, msg string, attrs ...slog.Attr) string {
	t.Helper()
	var out bytes.Buffer
	if o.Level == nil {
		o.Level = slog.Level(math.MinInt)
	}
	r := slog.NewRecord(at, level, msg, 0)
	r.AddAttrs(attrs...)
	if err := logs.NewHandler(&out, o).Handle(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	text, ok := strings.CutSuffix(out.String(), "\n")
	if !ok || strings.Contains(text, "\n") {
		t.Errorf("%q is not one line", out.String())
	}
	return text
}

// attrsOf is what a line says after its time and level.
func attrsOf(t testing.TB, text string) string {
	t.Helper()
	_, attrs, ok := strings.Cut(text, "INFO  ")
	if !ok {
		t.Fatalf("no level in %q", text)
	}
	return attrs
}

func TestLine(t *testing.T) {
	type user struct {
		Name     string `json:"name"`
		Password string
		age      int
	}
	cycle := map[string]any{}
	cycle["self"] = cycle
	const odd, dotted, camel = "a.b =\n", "a.b", "AccessToken" // which no program of ours would choose
	tests := map[string]struct {
		attr slog.Attr
		want string // after the message
	}{
		"text":            {slog.String("k", "v"), `k=v`},
		"empty":           {slog.String("k", ""), `k=""`},
		"space":           {slog.String("k", "a b"), `k="a b"`},
		"equals":          {slog.String("k", "a=b"), `k=a=b`},
		"quotes":          {slog.String("k", `"a"\`), `k="\"a\"\\"`},
		"lines":           {slog.String("k", "a\nb\tc\r"), `k="a\nb\tc\r"`},
		"escape":          {slog.String("k", "\x1b[2J\x00\x7f"), `k="\x1b[2J\x00\x7f"`},
		"C1":              {slog.String("k", "\u009b2J"), `k="\u009b2J"`},
		"bidi":            {slog.String("k", "a\u202eb\u2066"), `k="a\u202eb\u2066"`},
		"separators":      {slog.String("k", "\u2028\u00a0\ufeff"), `k="\u2028\u00a0\ufeff"`},
		"tag":             {slog.String("k", "\U000e0041"), `k="\U000e0041"`},
		"no UTF-8":        {slog.String("k", "a\xff\xc3"), `k="a\xff\xc3"`},
		"letters":         {slog.String("k", "Grüße,世界🙂"), `k=Grüße,世界🙂`},
		"text as int":     {slog.String("k", "7"), `k="7"`},
		"text as float":   {slog.String("k", "-7.5e+10"), `k="-7.5e+10"`},
		"text as took":    {slog.String("k", "1h2m3.5s"), `k="1h2m3.5s"`},
		"text as time":    {slog.String("k", "2026-11-22T07:12:03Z"), `k="2026-11-22T07:12:03Z"`},
		"text as bool":    {slog.String("k", "true"), `k="true"`},
		"text as nil":     {slog.String("k", "nil"), `k="nil"`},
		"text as NaN":     {slog.String("k", "NaN"), `k="NaN"`},
		"text as Inf":     {slog.String("k", "+Inf"), `k="+Inf"`},
		"text as JSON":    {slog.String("k", "{}"), `k="{}"`},
		"address":         {slog.String("k", "127.0.0.1:80"), `k=127.0.0.1:80`},
		"int":             {slog.Int("k", -7), `k=-7`},
		"uint":            {slog.Uint64("k", math.MaxUint64), `k=18446744073709551615`},
		"float":           {slog.Float64("k", 7), `k=7.0`},
		"large":           {slog.Float64("k", 1e300), `k=1e+300`},
		"infinite":        {slog.Float64("k", math.Inf(1)), `k=+Inf`},
		"bool":            {slog.Bool("k", true), `k=true`},
		"duration":        {slog.Duration("k", 90*time.Minute+1), `k=1h30m0.000000001s`},
		"micro":           {slog.Duration("k", 1500), `k=1.5µs`},
		"least":           {slog.Duration("k", math.MinInt64), `k=-2562047h47m16.854775808s`},
		"time":            {slog.Time("k", at), `k=2026-11-22T07:12:03.123456789+01:00`},
		"old time":        {slog.Time("k", at.In(time.FixedZone("LMT", 3208))), `k=2026-11-22T06:12:03.123456789Z`},
		"nil":             {slog.Any("k", nil), `k=nil`},
		"nil pointer":     {slog.Any("k", (*user)(nil)), `k=nil`},
		"nil error":       {slog.Any("k", (*os.PathError)(nil)), `k=<nil>`},
		"error":           {slog.Any("k", errors.New("dial: no")), `k="dial: no"`},
		"bytes":           {slog.Any("k", []byte("ab")), `k=ab`},
		"struct":          {slog.Any("k", user{"a b", "geheim", 7}), `k={"name":"a b","Password":"***"}`},
		"list":            {slog.Any("k", []any{1, "a", nil, 1.5, at}), `k=[1,"a",null,1.5,"2026-11-22T07:12:03.123456789+01:00"]`},
		"map":             {slog.Any("k", map[string]int{"b": 1, "a": 2}), `k={"a":2,"b":1}`},
		"bidi inside":     {slog.Any("k", []string{"\u202e\x9b"}), `k=["\u202e\ufffd"]`},
		"JSON":            {slog.Any("k", json.RawMessage(`{"a": "`+"\u202e"+`\n\""}`)), `k={"a":"\u202e\n\""}`},
		"no JSON":         {slog.Any("k", json.RawMessage(`{`)), `k="!error: unexpected end of JSON input"`},
		"function":        {slog.Any("k", func() {}), `k=func()`},
		"channel inside":  {slog.Any("k", []any{make(chan int)}), `k=["chan int"]`},
		"header":          {slog.Any("k", http.Header{"Cookie": {"a"}, "Accept": {"b"}}), `k={"Accept":["b"],"Cookie":"***"}`},
		"group":           {slog.Group("g", "a", 1, "b", 2), `g.a=1 g.b=2`},
		"group in group":  {slog.Group("g", slog.Group("h", "a", 1)), `g.h.a=1`},
		"empty group":     {slog.Group("g"), ``},
		"inline":          {slog.Group("", "a", 1), `a=1`},
		"odd key":         {attr(odd, slog.IntValue(1)), `"a.b =\n"=1`},
		"no key":          {slog.Int("", 1), `""=1`},
		"odd group":       {attr(dotted, slog.GroupValue(attr(dotted, slog.IntValue(1)))), `"a.b"."a.b"=1`},
		"ignored":         {slog.Attr{}, ``},
		"password":        {slog.String("db_password", "geheim"), `db_password=***`},
		"token":           {attr(camel, slog.StringValue("geheim")), `AccessToken=***`},
		"tokens":          {slog.Int("tokens", 7), `tokens=7`},
		"secret group":    {slog.Group("credentials", "a", 1), `credentials=***`},
		"Secret":          {slog.Any("k", logs.Secret("geheim")), `k=***`},
		"Secret inside":   {slog.Any("k", []logs.Secret{"geheim"}), `k=["***"]`},
		"URL":             {slog.String("k", "postgres://joe:geheim@db/x,http://a:b@c"), `k=postgres://joe:***@db/x,http://a:***@c`},
		"URL in error":    {slog.Any("k", &url.Error{Op: "Get", URL: "http://joe:geheim@x/", Err: errors.New("no")}), `k="Get \"http://joe:***@x/\": no"`},
		"LogValue inside": {slog.Any("k", []any{person{"joe", "geheim"}}), `k=[{"name":"joe","password":"***","g":{"n":1},"key":"***"}]`},
		"panicking":       {slog.Any("k", hostile{}), `k="!panic: hostile"`},
		"panicking error": {slog.Any("k", hostileError{}), `k="!panic: hostile"`},
		"panic inside":    {slog.Any("k", []any{hostileError{}}), `k=["!panic: hostile"]`},
		"endless":         {slog.Any("k", endless{}), `k="…(nested too deeply)"`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := attrsOf(t, line(t, logs.Options{}, slog.LevelInfo, "m", test.attr))
			want := strings.TrimRight("m"+strings.Repeat(" ", 31)+test.want, " ")
			if got != want {
				t.Errorf("%v is written\n%s, want\n%s", test.attr, got, want)
			}
			if _, err := logs.Parse("INFO  " + got); err != nil {
				t.Error(err)
			}
		})
	}
}

func attr(key string, v slog.Value) slog.Attr { return slog.Attr{Key: key, Value: v} }

type hostile struct{}

func (hostile) LogValue() slog.Value { panic("hostile") }

type hostileError struct{}

func (hostileError) Error() string { panic("hostile") }

type endless struct{}

func (e endless) LogValue() slog.Value { return slog.AnyValue(e) }

// person has parts that only LogValue shows.
type person struct{ name, password string }

func (p person) LogValue() slog.Value {
	return slog.GroupValue(slog.String("name", p.name), slog.String("password", p.password), slog.Group("g", "n", 1),
		slog.Any("key", logs.Secret("geheim")))
}

// friends come round to themselves.
type friends map[string]any

func (f friends) LogValue() slog.Value {
	return slog.GroupValue(slog.Any("all", map[string]any(f)))
}

type nest struct{}

func (e nest) LogValue() slog.Value { return slog.GroupValue(slog.Any("n", e)) }

func TestMessages(t *testing.T) {
	tests := map[string]struct{ msg, want string }{
		"plain":       {"charge card", "charge card"},
		"dot, equals": {"a.b=c", "a.b=c"},
		"quotes":      {`say "no"`, `say "no"`},
		"quote first": {`"no" it says`, `"\"no\" it says"`},
		"empty":       {"", `""`},
		"spaces":      {"a  b", `"a  b"`},
		"space first": {" a", `" a"`},
		"space last":  {"a ", `"a "`},
		"lines":       {"a\nb", `"a\nb"`},
		"URL":         {"get http://a:b@c/", "get http://a:***@c/"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := attrsOf(t, line(t, logs.Options{}, slog.LevelInfo, test.msg)); got != test.want {
				t.Errorf("%q is written %s, want %s", test.msg, got, test.want)
			}
			got := attrsOf(t, line(t, logs.Options{}, slog.LevelInfo, test.msg, slog.Int("k", 1)))
			if want := test.want + strings.Repeat(" ", 32-1-len(test.want)) + " k=1"; got != want {
				t.Errorf("with an attribute it is %q, want %q", got, want)
			}
		})
	}
}

func TestLevels(t *testing.T) {
	for level, want := range map[slog.Level]string{
		slog.LevelDebug: "DEBUG m", slog.LevelInfo: "INFO  m", slog.LevelWarn + 1: "WARN+1 m", slog.LevelError: "ERROR m", -8: "DEBUG-4 m",
	} {
		if got := line(t, logs.Options{}, level, "m"); got != "2026-11-22T07:12:03.123456+01:00 "+want {
			t.Errorf("level %d: %q", level, got)
		}
	}
}

func TestBounds(t *testing.T) {
	huge := strings.Repeat("ü", 5<<20)
	many := make([]any, 1_000_000)
	cycle := map[string]any{}
	cycle["a"], cycle["b"] = cycle, cycle
	type node struct{ Next *node }
	met := friends{}
	met["joe"] = []any{met}
	ring := new(node)
	ring.Next = ring
	var lots []slog.Attr
	for range 100_000 {
		lots = append(lots, slog.Int("k", 1))
	}
	for name, attr := range map[string]slog.Attr{
		"text": slog.String("k", huge), "key": slog.String(huge, "v"), "bytes": slog.Any("k", []byte(huge)), "error": slog.Any("k", errors.New(huge)),
		"list": slog.Any("k", many), "map": slog.Any("k", map[string]string{huge: huge, "z": ""}), "cyclic map": slog.Any("k", cycle),
		"cyclic pointer": slog.Any("k", ring), "nested groups": slog.Any("k", nest{}), "group": slog.Attr{Key: "g", Value: slog.GroupValue(lots...)},
		"JSON": slog.Any("k", json.RawMessage(`"`+huge+`"`)), "cyclic LogValue": slog.Any("k", []any{met}),
		"struct": slog.Any("k", struct{ A, B, C string }{huge, huge, huge}),
	} {
		for _, asJSON := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, JSON %v", name, asJSON), func(t *testing.T) {
				got := line(t, logs.Options{JSON: asJSON}, slog.LevelInfo, "m", attr)
				if len(got) > 130<<10 {
					t.Errorf("%d bytes", len(got))
				}
				if !strings.Contains(got, "left out") && !strings.Contains(got, "left_out") && !strings.Contains(got, "nested too deeply") {
					t.Errorf("nobody is told of the loss: %.200s", got)
				}
				if !asJSON {
					if _, err := logs.Parse(got); err != nil {
						t.Errorf("%v: %.200s", err, got)
					}
				} else if !json.Valid([]byte(got)) {
					t.Errorf("no JSON: %.200s", got)
				}
			})
		}
	}
	if got := line(t, logs.Options{}, slog.LevelInfo, huge); len(got) > 9<<10 || !strings.Contains(got, "bytes left out") {
		t.Errorf("the message has %d bytes", len(got))
	}
	if got := line(t, logs.Options{}, slog.LevelInfo, "m", lots...); !strings.HasSuffix(got, " attributes_left_out=78153") && !strings.Contains(got, "attributes_left_out=") {
		t.Errorf("%d bytes for %d attributes", len(got), len(lots))
	}
}

// TestLoss wants to know how much is left out of ten million bytes: in the first
// log, and in that of a supervisor which has read it back.
func TestLoss(t *testing.T) {
	huge := strings.Repeat("x", 10_000_000)
	type pair struct{ A, B, C string }
	for name, test := range map[string]struct {
		value slog.Value
		said  string
	}{
		"text":   {slog.StringValue(huge), "…(9991837 bytes left out)"},
		"bytes":  {slog.AnyValue([]byte(huge)), "…(9991837 bytes left out)"},
		"error":  {slog.AnyValue(errors.New(huge)), "…(9991837 bytes left out)"},
		"JSON":   {slog.AnyValue(json.RawMessage(`"` + huge + `"`)), " bytes left out)"},
		"struct": {slog.AnyValue(pair{huge, huge, huge}), `"…":"1 left out"}`},
		"list":   {slog.AnyValue(make([]int, 10_000_000)), " left out\"]"},
	} {
		t.Run(name, func(t *testing.T) {
			got := line(t, logs.Options{}, slog.LevelInfo, "m", attr("k", test.value))
			if !strings.Contains(got, test.said) || strings.Contains(got, "…(29 bytes") {
				t.Errorf("there is no %q in %s", test.said, got[max(0, len(got)-100):])
			}
			if n := strings.Count(got, "left out"); n > 3 {
				t.Errorf("it is said %d times", n)
			}
			r, err := logs.Parse(got)
			if err != nil {
				t.Fatal(err)
			}
			var again bytes.Buffer
			if err := logs.NewHandler(&again, logs.Options{}).Handle(t.Context(), r); err != nil || name != "list" && name != "struct" && again.String() != got+"\n" {
				t.Errorf("read back it ends with %s, %v", again.String()[max(0, again.Len()-100):], err)
			}
		})
	}
}

func TestJSON(t *testing.T) {
	got := line(t, logs.Options{JSON: true}, slog.LevelInfo, "a\u202e\u009b\x1b", slog.Group("g", slog.Group("empty"), slog.String("a", "\xff\U000e0041"), slog.Duration("d", 5)),
		slog.String("token", "geheim"), slog.Any("e", errors.New("no")))
	want := `{"time":"2026-11-22T07:12:03.123456+01:00","level":"INFO","msg":"a\u202e\u009b\u001b","g":{"a":"\ufffd\udb40\udc41","d":5},"token":"***","e":"no"}`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestColor(t *testing.T) {
	got := line(t, logs.Options{Color: logs.ColorAlways}, slog.LevelError, "m", slog.String("error", "a\x1b[0mb"))
	if !strings.Contains(got, "\x1b[31m\"a\\x1b[0mb\"\x1b[0m") {
		t.Errorf("%q", got)
	}
	if got := line(t, logs.Options{}, slog.LevelError, "m", slog.String("error", "x")); strings.Contains(got, "\x1b") {
		t.Errorf("colour where there is no terminal: %q", got)
	}
}

// TestSlog runs the standard library's own test of handlers.
func TestSlog(t *testing.T) {
	t.Run("text", func(t *testing.T) {
		var out bytes.Buffer
		slogtest.Run(t, func(*testing.T) slog.Handler { out.Reset(); return logs.NewHandler(&out, logs.Options{}) }, func(t *testing.T) map[string]any {
			r, err := logs.Parse(out.String())
			if err != nil {
				t.Fatal(err)
			}
			m := tree(r)
			m[slog.LevelKey], m[slog.MessageKey] = r.Level, r.Message
			if !r.Time.IsZero() {
				m[slog.TimeKey] = r.Time
			}
			return m
		})
	})
	t.Run("JSON", func(t *testing.T) {
		var out bytes.Buffer
		slogtest.Run(t, func(*testing.T) slog.Handler { out.Reset(); return logs.NewHandler(&out, logs.Options{JSON: true}) }, func(t *testing.T) map[string]any {
			var m map[string]any
			if err := json.Unmarshal(out.Bytes(), &m); err != nil {
				t.Fatal(err)
			}
			return m
		})
	})
}

// tree is the attributes of a record as maps in maps.
func tree(r slog.Record) map[string]any {
	m := make(map[string]any)
	r.Attrs(func(a slog.Attr) bool { plant(m, a); return true })
	return m
}

func plant(m map[string]any, a slog.Attr) {
	if a.Value.Kind() != slog.KindGroup {
		m[a.Key] = a.Value.Any()
		return
	}
	sub, _ := m[a.Key].(map[string]any)
	if sub == nil {
		sub = make(map[string]any)
		m[a.Key] = sub
	}
	for _, b := range a.Value.Group() {
		plant(sub, b)
	}
}

func TestNoAllocation(t *testing.T) {
	h := logs.NewHandler(discard{}, logs.Options{}).WithAttrs([]slog.Attr{slog.String("group", "hello")})
	r := record()
	if n := testing.AllocsPerRun(100, func() { _ = h.Handle(t.Context(), r) }); n > 0 && !testing.Short() && !raceEnabled() {
		t.Errorf("%v allocations for a record", n)
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

// raceEnabled finds out whether the race detector is at work, under which a
// sync.Pool forgets at random.
func raceEnabled() bool {
	return testing.AllocsPerRun(1000, func() {
		p := pool.Get()
		pool.Put(p)
	}) > 0
}

func ExampleHandler() {
	h := logs.NewHandler(os.Stdout, logs.Options{})
	r := slog.NewRecord(time.Date(2026, 11, 22, 7, 12, 3, 0, time.UTC), slog.LevelWarn, "upstream marked down", 0)
	r.AddAttrs(slog.String("service", "rates"), slog.Duration("for", 5*time.Second), slog.String("error", "dial: refused"))
	fmt.Println(h.Handle(nil, r)) //nolint:staticcheck // the example has no context
	// Output:
	// 2026-11-22T07:12:03.000000Z WARN  upstream marked down            service=rates for=5s error="dial: refused"
	// <nil>
}

func ExampleParse() {
	r, err := logs.Parse(`2026-11-22T07:12:03.123456Z INFO  charge card   outcome=success took=12.3ms user.id=7`)
	fmt.Println(r.Message, err)
	r.Attrs(func(a slog.Attr) bool { fmt.Println(a.Key, a.Value.Kind(), a.Value); return true })
	// Output:
	// charge card <nil>
	// outcome String success
	// took Duration 12.3ms
	// user Group [id=7]
}

func ExampleSecret() {
	key := logs.Secret("4711")
	fmt.Println(key, string(key))
	// Output: *** 4711
}

// TestSecretGroup opens a group whose name promises secrets.
func TestSecretGroup(t *testing.T) {
	for _, form := range []logs.Options{{}, {JSON: true}} {
		var out bytes.Buffer
		log := slog.New(logs.NewHandler(&out, form))
		log.WithGroup("credentials").With("user", "geheim").Info("m", "b", "geheim", slog.Group("c", "d", "geheim"))
		log.Info("m", "b", "seen")
		if text := out.String(); strings.Contains(text, "geheim") || !strings.Contains(text, "seen") || !strings.Contains(text, "user") {
			t.Errorf("logged %s", text)
		}
	}
}
