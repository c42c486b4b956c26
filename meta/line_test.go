package meta

import (
	"strings"
	"testing"
)

func TestParseLine(t *testing.T) {
	tests := map[string]struct {
		name, args, err string
	}{
		"reload":                         {"reload", "", ""},
		"  scale   workers=3 ":           {"scale", "workers=3", ""},
		`say text="two words" to=all`:    {"say", "text=two+words&to=all", ""},
		`say text="a \"b\" \\ c"`:        {"say", "text=a+%22b%22+%5C+c", ""},
		`say text=""`:                    {"say", "text=", ""},
		"say text=":                      {"say", "text=", ""},
		"say text=a=b":                   {"say", "text=a%3Db", ""},
		"":                               {"", "", ""},
		"say text":                       {"say", "", "key=value"},
		"say =x":                         {"say", "", "key=value"},
		`say text="open`:                 {"say", "", "not closed"},
		`say text="a"b`:                  {"say", "", "after the closing quote"},
		"say a=1 a=2":                    {"say", "", "given twice"},
		"filter(requests, .p99 > 0.1)":   {"filter(requests,", "", "key=value"},
		"say " + strings.Repeat("x", 99): {"say", "", "key=value"},
	}
	for line, test := range tests {
		name, args, err := parseLine(line)
		if name != test.name || (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) || err == nil && args.Encode() != test.args {
			t.Errorf("%q: %q, %q, %v; want %q, %q, %q", line, name, args.Encode(), err, test.name, test.args, test.err)
		}
	}
}

// FuzzParseLine has what was parsed parsed again.
func FuzzParseLine(f *testing.F) {
	for _, line := range []string{"reload", `say text="a \"b\"" to=all`, `x a="`, "a b=c d", "\x00 \xff=\xfe"} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		name, args, err := parseLine(line)
		if err != nil {
			return
		}
		again := name
		for key, values := range args {
			again += " " + key + `="` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(values[0]) + `"`
		}
		name2, args2, err := parseLine(again)
		if err != nil || name2 != name || args2.Encode() != args.Encode() {
			t.Errorf("%q is %q %q, and written again %q %q, %v", line, name, args.Encode(), name2, args2.Encode(), err)
		}
	})
}
