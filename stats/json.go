package stats

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"time"
)

// object is a JSON object that keeps the order of its members.
type object []member

type member struct {
	key   string
	value any
}

func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		key, err := json.Marshal(m.key)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(m.value)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.key, err)
		}
		b.Write(key)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// JSON returns s for a person to read: units are in the names, times in
// RFC 3339, numbers that do not exist are null, and fractions have the given
// number of significant digits. Zero digits means all of them, and then the
// buckets are there too.
func (s Snapshot) JSON(digits int) ([]byte, error) {
	p := printer{digits: digits}
	all := make([]object, len(s.Series))
	for i, series := range s.Series {
		all[i] = p.series(series)
	}
	return json.Marshal(object{{"at", p.time(s.At)}, {"series", all}})
}

// MarshalJSON is JSON with three digits.
func (s Snapshot) MarshalJSON() ([]byte, error) { return s.JSON(3) }

// String is JSON with three digits.
func (s Snapshot) String() string {
	b, err := s.JSON(3)
	if err != nil {
		return strconv.Quote(err.Error())
	}
	return string(b)
}

// printer turns values into what encoding/json prints.
type printer struct {
	digits int
	unit   string // with an underscore in front, or empty
}

func (p printer) series(s Series) object {
	if unit := Unit(s.Name); unit != "" {
		p.unit = "_" + unit
	}
	o := object{{"name", s.Name}}
	if len(s.Labels) > 0 {
		var labels object
		for _, l := range s.Labels {
			labels = append(labels, member{l.Key, l.Value})
		}
		o = append(o, member{"labels", labels})
	}
	o = append(o, member{"kind", s.Value.Kind().String()})
	return append(o, p.value(s.Value)...)
}

func (p printer) value(v Value) object {
	switch v := v.(type) {
	case Count:
		return object{{"count" + p.unit, int64(v)}}
	case Level:
		return object{{"level" + p.unit, p.number(float64(v))}}
	case Greatest:
		return object{{"greatest" + p.unit, p.number(float64(v))}}
	case *RateSnapshot:
		return p.rate(v)
	case *DistributionSnapshot:
		return p.distribution(v)
	case *StatesSnapshot:
		return p.states(v)
	case *TopSnapshot:
		return p.top(v)
	case *CardinalitySnapshot:
		return object{
			{"distinct", p.number(v.Estimate())},
			{"standard_error_ratio", p.number(CardinalityError)},
		}
	}
	return nil
}

func (p printer) number(v float64) any {
	if !isFinite(v) {
		return nil
	}
	if p.digits <= 0 || v == math.Trunc(v) && math.Abs(v) < 1e3 {
		return v
	}
	// Rounded through text: what is printed has no digits but these.
	v, _ = strconv.ParseFloat(strconv.FormatFloat(v, 'g', p.digits, 64), 64)
	return v
}

func (p printer) time(at int64) any {
	if at == 0 {
		return nil
	}
	return time.Unix(0, at).UTC().Format("2006-01-02T15:04:05.000Z07:00")
}

func (p printer) rate(r *RateSnapshot) object {
	p.unit = "_seconds"
	return object{
		{"ticks", r.Ticks},
		{"ticks_per_second", p.number(r.PerSecond())},
		{"first", p.time(r.First)},
		{"last", p.time(r.Last)},
		{"gaps", p.distribution(r.Gaps)},
	}
}

func (p printer) top(t *TopSnapshot) object {
	var keys []object
	for _, h := range t.Heaviest(20) {
		keys = append(keys, object{{"key", h.Key}, {"at_least", h.Weight}, {"at_most", h.Weight + t.Lost}})
	}
	return object{{"total" + p.unit, t.Total}, {"heaviest", keys}}
}

func (p printer) states(s *StatesSnapshot) object {
	p.unit = "_seconds"
	var states, moves []object
	for _, st := range s.States {
		states = append(states, object{
			{"name", st.Name},
			{"present", st.Present},
			{"total_seconds", p.number(st.Seconds())},
			{"stays", p.distribution(st.Stays)},
		})
	}
	for _, m := range s.Moves {
		moves = append(moves, object{
			{"from", m.From},
			{"to", m.To},
			{"count", m.Count},
			{"per_second_in_from", p.number(s.Rate(m.From, m.To))},
		})
	}
	return object{{"states", states}, {"moves", moves}}
}
