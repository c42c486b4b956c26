package stats

import (
	"fmt"
	"maps"
	"sync"
)

// Registry hands out instruments by name and takes snapshots of all of them.
// The zero value is ready. A nil Registry hands out instruments that work but
// are listed nowhere. Registries are safe for concurrent use; set the fields
// before the first.
//
// Asking twice for the same name and labels gives the same instrument.
// Labels are pairs of a key and a value; asking is fastest with keys in
// alphabetical order. A name or key that CheckName refuses,
// an odd number of labels, and a name that is taken by another kind of
// instrument are mistakes of the program: they panic with an error that wraps
// ErrName or ErrKind. Values may come from clients: they are cleaned to at
// most 200 printable bytes, and counted (see Limits).
type Registry struct {
	Limits Limits

	// Secret keys the hash of Cardinality. Zero takes a random one. Where
	// Cardinalities of several processes are to be merged, give all of them
	// the same. It is read when the first key is added or the first snapshot
	// taken of one; later changes do nothing.
	Secret [16]byte

	once   sync.Once
	secret secret
	clock  clock
	lanes  lanes

	mu       sync.RWMutex
	series   map[string]*series // by id
	families map[string]*family
	sorted   []*series // of snapshots; nil when there are new ones
	help     map[string]string
}

// Limits bound what a Registry holds. Zero fields take defaults. What is past
// a limit goes to one series in which all labels have the value overflow, or,
// past Names, to one named overflow and the kind, and Findings tells.
type Limits struct {
	Names   int // different names; default 2,000
	PerName int // different label values of one name; default 100
	Series  int // in all; default 10,000
}

func (l Limits) orDefaults() Limits {
	def := func(v *int, d int) {
		if *v <= 0 {
			*v = d
		}
	}
	def(&l.Names, 2000)
	def(&l.PerName, 100)
	def(&l.Series, 10_000)
	return l
}

// Counter returns the Counter of that name and labels.
func (r *Registry) Counter(name string, labels ...string) *Counter {
	return r.instrument(KindCounter, name, labels).(*Counter)
}

// Gauge returns the Gauge of that name and labels.
func (r *Registry) Gauge(name string, labels ...string) *Gauge {
	return r.instrument(KindGauge, name, labels).(*Gauge)
}

// Peak returns the Peak of that name and labels.
func (r *Registry) Peak(name string, labels ...string) *Peak {
	return r.instrument(KindPeak, name, labels).(*Peak)
}

// Rate returns the Rate of that name and labels.
func (r *Registry) Rate(name string, labels ...string) *Rate {
	return r.instrument(KindRate, name, labels).(*Rate)
}

// Distribution returns the Distribution of that name and labels.
func (r *Registry) Distribution(name string, labels ...string) *Distribution {
	return r.instrument(KindDistribution, name, labels).(*Distribution)
}

// States returns the States of that name and labels.
func (r *Registry) States(name string, labels ...string) *States {
	return r.instrument(KindStates, name, labels).(*States)
}

// Top returns the Top of that name and labels.
func (r *Registry) Top(name string, labels ...string) *Top {
	return r.instrument(KindTop, name, labels).(*Top)
}

// Cardinality returns the Cardinality of that name and labels.
func (r *Registry) Cardinality(name string, labels ...string) *Cardinality {
	return r.instrument(KindCardinality, name, labels).(*Cardinality)
}

func (r *Registry) instrument(kind Kind, name string, labels []string) instrument {
	if r == nil {
		r = new(Registry)
	}
	var scratch [256]byte
	id := appendID(scratch[:0], name, labels)
	r.mu.RLock()
	s := r.series[string(id)]
	r.mu.RUnlock()
	if s == nil {
		s = r.find(kind, name, parseLabels(name, labels))
	}
	if s.kind != kind {
		panic(fmt.Errorf("%w: %q is a %v, not a %v", ErrKind, name, s.kind, kind))
	}
	return s.instrument
}

// Describe sets the help text of a name, which exporters show.
func (r *Registry) Describe(name, help string) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.help == nil {
		r.help = make(map[string]string)
	}
	r.help[name] = help
}

// Descriptions returns all texts that Describe has set, by name.
func (r *Registry) Descriptions() map[string]string {
	texts := make(map[string]string)
	if r == nil {
		return texts
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	maps.Copy(texts, r.help)
	return texts
}

// Help returns the text that Describe has set, if any.
func (r *Registry) Help(name string) string {
	if r == nil {
		return ""
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.help[name]
}
