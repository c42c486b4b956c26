package prefork

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// message is a line on the link between a supervisor and a child: JSON, one
// object a line, most of its fields absent.
type message struct {
	// To the child.
	Handover *handover `json:"handover,omitempty"` // the first message, and no other
	Ping     bool      `json:"ping,omitempty"`
	Drain    string    `json:"drain,omitempty"`    // why
	Stopping bool      `json:"stopping,omitempty"` // with Drain: nobody stays to accept
	Cycled   bool      `json:"cycled,omitempty"`   // with Drain: it has passed a mark
	Now      bool      `json:"now,omitempty"`      // do not finish anything

	// From the child.
	Pong   bool   `json:"pong,omitempty"`
	Work   work   `json:"work,omitzero"` // with Pong
	Ready  bool   `json:"ready,omitempty"`
	Failed string `json:"failed,omitempty"` // to start, and why
	Drains string `json:"drains,omitempty"` // by itself, and why
	Worn   string `json:"worn,omitempty"`   // it wants to be replaced, and why
}

// handover is all that a child needs to know. The descriptors are numbers in
// the child.
type handover struct {
	Name        string        `json:"name"`
	Role        string        `json:"role"`
	Slot        int           `json:"slot"`
	Serial      int           `json:"serial"`
	Generation  int           `json:"generation"`
	Supervisor  int           `json:"supervisor"` // its pid
	Dir         string        `json:"dir,omitempty"`
	Secret      []byte        `json:"secret"`
	Procs       int           `json:"procs"`
	MemoryLimit int64         `json:"memory_limit,omitempty"` // bytes; 0 means none
	Orphan      time.Duration `json:"orphan"`
	Sockets     []Bound       `json:"sockets"`
	Ledger      int           `json:"ledger"`
	Board       int           `json:"board"`
	Seat        int           `json:"seat"`
	Output      int           `json:"output"`
	Control     int           `json:"control,omitempty"` // helpers only
	Outputs     outputs       `json:"outputs"`
}

// outputs are the descriptors of the handover that are about streams; 0 is
// none.
type outputs struct {
	Pipes [2]int `json:"pipes"` // the ends to read from
	Plain [2]int `json:"plain"` // the supervisor's own output and error
}

// maxMessage is longer than any message in good faith: a failure with a stack.
const maxMessage = 256 << 10

func writeMessage(w io.Writer, m message) error {
	line, err := json.Marshal(m)
	if err != nil {
		return err
	}
	_, err = w.Write(append(line, '\n'))
	return err
}

// messages hands the messages that come from r to each, until the end.
func messages(r io.Reader, each func(message)) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 4<<10), maxMessage)
	for lines.Scan() {
		var m message
		if err := json.Unmarshal(lines.Bytes(), &m); err != nil {
			return fmt.Errorf("prefork: message: %w", err)
		}
		each(m)
	}
	return lines.Err()
}
