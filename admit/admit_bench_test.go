package admit_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/support-go/support/admit"
)

// BenchmarkHandler is what a request costs that need not wait: the difference
// between the two is the gate's.
func BenchmarkHandler(b *testing.B) {
	next := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	handlers := map[string]http.Handler{
		"none":                 next,
		"gate":                 admit.New(admit.Limits{Cores: 8}, nil, quiet()).Handler(next, admit.Policy{}),
		"gate, over the cores": admit.New(admit.Limits{Cores: 1, Running: 1 << 20}, nil, quiet()).Handler(next, admit.Policy{}),
	}
	for name, h := range handlers {
		b.Run(name, func(b *testing.B) {
			w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil)
			b.ReportAllocs()
			for b.Loop() {
				h.ServeHTTP(w, r)
			}
		})
	}
}

// BenchmarkRefusal is what the gate does for a request that it sheds.
func BenchmarkRefusal(b *testing.B) {
	g := admit.New(admit.Limits{}, nil, quiet())
	g.Favour(admit.Critical)
	for b.Loop() {
		if _, err := g.Acquire(b.Context(), admit.Default); err == nil {
			b.Fatal("let in")
		}
	}
}
