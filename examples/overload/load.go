package main

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"
)

// second is what became of the requests that were due in one second.
type second struct {
	mu                sync.Mutex
	answered, refused []time.Duration
	lost              int
}

// flood sends requests at a rate, whatever becomes of them, one in a hundred of
// them an important one, and says each second what has become of those before.
func flood(addr string, rate float64, length time.Duration) (answered, refused, lost int) {
	client := &http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 100}}
	var pending sync.WaitGroup
	var mu sync.Mutex // guards the results
	fmt.Println("second  answered   p99      refused    p99   no answer")
	start := time.Now()
	for n := 0; time.Duration(n)*time.Second < length; n++ {
		s := new(second)
		var own sync.WaitGroup
		for i := range int(rate) {
			due := start.Add(time.Duration(n)*time.Second + time.Duration(float64(i)/rate*float64(time.Second)))
			time.Sleep(time.Until(due))
			path := "/"
			if i%100 == 0 {
				path = "/important"
			}
			own.Go(func() { s.note(ask(client, "http://"+addr+path), time.Since(due)) })
		}
		pending.Go(func() {
			own.Wait()
			mu.Lock()
			defer mu.Unlock()
			fmt.Printf("%6d %9d %6d ms %9d %6d ms %6d\n", n+1, len(s.answered), p99(s.answered), len(s.refused), p99(s.refused), s.lost)
			answered, refused, lost = answered+len(s.answered), refused+len(s.refused), lost+s.lost
		})
	}
	pending.Wait()
	return answered, refused, lost
}

// ask returns a status code, or 0.
func ask(client *http.Client, url string) int {
	resp, err := client.Get(url)
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode
}

func (s *second) note(code int, took time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch code {
	case http.StatusOK:
		s.answered = append(s.answered, took)
	case http.StatusServiceUnavailable:
		s.refused = append(s.refused, took)
	default:
		s.lost++
	}
}

// p99 is in milliseconds.
func p99(d []time.Duration) int64 {
	if len(d) == 0 {
		return 0
	}
	slices.Sort(d)
	return d[len(d)*99/100].Milliseconds()
}
