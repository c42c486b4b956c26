package strict

import (
	"bufio"
	"time"
)

// ParseAnswer lets the fuzz test reach the parser.
func ParseAnswer(in *bufio.Reader, id string, size int) (status int, ends bool, err error) {
	a, err := readAnswer(in, want{id: []byte(id), size: size})
	return a.status, a.close, err
}

// At lets a test write to a timeline.
func (t *Timeline) At(at time.Duration) *Slot { return t.slot(at) }
