package stats

import "fmt"

// Kind is a kind of instrument.
type Kind uint8

// The kinds of instruments. Their numbers are part of the binary form.
const (
	KindCounter Kind = iota + 1
	KindGauge
	KindRate
	KindDistribution
	KindStates
	KindTop
	KindCardinality
	KindPeak
)

// String returns the kind's name in lower case.
func (k Kind) String() string {
	names := [...]string{"", "counter", "gauge", "rate", "distribution", "states", "top", "cardinality", "peak"}
	if k == 0 || int(k) >= len(names) {
		return fmt.Sprintf("kind(%d)", uint8(k))
	}
	return names[k]
}

// Value is the snapshot of an instrument: a Count, Level, Greatest,
// *RateSnapshot, *DistributionSnapshot, *StatesSnapshot, *TopSnapshot or
// *CardinalitySnapshot. Nothing else can be a Value.
type Value interface {
	Kind() Kind

	copied() Value
	plus(Value) (Value, error) // of the same kind; may change the receiver
	minus(Value) Value         // of the same kind; the receiver is the later
	isZero() bool              // plus would change nothing
	encode(*encoder)
}

// Kind returns KindCounter.
func (n Count) Kind() Kind { return KindCounter }

func (n Count) copied() Value               { return n }
func (n Count) plus(o Value) (Value, error) { return n.add(o.(Count)), nil }
func (n Count) minus(o Value) Value         { return max(0, n-o.(Count)) }
func (n Count) isZero() bool                { return n == 0 }

// Kind returns KindGauge.
func (l Level) Kind() Kind { return KindGauge }

func (l Level) copied() Value               { return l }
func (l Level) plus(o Value) (Value, error) { return l + o.(Level), nil }
func (l Level) minus(o Value) Value         { return l - o.(Level) }
func (l Level) isZero() bool                { return l == 0 }

// Kind returns KindPeak.
func (g Greatest) Kind() Kind { return KindPeak }

func (g Greatest) copied() Value               { return g }
func (g Greatest) plus(o Value) (Value, error) { return max(g, o.(Greatest)), nil }
func (g Greatest) isZero() bool                { return g == 0 }

// minus is all of it unless it is what it was: merged with the rest it gives
// the whole again.
func (g Greatest) minus(o Value) Value {
	if g == o.(Greatest) {
		return Greatest(0)
	}
	return g
}

// Kind returns KindRate.
func (r *RateSnapshot) Kind() Kind { return KindRate }

func (r *RateSnapshot) copied() Value {
	return &RateSnapshot{r.Ticks, r.First, r.Last, r.Gaps.clone()}
}
func (r *RateSnapshot) plus(o Value) (Value, error) { r.Merge(o.(*RateSnapshot)); return r, nil }
func (r *RateSnapshot) minus(o Value) Value         { return r.Sub(o.(*RateSnapshot)) }
func (r *RateSnapshot) isZero() bool                { return r.Ticks == 0 && r.Gaps.isZero() }

// Kind returns KindDistribution.
func (d *DistributionSnapshot) Kind() Kind { return KindDistribution }

func (d *DistributionSnapshot) copied() Value { return d.clone() }
func (d *DistributionSnapshot) plus(o Value) (Value, error) {
	d.Merge(o.(*DistributionSnapshot))
	return d, nil
}
func (d *DistributionSnapshot) minus(o Value) Value { return d.Sub(o.(*DistributionSnapshot)) }
func (d *DistributionSnapshot) isZero() bool {
	return d.Count == 0 && d.Invalid == 0 && len(d.Minutes) == 0 && len(d.Hours) == 0
}

// Kind returns KindStates.
func (s *StatesSnapshot) Kind() Kind { return KindStates }

func (s *StatesSnapshot) copied() Value               { return s.clone() }
func (s *StatesSnapshot) plus(o Value) (Value, error) { s.Merge(o.(*StatesSnapshot)); return s, nil }
func (s *StatesSnapshot) minus(o Value) Value         { return s.Sub(o.(*StatesSnapshot)) }
func (s *StatesSnapshot) isZero() bool {
	for _, st := range s.States {
		if st.Present != 0 || st.SoFar != 0 || !st.Stays.isZero() {
			return false
		}
	}
	return len(s.Moves) == 0
}

// Kind returns KindTop.
func (t *TopSnapshot) Kind() Kind { return KindTop }

func (t *TopSnapshot) copied() Value               { return t.clone() }
func (t *TopSnapshot) plus(o Value) (Value, error) { t.Merge(o.(*TopSnapshot)); return t, nil }
func (t *TopSnapshot) minus(o Value) Value         { return t.Sub(o.(*TopSnapshot)) }
func (t *TopSnapshot) isZero() bool                { return t.Total == 0 && t.Lost == 0 && len(t.Keys) == 0 }

// Kind returns KindCardinality.
func (c *CardinalitySnapshot) Kind() Kind { return KindCardinality }

func (c *CardinalitySnapshot) copied() Value { return c.clone() }
func (c *CardinalitySnapshot) plus(o Value) (Value, error) {
	return c, c.Merge(o.(*CardinalitySnapshot))
}

// minus keeps what is new: merged with the rest it gives the whole again.
func (c *CardinalitySnapshot) minus(o Value) Value {
	delta := c.clone()
	for i, was := range o.(*CardinalitySnapshot).Registers {
		if delta.Registers[i] == was {
			delta.Registers[i] = 0
		}
	}
	return delta
}

func (c *CardinalitySnapshot) isZero() bool {
	for _, r := range c.Registers {
		if r != 0 {
			return false
		}
	}
	return true
}
