package netbuf_test

import (
	"io"
	"net"
	"runtime"
	"testing"

	"github.com/support-go/support/netbuf"
)

// loop is a connection that brings the same bytes for ever and takes any.
type loop struct {
	net.Conn
	data []byte
	at   int
}

func (l *loop) Read(p []byte) (int, error) {
	n := copy(p, l.data[l.at:])
	l.at = (l.at + n) % len(l.data)
	return n, nil
}

func (l *loop) Write(p []byte) (int, error) { return len(p), nil }

func TestHotPathsDoNotAllocate(t *testing.T) {
	conn := netbuf.NewConn(&loop{data: []byte("a message of some length\r\n")})
	delim, buf := []byte("\r\n"), make([]byte, 0, 64)
	tests := map[string]func() error{
		"ReadUntil":   func() error { _, err := conn.ReadUntil(delim, 0); return err },
		"ReadThrough": func() error { _, err := conn.ReadThrough(delim, 0); return err },
		"ReadFull":    func() error { _, err := conn.ReadFull(26); return err },
		"ReadFrame": func() error {
			_, err := conn.ReadFrame(0, func([]byte) (int, error) { return 26, nil })
			return err
		},
		"AppendUntil": func() error { _, err := conn.AppendUntil(buf[:0], delim, 0); return err },
		"Read":        func() error { _, err := conn.Read(buf[:26]); return err },
		"Write":       func() error { _, err := conn.Write(buf[:26]); return err },
		"Queue and Flush": func() error {
			if _, err := conn.Queue(buf[:26]); err != nil {
				return err
			}
			return conn.Flush()
		},
	}
	for name, call := range tests {
		t.Run(name, func(t *testing.T) {
			allocs := testing.AllocsPerRun(2000, func() {
				if err := call(); err != nil {
					t.Fatal(err)
				}
			})
			if allocs != 0 && !raceEnabled {
				t.Errorf("%v allocations", allocs)
			}
		})
	}
}

// A size that a peer sent must not become memory before the bytes arrive.
func TestPromisedBytesTakeNoMemory(t *testing.T) {
	near, far := net.Pipe()
	conn := netbuf.NewConn(near)
	conn.Limits.Message = 1 << 30
	go func() {
		_, _ = io.WriteString(far, "few")
		_ = far.Close()
	}()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := conn.ReadFull(1 << 30); err == nil {
		t.Error("no error")
	}
	runtime.ReadMemStats(&after)
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 1<<20 {
		t.Errorf("%d bytes were allocated for 3", grown)
	}
}

// An idle connection keeps no block: what it waits in is its own 500 bytes.
func TestWaitingTakesNoBuffer(t *testing.T) {
	const conns = 200
	message := make([]byte, 20<<10)
	waiting := make([]net.Conn, conns)
	ended := make(chan error, conns)
	first := make(chan error)
	before := heapInUse()
	for i := range waiting {
		near, far := net.Pipe()
		waiting[i] = far
		conn := netbuf.NewConn(near)
		go func() {
			_, err := conn.ReadFull(len(message))
			first <- err
			_, err = conn.ReadFull(len(message))
			ended <- err
		}()
		if _, err := far.Write(message); err != nil {
			t.Fatal(err)
		}
		if err := <-first; err != nil {
			t.Fatal(err)
		}
		// A short write that is read proves that the reader waits again.
		if _, err := far.Write(message[:1]); err != nil {
			t.Fatal(err)
		}
	}
	if each := (heapInUse() - before) / conns; each > 8<<10 {
		t.Errorf("a waiting connection holds %d bytes", each)
	}
	for _, far := range waiting {
		_ = far.Close()
		if err := <-ended; err == nil {
			t.Error("no error at the end")
		}
	}
}

func TestShrinkKeepsWhatIsUnread(t *testing.T) {
	conn := arriving("a\nb\n")
	if _, err := conn.ReadUntil([]byte("\n"), 0); err != nil {
		t.Fatal(err)
	}
	conn.Shrink()
	if got, err := conn.ReadUntil([]byte("\n"), 0); string(got) != "b" || err != nil {
		t.Errorf("after Shrink %q, %v", got, err)
	}
}

// heapInUse returns the bytes of live objects.
func heapInUse() int64 {
	runtime.GC()
	runtime.GC() // the second empties what pools kept from the first
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}
