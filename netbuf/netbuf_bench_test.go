package netbuf_test

import (
	"bufio"
	"bytes"
	"testing"

	"github.com/support-go/support/netbuf"
)

// The peers over the same bytes; bench/netbuf compares them interleaved.
func BenchmarkRead64(b *testing.B) {
	message := append(bytes.Repeat([]byte{'x'}, 63), '\n')
	source := func() *loop { return &loop{data: bytes.Repeat(message, 1<<14)} }
	delim, buf := []byte("\n"), make([]byte, 0, 64)
	conn := netbuf.NewConn(source())
	reader := bufio.NewReaderSize(source(), 32<<10)

	benchmarks := map[string]func() error{
		"ReadUntil":       func() error { _, err := conn.ReadUntil(delim, 0); return err },
		"AppendUntil":     func() error { _, err := conn.AppendUntil(buf, delim, 0); return err },
		"ReadFull":        func() error { _, err := conn.ReadFull(64); return err },
		"bufio.ReadSlice": func() error { _, err := reader.ReadSlice('\n'); return err },
		"bufio.ReadBytes": func() error { _, err := reader.ReadBytes('\n'); return err },
	}
	for name, read := range benchmarks {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := read(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
