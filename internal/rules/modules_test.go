package rules_test

import (
	"testing"

	"github.com/support-go/support/internal/rules"
)

// heavy is a module in which only far may reach nats.
func heavy() files {
	return files{
		"ARCHITECTURE.md": "| module | why | reached only from |\n|---|---|---|\n" +
			"| `nats.org` | wire | `far` |\n" +
			"| `light.org/x` | calls | `...` |\n",
		"far/far.go":   "package far\n\nimport (\n\t_ \"net/http\"\n\n\t_ \"nats.org/client\"\n)",
		"near/near.go": "package near\n\nimport _ \"light.org/x/unix\"",
	}
}

func TestModules(t *testing.T) {
	testRule(t, rules.Modules, map[string]ruleTest{
		"each in its place": {heavy(), nil},
		"a test may":        {with(heavy(), "near/near_test.go", "package near\n\nimport _ \"nats.org/client\""), nil},
		"a program may":     {with(heavy(), "cmd/x/x.go", "package main\n\nimport _ \"example.org/m/far\""), nil},
		"no modules":        {files{"ARCHITECTURE.md": "", "m.go": "package m\n\nimport _ \"fmt\""}, nil},
		"out of place": {
			with(heavy(), "near/more.go", "package near\n\nimport _ \"nats.org/client\""),
			[]string{"near/more.go:3: near reaches nats.org/client through near; keep it out, or allow it in line 3"},
		},
		"out of place by another package": {
			with(with(heavy(), "near/more.go", "package near\n\nimport _ \"example.org/m/mid\""),
				"mid/mid.go", "package mid\n\nimport _ \"example.org/m/far\""),
			[]string{
				"mid reaches nats.org/client through mid -> far;",
				"near reaches nats.org/client through near -> mid -> far;",
			},
		},
		"new module": {
			with(heavy(), "near/more.go", "package near\n\nimport _ \"new.org/y\""),
			[]string{"near/more.go:3: ARCHITECTURE.md has no row for new.org/y in the table of modules; add it with the reason: | `new.org/y` | what it is for | `near` |"},
		},
		"like a known one, but not it": {
			with(heavy(), "near/more.go", "package near\n\nimport _ \"light.org/xyz\""),
			[]string{"no row for light.org/xyz"},
		},
		"module gone": {
			with(heavy(), "near/near.go", "package near"),
			[]string{"ARCHITECTURE.md:4: nothing imports light.org/x"},
		},
	})
}

func TestModulesLongestRowSpeaks(t *testing.T) {
	testRule(t, rules.Modules, map[string]ruleTest{
		"one package of a module is heavier": {
			files{
				"ARCHITECTURE.md": "| module | reached only from |\n|---|---|\n" +
					"| `p.org/pprof` | `...` |\n| `p.org/pprof/driver` | `ui` |",
				"ui/ui.go":     "package ui\n\nimport _ \"p.org/pprof/driver\"",
				"near/near.go": "package near\n\nimport _ \"p.org/pprof/profile\"",
				"bad/bad.go":   "package bad\n\nimport _ \"p.org/pprof/driver\"",
			},
			[]string{"bad/bad.go:3: bad reaches p.org/pprof/driver"},
		},
	})
}
