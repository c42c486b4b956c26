package shop

import (
	"context"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
)

// ChapterVariable is set to how long each part of the story takes. The last one
// does not end.
const ChapterVariable = "SUPPORT_BROWSER_CHAPTER"

// Tell visits the shop at base until ctx ends, and has something happen to it:
// after a while of peace a rush that is more than it can serve, peace again, and
// then a ledger that becomes slow.
func Tell(ctx context.Context, base string) {
	chapter, err := time.ParseDuration(os.Getenv(ChapterVariable))
	if err != nil {
		chapter = 2 * time.Minute
	}
	s := &story{base: base, began: time.Now(), chapter: chapter}
	for i := range s.clients {
		s.clients[i] = visitor(i)
	}
	var all sync.WaitGroup
	defer all.Wait()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for n := 0; ctx.Err() == nil; n++ {
		<-tick.C
		for range s.arriving(n) {
			all.Go(func() { s.visit(ctx) })
		}
	}
}

// story is what happens.
type story struct {
	base    string
	began   time.Time
	chapter time.Duration
	clients [200]*http.Client
}

// visitor is a client with an address of its own.
func visitor(i int) *http.Client {
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, byte(1+i/100), byte(1+i%100))}}
	return &http.Client{Transport: &http.Transport{DialContext: dialer.DialContext, MaxIdleConnsPerHost: 4}}
}

// now is the chapter that is being told, and how far.
func (s *story) now() (chapter int, part float64) {
	at := float64(time.Since(s.began)) / float64(s.chapter)
	return int(at), at - math.Floor(at)
}

// arriving is how many visits begin with a tick, of which there are a hundred a
// second.
func (s *story) arriving(n int) int {
	rate := 1.6 + 0.25*math.Sin(float64(n)/9000) + 0.12*math.Sin(float64(n)/1300)
	if chapter, part := s.now(); chapter == 2 && part < 0.25 {
		rate *= 8
	}
	whole := int(rate)
	if rand.Float64() < rate-float64(whole) {
		whole++
	}
	return whole
}

// visit asks for one thing, most often for what most people want.
func (s *story) visit(ctx context.Context) {
	who := s.clients[int(math.Pow(rand.Float64(), 2.5)*float64(len(s.clients)))]
	chapter, _ := s.now()
	slow := 1.0
	if chapter >= 4 {
		slow = 3
	}
	switch p := rand.Float64(); {
	case p < 0.30:
		s.ask(ctx, who, http.MethodGet, "/", about(0.0012, 0.5))
	case p < 0.55:
		s.ask(ctx, who, http.MethodGet, fmt.Sprintf("/items/%d", rand.IntN(9000)), about(0.004, 0.6))
	case p < 0.65:
		s.ask(ctx, who, http.MethodGet, "/v1/rates", about(0.0006, 0.4))
	case p < 0.72:
		s.ask(ctx, who, http.MethodGet, "/search?q=tea", about(0.045, 0.7))
	case p < 0.74:
		s.ask(ctx, who, http.MethodPost, "/v1/refund", about(0.02*slow, 0.7))
	case p < 0.7405:
		s.ask(ctx, who, http.MethodGet, "/v1/export", about(6, 0.4))
	case rand.Float64() < 0.05*slow:
		s.ask(ctx, who, http.MethodPost, "/v1/charge", about(0.25*slow, 0.5))
	case slow > 1 && rand.Float64() < 0.004:
		s.ask(ctx, who, http.MethodPost, "/v1/charge", about(4, 0.4))
	default:
		s.ask(ctx, who, http.MethodPost, "/v1/charge", about(0.011*math.Sqrt(slow), 0.55))
	}
}

// about is a time whose logarithm is spread evenly around a middle.
func about(seconds, sigma float64) time.Duration {
	return time.Duration(seconds * math.Exp(sigma*rand.NormFloat64()) * float64(time.Second))
}

func (s *story) ask(ctx context.Context, who *http.Client, method, path string, takes time.Duration) {
	r, err := http.NewRequestWithContext(ctx, method, s.base+path, nil)
	if err != nil {
		panic(err) // the address is ours
	}
	r.Header.Set(work, takes.String())
	r.Header.Set("X-Item", string('A'+rune(rand.IntN(12))))
	if chapter, _ := s.now(); chapter >= 4 && method == http.MethodPost && rand.IntN(60) == 0 || rand.IntN(4000) == 0 {
		r.Header.Set("X-Fail", "yes")
	}
	resp, err := who.Do(r)
	if err != nil {
		return
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
}
