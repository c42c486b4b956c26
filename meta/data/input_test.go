package data_test

import (
	"strings"
	"testing"
	"time"

	"github.com/support-go/support/meta/data"
)

func TestInputParse(t *testing.T) {
	whole := data.Input{Name: "n", Kind: data.WholeNumber, Least: 1, Most: 10}
	span := data.Input{Name: "for", Kind: data.Interval, Least: 1, Most: 60}
	tests := map[string]struct {
		in   data.Input
		text string
		want any
		err  string
	}{
		"text":              {data.Input{Name: "s"}, "a b", "a b", ""},
		"none":              {data.Input{Name: "s"}, "", nil, ""},
		"missing":           {data.Input{Name: "s", Required: true}, "", nil, "s is missing: want text"},
		"default":           {data.Input{Name: "n", Kind: data.WholeNumber, Value: "7"}, "", int64(7), ""},
		"choice":            {data.Input{Name: "s", Choices: []string{"a", "b"}}, "b", "b", ""},
		"no choice":         {data.Input{Name: "s", Choices: []string{"a", "b"}}, "c", nil, `s is "c": want one of a, b`},
		"two lines":         {data.Input{Name: "s"}, "a\nb", nil, "on one line"},
		"acts on a screen":  {data.Input{Name: "s"}, "a\x1b[2J", nil, "on one line"},
		"too long":          {data.Input{Name: "s"}, strings.Repeat("x", 4001), nil, "at most 4000 bytes"},
		"whole":             {whole, "10", int64(10), ""},
		"too much":          {whole, "11", nil, `n is "11": want a whole number from 1 to 10`},
		"too little":        {whole, "-1", nil, "from 1 to 10"},
		"not whole":         {whole, "1.5", nil, "want a whole number"},
		"past all bounds":   {whole, "99999999999999999999", nil, "want a whole number"},
		"decimal":           {data.Input{Name: "x", Kind: data.Decimal}, "1.5", 1.5, ""},
		"not a number":      {data.Input{Name: "x", Kind: data.Decimal}, "NaN", nil, "want a number"},
		"endless":           {data.Input{Name: "x", Kind: data.Decimal}, "Inf", nil, "want a number"},
		"interval":          {span, "1m", time.Minute, ""},
		"interval, longer":  {span, "61s", nil, "such as 1m30s from 1s to 1m0s"},
		"interval, no unit": {span, "5", nil, "such as 1m30s"},
		"yes":               {data.Input{Name: "b", Kind: data.YesNo}, "yes", true, ""},
		"no":                {data.Input{Name: "b", Kind: data.YesNo}, "no", false, ""},
		"neither":           {data.Input{Name: "b", Kind: data.YesNo}, "true", nil, "want yes or no"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := test.in.Parse(test.text)
			if (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) || got != test.want {
				t.Errorf("Parse(%.40q) = %v, %v; want %v, %q", test.text, got, err, test.want, test.err)
			}
			if err != nil && len(err.Error()) > 300 {
				t.Errorf("the error has %d bytes", len(err.Error()))
			}
		})
	}
}
