// Command offload shows what heavy requests do to the small ones beside them:
// when they compute where they are, in a lane for such work, and in a helper
// process.
//
//	go run ./examples/offload
package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/support-go/support"
	"github.com/support-go/support/admit"
	"github.com/support-go/support/offload"
)

func main() {
	helpers := &offload.Process{Name: "hashing"}
	remote := offload.Register(helpers, "hash", hash)
	helpers.Serve() // a helper process goes no further

	each := flag.Duration("for", 4*time.Second, "how long to look at each way")
	flag.Parse()

	group := support.New("offload")
	server := group.HTTP("127.0.0.1:0", handler(remote))
	group.Setup = func(context.Context) (func(context.Context) error, error) { return helpers.Close, nil }

	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- group.Run(ctx) }()
	select {
	case <-group.Ready():
	case err := <-ended:
		fail(err)
	}
	err := show("http://"+server.Addr().String(), *each)
	http.DefaultClient.CloseIdleConnections()
	cancel()
	if err := errors.Join(err, <-ended); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "offload:", err)
	os.Exit(1)
}

// hash computes for so many rounds of about a millisecond.
func hash(_ context.Context, rounds int) (sum [32]byte, err error) {
	block := make([]byte, 1<<20)
	for range rounds {
		copy(block, sum[:])
		sum = sha256.Sum256(block)
	}
	return sum, nil
}

// handler answers / at once, and the others when they have hashed.
func handler(remote offload.Remote[int, [32]byte]) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "hello") })
	answer := func(path string, hash func(ctx context.Context, rounds int) ([32]byte, error)) {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			rounds, _ := strconv.Atoi(r.FormValue("rounds"))
			sum, err := hash(r.Context(), rounds)
			if admit.Refuse(w, r, err) {
				return
			}
			fmt.Fprintf(w, "%x %v\n", sum, err)
		})
	}
	answer("/here", hash)
	answer("/lane", func(ctx context.Context, rounds int) ([32]byte, error) {
		return offload.Do(ctx, &support.From(ctx).CPU, func(ctx context.Context) ([32]byte, error) { return hash(ctx, rounds) })
	})
	answer("/process", remote.Do)
	return mux
}

// show asks for the small answer again and again, beside heavy ones.
func show(url string, each time.Duration) error {
	const heavy = 8 // requests at once each second, of about 50 ms
	fmt.Printf("%-28s %10s %10s\n", "heavy requests", "p50", "p99")
	for _, way := range []struct{ path, name string }{
		{"", "none"}, {"/here", "where they are"}, {"/lane", "in the lane CPU"}, {"/process", "in a helper process"},
	} {
		ctx, cancel := context.WithTimeout(context.Background(), each)
		var all sync.WaitGroup
		for range heavy {
			if way.path != "" {
				all.Go(func() { repeat(ctx, url+way.path+"?rounds=50", time.Second, nil) })
			}
		}
		var took []time.Duration
		repeat(ctx, url, 2*time.Millisecond, func(d time.Duration) { took = append(took, d) })
		cancel()
		all.Wait()
		if len(took) == 0 {
			return errors.New("no answer")
		}
		slices.Sort(took)
		fmt.Printf("%-28s %10v %10v\n", way.name, took[len(took)/2].Round(10*time.Microsecond), took[len(took)*99/100].Round(10*time.Microsecond))
	}
	return nil
}

// repeat asks at every tick until ctx ends. How long an answer took counts
// from when it should have been asked for.
func repeat(ctx context.Context, url string, every time.Duration, note func(time.Duration)) {
	for due := time.Now(); ctx.Err() == nil; due = due.Add(every) {
		if wait := time.Until(due); wait > 0 {
			time.Sleep(wait)
		}
		resp, err := http.Get(url)
		if err != nil {
			continue
		}
		_, err = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		if err == nil && resp.StatusCode == http.StatusOK && note != nil {
			note(time.Since(due))
		}
	}
}
