package upstream_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/support-go/support/upstream"
)

func Example() {
	rates := serveRates()
	defer rates.Close()

	var up upstream.Manager
	defer up.Close()
	err := up.Add("rates", upstream.Service{
		Tiers: []upstream.Tier{upstream.At("127.0.0.1:1"), upstream.At(rates.Addr().String())},
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	conn, err := up.Get(context.Background(), "rates") // nobody is at the first address
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Release()

	fmt.Fprintln(conn, "EUR")
	rate, err := conn.Messages().ReadUntil([]byte("\n"), 100)
	fmt.Printf("%s %v\n", rate, err)
	// Output: EUR 1.0 <nil>
}

func ExampleCall() {
	rates := serveRates()
	defer rates.Close()
	var up upstream.Manager
	defer up.Close()
	_ = up.Add("rates", upstream.Service{Tiers: []upstream.Tier{upstream.At(rates.Addr().String())}})

	rate, err := upstream.Call(context.Background(), &up, "rates", func(_ context.Context, conn *upstream.Conn) (string, error) {
		fmt.Fprintln(conn, "USD")
		line, err := conn.Messages().ReadUntil([]byte("\n"), 100)
		return string(line), err
	})
	fmt.Println(rate, err)
	// Output: USD 1.0 <nil>
}

func ExampleTransport() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "hello from ", r.Host)
	}))
	defer server.Close()
	var up upstream.Manager
	defer up.Close()
	_ = up.Add("greeter", upstream.Service{Tiers: []upstream.Tier{upstream.At(server.Listener.Addr().String())}})

	client := http.Client{Transport: up.Transport(), Timeout: 5 * time.Second}
	resp, err := client.Get("http://greeter/")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	fmt.Printf("%s, %v\n", body, err)
	// Output: hello from greeter, <nil>
}

func ExampleHedge() {
	answer, err := upstream.Hedge(context.Background(), upstream.Hedging{Delay: time.Millisecond}, slowAtFirst())
	fmt.Println(answer, err)
	// Output: the second attempt <nil>
}

func ExampleError() {
	var up upstream.Manager
	defer up.Close()
	_, err := up.Get(context.Background(), "nobody")
	fmt.Println(err)
	// Output: upstream: service "nobody": unknown service; add it to the Manager first
}

func ExamplePublicOnly() {
	up := upstream.Manager{Egress: upstream.PublicOnly}
	defer up.Close()
	_ = up.Add("metadata", upstream.Service{Tiers: []upstream.Tier{upstream.At("169.254.169.254:80")}})
	_, err := up.Get(context.Background(), "metadata")
	fmt.Println(errors.Is(err, upstream.ErrRefused))
	// Output: true
}

// ExampleService sets what most leave at its default.
func ExampleService() {
	rates := serveRates()
	defer rates.Close()
	var up upstream.Manager
	defer up.Close()
	err := up.Add("rates", upstream.Service{
		Tiers: []upstream.Tier{
			{Addresses: []upstream.Address{{Addr: rates.Addr().String(), Weight: 3}}},
			{Func: func(context.Context) ([]upstream.Address, error) { return nil, errors.New("nobody else") }},
		},
		Timeouts: upstream.Timeouts{Response: time.Second, Stagger: 100 * time.Millisecond},
		Pool:     upstream.Pool{Max: 10, Idle: 2},
		Health:   upstream.Health{Failures: 3, Down: 5 * time.Second},
		Retry:    upstream.Retry{Attempts: 2, HedgeAt: 0.97},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	conn, err := up.Get(context.Background(), "rates")
	if err == nil {
		err = conn.Release()
	}
	fmt.Println(err)
	// Output: <nil>
}

func ExampleConn() {
	rates := serveRates()
	defer rates.Close()
	var up upstream.Manager
	defer up.Close()
	_ = up.Add("rates", upstream.Service{Tiers: []upstream.Tier{upstream.At(rates.Addr().String())}})

	conn, err := up.Get(context.Background(), "rates")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Release() // the second Release only says that it is one
	fmt.Fprintln(conn, "EUR")
	rate, err := conn.Messages().ReadUntil([]byte("\n"), 100)
	if err == nil && !bytes.HasPrefix(rate, []byte("EUR ")) {
		conn.Fail(errors.New("that is no rate")) // counts against the address, and the pool does not keep it
	}
	_ = conn.Release()
	_, err = conn.Write([]byte("USD\n"))
	fmt.Println(errors.Is(err, upstream.ErrReleased))
	// Output: true
}

// ExampleState shows what a Manager knows after an answer.
func ExampleState() {
	rates := serveRates()
	defer rates.Close()
	var up upstream.Manager
	defer up.Close()
	_ = up.Add("rates", upstream.Service{
		Tiers:   []upstream.Tier{upstream.At(rates.Addr().String())},
		Traffic: upstream.Traffic{Payload: 100},
	})
	_, _ = upstream.Call(context.Background(), &up, "rates", func(_ context.Context, conn *upstream.Conn) (string, error) {
		fmt.Fprintln(conn, "EUR 17")
		line, err := conn.Messages().ReadUntil([]byte("\n"), 100)
		return string(line), err
	})
	address := up.State().Services[0].Tiers[0].Addresses[0]
	fmt.Printf("%s, %d connection, %s\n", address.State, len(address.Conns), address.Conns[0].State)
	fmt.Printf("%q %q\n", address.Recent[0].Request, address.Recent[0].Response)
	// Output:
	// up, 1 connection, idle
	// "xxx 00\n" "xxx 00 0.0\n"
}

// ExampleManager_DialContext gives a client that keeps connections itself a way to dial.
func ExampleManager_DialContext() {
	rates := serveRates()
	defer rates.Close()
	var up upstream.Manager
	defer up.Close()
	_ = up.Add("rates", upstream.Service{Tiers: []upstream.Tier{upstream.At("127.0.0.1:1"), upstream.At(rates.Addr().String())}})

	conn, err := up.DialContext(context.Background(), "tcp", "rates:7000") // nobody is at the first address
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close()
	fmt.Println(conn.RemoteAddr().String() == rates.Addr().String())
	// Output: true
}

func ExampleDecision() {
	up := upstream.Manager{Log: slog.New(slog.DiscardHandler)}
	defer up.Close()
	_ = up.Add("rates", upstream.Service{
		Tiers:  []upstream.Tier{upstream.At("127.0.0.1:1")},
		Health: upstream.Health{Failures: 1},
	})
	_, _ = up.Get(context.Background(), "rates")
	d := up.State().Decisions[0]
	fmt.Println(d.Kind, d.Service, d.Address, "-", d.Why)
	// Output: down rates 127.0.0.1:1 - 1 failures in a row, last: connect: connection refused
}
