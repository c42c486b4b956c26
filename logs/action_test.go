package logs_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/support-go/support/logs"
	"github.com/support-go/support/stats"
)

// logged returns a context that logs to what it returns beside it.
func logged(t testing.TB, reg *stats.Registry) (context.Context, *bytes.Buffer) {
	var out bytes.Buffer
	h := logs.NewHandler(&out, logs.Options{Level: slog.LevelDebug})
	return logs.NewContext(t.Context(), slog.New(h), reg), &out
}

func parsed(t *testing.T, text string) (slog.Record, map[string]any) {
	t.Helper()
	r, err := logs.Parse(text)
	if err != nil {
		t.Fatalf("%v: %q", err, text)
	}
	return r, tree(r)
}

func TestAction(t *testing.T) {
	refused := errors.New("card refused")
	tests := map[string]struct {
		do      func(a *logs.Action) error
		level   slog.Level
		outcome string
		error   any
	}{
		"success":             {func(*logs.Action) error { return nil }, slog.LevelInfo, "success", nil},
		"failure":             {func(*logs.Action) error { return refused }, slog.LevelWarn, "failure", "card refused"},
		"warning":             {func(a *logs.Action) error { a.Warn("slow"); return nil }, slog.LevelWarn, "warning", nil},
		"warning and failure": {func(a *logs.Action) error { a.Warn("slow"); return refused }, slog.LevelWarn, "failure", "card refused"},
		"panic":               {func(*logs.Action) error { panic("oh") }, slog.LevelError, "error", "!panic: oh"},
		"unimportant":         {func(a *logs.Action) error { a.Level(slog.LevelDebug); return nil }, slog.LevelDebug, "success", nil},
		"important":           {func(a *logs.Action) error { a.Level(slog.LevelError); return nil }, slog.LevelError, "success", nil},
		"important failure":   {func(a *logs.Action) error { a.Level(slog.LevelError); return refused }, slog.LevelError, "failure", "card refused"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				reg := new(stats.Registry)
				ctx, out := logged(t, reg)
				var passedOn any
				func() {
					defer func() { passedOn = recover() }()
					_ = charge(ctx, func(a *logs.Action) error {
						time.Sleep(time.Second)
						return test.do(a)
					})
				}()
				if (passedOn != nil) != (name == "panic") {
					t.Errorf("the panic that came through is %v", passedOn)
				}
				r, m := parsed(t, out.String())
				if r.Message != "charge card" || r.Level != test.level || m["outcome"] != test.outcome || m["error"] != test.error || m["took"] != time.Second || m["amount"] != int64(7) || m["card"] != "visa" {
					t.Errorf("got %s", out)
				}
				if stack, ok := m["stack"].(string); ok != (name == "panic") || ok && !strings.Contains(stack, "charge action_test.go:") {
					t.Errorf("the stack is %q", stack)
				}
				if n := reg.Distribution("action.seconds", "action", "charge card", "outcome", test.outcome).Snapshot().Count; n != 1 {
					t.Errorf("%d actions have been counted", n)
				}
			})
		})
	}
}

func charge(ctx context.Context, do func(a *logs.Action) error) (err error) {
	action := logs.Begin(ctx, "charge card", "amount", 7)
	defer action.End(&err)
	action.Set("card", "visa")
	return do(action)
}

func TestActionInRequest(t *testing.T) {
	ctx, out := logged(t, nil)
	ctx = logs.NewRequest(ctx, &logs.Request{ID: "r1", Trace: strings.Repeat("a", 32)})
	outer := logs.Begin(ctx, "outer")
	inner := logs.Begin(outer.Within(ctx), "inner")
	inner.End(nil)
	_, m := parsed(t, out.String())
	if m["request"] != "r1" || m["trace"] != strings.Repeat("a", 32) || m["parent"] != "outer" {
		t.Errorf("got %s", out)
	}
	out.Reset()
	outer.End(nil)
	outer.End(nil)
	if n := strings.Count(out.String(), "\n"); n != 1 {
		t.Errorf("ended twice, an action wrote %d records", n)
	}
}

func TestTrace(t *testing.T) {
	type key struct{}
	var out bytes.Buffer
	h := logs.NewHandler(&out, logs.Options{Trace: func(ctx context.Context) (string, string) {
		trace, _ := ctx.Value(key{}).(string)
		return trace, "s1"
	}})
	ctx := context.WithValue(logs.NewContext(t.Context(), slog.New(h), nil), key{}, "t1")
	logs.Begin(ctx, "a").End(nil)
	if _, m := parsed(t, out.String()); m["trace"] != "t1" || m["span"] != "s1" {
		t.Errorf("got %s", &out)
	}
}

func TestNilAction(*testing.T) {
	var a *logs.Action
	a.Set("k", 1)
	a.Warn("x")
	a.Level(slog.LevelDebug)
	a.Within(context.Background())
	a.End(nil)
}

func TestActionArguments(t *testing.T) {
	ctx, out := logged(t, nil)
	logs.Begin(ctx, "a", slog.Int("x", 1), 7, "odd").End(nil)
	if _, m := parsed(t, out.String()); m["x"] != int64(1) || m["!BADKEY"] == nil {
		t.Errorf("got %s", out)
	}
}

// busy changes its action while it is written.
type busy struct{ action *logs.Action }

func (b busy) LogValue() slog.Value {
	b.action.Set("late", true)
	b.action.End(nil)
	return slog.IntValue(7)
}

func TestActionWhileItIsWritten(t *testing.T) {
	ctx, out := logged(t, nil)
	a := logs.Begin(ctx, "a")
	a.Set("x", busy{a})
	a.End(nil)
	if _, m := parsed(t, out.String()); m["x"] != int64(7) || strings.Count(out.String(), "\n") != 1 {
		t.Errorf("got %s", out)
	}
}

func ExampleAction() {
	log := slog.New(logs.NewHandler(new(withoutTimes), logs.Options{}))
	ctx := logs.NewContext(context.Background(), log, nil)
	charge := func(amount int) (err error) {
		action := logs.Begin(ctx, "charge card", "amount", amount)
		defer action.End(&err)
		if amount > 100 {
			return errors.New("card refused")
		}
		action.Set("balance", 100-amount)
		return nil
	}
	_, _ = charge(7), charge(700)
	// Output:
	// INFO charge card outcome=success amount=7 balance=93
	// WARN charge card outcome=failure error=card refused amount=700
}

// withoutTimes prints records without what differs from run to run.
type withoutTimes struct{}

func (withoutTimes) Write(line []byte) (int, error) {
	r, err := logs.Parse(string(line))
	if err != nil {
		return 0, err
	}
	fmt.Print(r.Level, " ", r.Message)
	r.Attrs(func(a slog.Attr) bool {
		if a.Key != "took" {
			fmt.Print(" ", a)
		}
		return true
	})
	fmt.Println()
	return len(line), nil
}
