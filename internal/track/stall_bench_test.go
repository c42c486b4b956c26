package track_test

import (
	"net"
	"testing"

	"github.com/support-go/support/internal/ledger"
	"github.com/support-go/support/internal/track"
)

// taker takes everything at once.
type taker struct{ net.Conn }

func (taker) Write(p []byte) (int, error) { return len(p), nil }
func (taker) Close() error                { return nil }

// BenchmarkWrite is what a tracked connection adds to a Write.
func BenchmarkWrite(b *testing.B) {
	conn, err := track.NewListener(&one{conn: taker{}}, ledger.New()).Accept()
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	answer := make([]byte, 200)
	for name, c := range map[string]net.Conn{"bare": taker{}, "tracked": conn} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.Write(answer); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
