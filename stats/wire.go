package stats

import (
	"errors"
	"fmt"
)

// ErrFormat says that bytes are not the binary form of a snapshot or delta.
var ErrFormat = errors.New("stats: not a snapshot")

// formatVersion is the first byte of every binary form.
const formatVersion = 1

const (
	// MaxBinary is the most bytes that UnmarshalBinary of a Snapshot or Delta reads.
	MaxBinary = 64 << 20

	maxSeries       = 1 << 20
	maxSources      = 1 << 16
	maxStatesMerged = 8 * MaxStates
)

// MarshalBinary returns the compact form of s.
func (s Snapshot) MarshalBinary() ([]byte, error) {
	e := &encoder{b: []byte{formatVersion}}
	e.snapshot(s)
	return e.b, nil
}

// UnmarshalBinary sets s to what MarshalBinary gave. What is corrupt, of an
// unknown version or longer than MaxBinary is refused with an ErrFormat, and
// s stays as it was. It never takes more memory than 64 times the bytes.
func (s *Snapshot) UnmarshalBinary(b []byte) error {
	d, err := newDecoder(b, MaxBinary)
	if err != nil {
		return err
	}
	read := d.snapshot()
	if err := d.end(); err != nil {
		return err
	}
	*s = read
	return nil
}

func newDecoder(b []byte, most int) (*decoder, error) {
	switch {
	case len(b) == 0:
		return nil, fmt.Errorf("%w: it is empty", ErrFormat)
	case len(b) > most:
		return nil, fmt.Errorf("%w: %d bytes are more than %d", ErrFormat, len(b), most)
	case b[0] != formatVersion:
		return nil, fmt.Errorf("%w: version %d is unknown; this program reads version %d", ErrFormat, b[0], formatVersion)
	}
	return &decoder{b: b[1:]}, nil
}

// end returns the first error, which having bytes left over is too.
func (d *decoder) end() error {
	if d.err == nil && len(d.b) > 0 {
		d.fail("there are bytes behind the end")
	}
	return d.err
}
