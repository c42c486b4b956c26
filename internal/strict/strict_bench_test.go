package strict_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/support-go/support/internal/strict"
)

// BenchmarkTrial tells what a request costs client and server together. The
// server is net/http with Echo, or, for hello, with a fixed answer.
func BenchmarkTrial(b *testing.B) {
	hello := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		_, _ = w.Write([]byte("hello"))
	})
	tests := map[string]struct {
		network string
		handler http.Handler
		load    strict.Load
	}{
		"kept hello":  {"tcp", hello, strict.Load{Mode: strict.Kept, Ask: strict.Ask{Check: strict.CheckNone}}},
		"fresh hello": {"tcp", hello, strict.Load{Mode: strict.Fresh, Ask: strict.Ask{Check: strict.CheckNone}}},
		"h2 hello":    {"tcp", hello, strict.Load{Mode: strict.HTTP2, Ask: strict.Ask{Check: strict.CheckNone}}},
		"kept":        {"tcp", &strict.Echo{}, strict.Load{Mode: strict.Kept}},
		"fresh":       {"tcp", &strict.Echo{}, strict.Load{Mode: strict.Fresh}},
		"h2":          {"tcp", &strict.Echo{}, strict.Load{Mode: strict.HTTP2}},
		"kept tls":    {"tls", &strict.Echo{}, strict.Load{Mode: strict.Kept}},
	}
	for name, test := range tests {
		b.Run(name, func(b *testing.B) {
			load := test.load
			load.Target = target(b, test.network, test.handler)
			load.Conns = 32
			load.Limits.Requests = int64(b.N)
			trial := strict.Trial{Loads: []strict.Load{load}}
			b.ReportAllocs()
			b.ResetTimer()
			report, err := trial.Run(context.Background())
			if err != nil {
				b.Fatal(err)
			}
			if err := report.L0Strict(); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(b.N)/report.Elapsed.Seconds(), "req/s")
		})
	}
}
