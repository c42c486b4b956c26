package offload

import (
	"bytes"
	"encoding/binary"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"
)

// Messages travel in frames: a mark, a length, and gob. What other code writes
// into the pipe is no frame, and is noticed at once, as is a length that is out
// of bounds. Types are told once for all frames.
const (
	mark        = "offL"
	header      = len(mark) + 8
	beside      = 1 << 20 // bytes that a message has beside its body, at most
	frameIsKept = 1 << 20 // bytes of memory, for the next frame
)

var errWire = errors.New("no message but something else comes from the pipe")

// sender writes messages. It has one user at a time.
type sender struct {
	out   io.Writer
	frame bytes.Buffer
	gob   *gob.Encoder
}

func newSender(out io.Writer) *sender {
	s := &sender{out: out}
	s.gob = gob.NewEncoder(&s.frame)
	return s
}

func (s *sender) send(m message) error {
	s.frame.Reset()
	s.frame.WriteString(mark + "\x00\x00\x00\x00\x00\x00\x00\x00")
	if err := s.gob.Encode(m); err != nil {
		return err
	}
	frame := s.frame.Bytes()
	binary.LittleEndian.PutUint64(frame[len(mark):], uint64(len(frame)-header))
	_, err := s.out.Write(frame)
	if s.frame.Cap() > frameIsKept {
		s.frame = bytes.Buffer{}
	}
	return err
}

// receiver reads messages. It has one user at a time.
type receiver struct {
	in    io.Reader
	most  int // bytes of a message
	frame bytes.Buffer
	gob   *gob.Decoder
}

// newReceiver returns one for messages whose bodies have at most so many bytes.
func newReceiver(in io.Reader, body int) *receiver {
	r := &receiver{in: in, most: body + beside}
	r.gob = gob.NewDecoder(&r.frame)
	return r
}

func (r *receiver) receive() (m message, err error) {
	var head [header]byte
	for n := 0; n < header && err == nil; {
		var more int
		more, err = r.in.Read(head[n:])
		if n += more; string(head[:min(n, len(mark))]) != mark[:min(n, len(mark))] {
			return m, fmt.Errorf("%w: %q", errWire, head[:n])
		}
		if n == header {
			err = nil
		}
	}
	if err != nil {
		return m, err
	}
	length := binary.LittleEndian.Uint64(head[len(mark):])
	if length > uint64(r.most) {
		return m, fmt.Errorf("%w: a message of %d bytes, of %d at most", errWire, length, r.most)
	}
	if r.frame.Cap() > frameIsKept {
		r.frame = bytes.Buffer{}
	}
	r.frame.Reset()
	if _, err = io.CopyN(&r.frame, r.in, int64(length)); err != nil {
		return m, err
	}
	err = r.gob.Decode(&m)
	return m, err
}

// patient is a pipe whose other end may be silent for so long, wherever in a
// message it is.
type patient struct{ pipe *os.File }

// Read reads what there is.
func (p patient) Read(b []byte) (int, error) {
	_ = p.pipe.SetReadDeadline(time.Now().Add(silence)) // fails if it is closed
	return p.pipe.Read(b)
}

// Write writes b piece by piece, since the other end may take its time.
func (p patient) Write(b []byte) (n int, err error) {
	for piece := range slices.Chunk(b, 64<<10) {
		_ = p.pipe.SetWriteDeadline(time.Now().Add(silence)) // as above
		m, err := p.pipe.Write(piece)
		if n += m; err != nil {
			return n, err
		}
	}
	return n, nil
}
