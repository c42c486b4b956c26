package data

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Input is one value that a Form or a command asks for.
type Input struct {
	Name     string   `json:"name"`
	Title    string   `json:"title"`
	Value    string   `json:"value,omitempty"`    // unless another is given
	Kind     Kind     `json:"kind,omitempty"`     // default OneLine
	Choices  []string `json:"choices,omitempty"`  // none means any
	Required bool     `json:"required,omitempty"` // it must not be empty
	Least    float64  `json:"least,omitempty"`    // of a number, or of seconds
	Most     float64  `json:"most,omitempty"`     // bounds hold if Most is above Least
	Secret   bool     `json:"secret,omitempty"`
	Hidden   bool     `json:"hidden,omitempty"`
}

// Kind says what the text of an Input has to be.
type Kind string

// The kinds.
const (
	OneLine     Kind = ""         // any text on one line
	WholeNumber Kind = "whole"    // an integer
	Decimal     Kind = "decimal"  // with a point
	Interval    Kind = "interval" // a duration, such as 1m30s
	YesNo       Kind = "yesno"    // yes or no; empty is no
)

// maxInput bounds what is typed for one Input.
const maxInput = 4000

// Parse makes a value of text: a string, an int64, a float64, a time.Duration or a
// bool, as Kind says. Where text is empty, Value counts; if that is empty too,
// and nothing is required, there is none, and Parse returns nil. The error says
// what would do.
func (in *Input) Parse(text string) (any, error) {
	if text == "" {
		text = in.Value
	}
	if text == "" {
		if in.Required {
			return nil, fmt.Errorf("%s is missing: %s", in.Name, in.wanted())
		}
		return nil, nil
	}
	v, ok := in.value(text)
	if !ok || len(in.Choices) > 0 && !slices.Contains(in.Choices, text) || !in.inBounds(v) {
		return nil, fmt.Errorf("%s is %q: %s", in.Name, clipped(text), in.wanted())
	}
	return v, nil
}

func (in *Input) value(text string) (v any, ok bool) {
	var err error
	switch in.Kind {
	case WholeNumber:
		v, err = strconv.ParseInt(text, 10, 64)
	case Decimal:
		var f float64
		f, err = strconv.ParseFloat(text, 64)
		v, ok = f, !math.IsNaN(f) && !math.IsInf(f, 0)
		return v, err == nil && ok
	case Interval:
		v, err = time.ParseDuration(text)
	case YesNo:
		return text == "yes", text == "yes" || text == "no"
	default:
		return text, len(text) <= maxInput && utf8.ValidString(text) && clean(text) == text && !strings.Contains(text, "\n")
	}
	return v, err == nil
}

func (in *Input) inBounds(v any) bool {
	if in.Most <= in.Least {
		return true
	}
	var x float64
	switch v := v.(type) {
	case int64:
		x = float64(v)
	case float64:
		x = v
	case time.Duration:
		x = v.Seconds()
	default:
		return true
	}
	return x >= in.Least && x <= in.Most
}

// wanted says what Parse takes.
func (in *Input) wanted() string {
	if len(in.Choices) > 0 {
		return "want one of " + strings.Join(in.Choices, ", ")
	}
	bounds := ""
	if in.Most > in.Least {
		bounds = fmt.Sprintf(" from %v to %v", in.Least, in.Most)
	}
	switch in.Kind {
	case WholeNumber:
		return "want a whole number" + bounds
	case Decimal:
		return "want a number" + bounds
	case Interval:
		if bounds != "" {
			bounds = fmt.Sprintf(" from %v to %v", seconds(in.Least), seconds(in.Most))
		}
		return "want a duration, such as 1m30s" + bounds
	case YesNo:
		return "want yes or no"
	}
	return fmt.Sprintf("want text on one line, of at most %d bytes", maxInput)
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// clipped is enough of a text to recognise it.
func clipped(text string) string {
	const enough = 80
	if len(text) <= enough {
		return text
	}
	return strings.ToValidUTF8(text[:enough], "") + "…"
}
