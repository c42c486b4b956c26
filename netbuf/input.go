package netbuf

import (
	"io"
	"sync"
)

const (
	// smallSize is what a connection waits in while it holds nothing: large
	// enough for most requests, small enough for ten thousand idle peers. It
	// is no round number, since a message that fills it to the last byte
	// looks like one of which more is to come.
	smallSize = 500

	// blockSize is the size of the buffers that are shared through blocks.
	// Fewer system calls are all that makes reading small messages faster;
	// beyond 32 KiB the copy out of the kernel is what remains.
	blockSize = 32 << 10

	// maxEmptyReads is how often a connection may return nothing and no error.
	maxEmptyReads = 100
)

// A block is a buffer that connections borrow while they hold bytes.
type block [blockSize]byte

// blocks is a cache of blocks; what it holds is never looked at again.
var blocks = sync.Pool{New: func() any { return new(block) }}

// An input buffers what comes from src: buf[r:w] has been read and not yet
// consumed. buf is small, a block, or for a longer message plain memory.
type input struct {
	buf   []byte
	r, w  int
	src   io.Reader
	err   error  // came with the last bytes; to be told when more is wanted
	block *block // borrowed, if buf is its memory
	full  bool   // the last read filled buf, so more is likely to wait in src
	small [smallSize]byte
}

// unread returns what has been read and not yet consumed.
func (in *input) unread() []byte { return in.buf[in.r:in.w] }

// fill waits for at least one more byte behind those that are unread.
func (in *input) fill() error {
	if err := in.err; err != nil {
		in.err = nil
		return err
	}
	in.makeRoom()
	for range maxEmptyReads {
		n, err := in.src.Read(in.buf[in.w:])
		in.w += n
		if n > 0 {
			in.err = err
			in.full = in.w == len(in.buf)
			return nil
		}
		if err != nil {
			return err
		}
	}
	return io.ErrNoProgress
}

// read reads into p when nothing is unread: directly if p is no smaller than
// the buffer to wait in.
func (in *input) read(p []byte) (int, error) {
	if in.err == nil && len(p) >= smallSize {
		in.shrink()
		return in.src.Read(p)
	}
	if err := in.fill(); err != nil {
		return 0, err
	}
	n := copy(p, in.unread())
	in.r += n
	return n, nil
}

// makeRoom makes buf[w:] not empty. With nothing to keep it falls back to the
// small buffer, unless the last read says that there is more than that to read.
func (in *input) makeRoom() {
	busy := in.full
	if !busy {
		in.shrink()
	}
	if in.r > 0 {
		in.w = copy(in.buf, in.unread())
		in.r = 0
	}
	if in.w == len(in.buf) || busy && len(in.buf) == smallSize {
		in.grow()
	}
}

// grow moves the unread bytes, which begin at 0, to a larger buffer. It grows
// with what has arrived, never with what a peer has promised.
func (in *input) grow() {
	old := in.block
	if len(in.buf) < blockSize {
		in.block = blocks.Get().(*block)
		in.w = copy(in.block[:], in.buf[:in.w])
		in.buf = in.block[:]
		return
	}
	larger := make([]byte, 2*len(in.buf))
	in.w = copy(larger, in.buf[:in.w])
	in.buf, in.block = larger, nil
	if old != nil {
		blocks.Put(old)
	}
}

// shrink gives the buffer back if it holds nothing.
func (in *input) shrink() {
	if in.r < in.w {
		return
	}
	in.r, in.w, in.full = 0, 0, false
	in.buf = in.small[:]
	if in.block != nil {
		blocks.Put(in.block)
		in.block = nil
	}
}
