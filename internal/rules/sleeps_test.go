package rules_test

import (
	"testing"

	"github.com/support-go/support/internal/rules"
)

func TestSleeps(t *testing.T) {
	const head = "package m\n\nimport (\n\t\"testing\"\n\t\"testing/synctest\"\n\t\"time\"\n)\n\n"
	testRule(t, rules.Sleeps, map[string]ruleTest{
		"in a bubble": {files{"m_test.go": head +
			"func TestA(t *testing.T) { synctest.Test(t, func(t *testing.T) { time.Sleep(1); <-time.After(1) }) }"}, nil},
		"in a bubble by name": {files{
			"m_test.go": head + "func TestA(t *testing.T) { synctest.Test(t, inside) }",
			"n_test.go": head + "func inside(t *testing.T) { time.Sleep(1) }",
		}, nil},
		"outside a test":    {files{"m.go": "package m\n\nimport \"time\"\n\nfunc F() { time.Sleep(1) }"}, nil},
		"a time-out":        {files{"m_test.go": head + "func TestA(t *testing.T) { select { case <-time.After(1): } }"}, nil},
		"another Sleep":     {files{"m_test.go": "package m\n\nfunc TestA() { clock.Sleep(1) }"}, nil},
		"plain":             {files{"m_test.go": head + "func TestA(t *testing.T) { time.Sleep(1) }"}, []string{"m_test.go:9: a test must not sleep"}},
		"beside the bubble": {files{"m_test.go": head + "func TestA(t *testing.T) {\n\tsynctest.Test(t, func(*testing.T) {})\n\ttime.Sleep(1)\n}"}, []string{"m_test.go:11:"}},
		"under another name": {
			files{"m_test.go": "package m\n\nimport clock \"time\"\n\nfunc TestA() { clock.Sleep(1) }"},
			[]string{"m_test.go:5:"},
		},
		"as a value":  {files{"m_test.go": head + "var wait = time.Sleep"}, []string{"m_test.go:9:"}},
		"in disguise": {files{"m_test.go": head + "func TestA(t *testing.T) { <-time.After(1) }"}, []string{"m_test.go:9:"}},
	})
}
