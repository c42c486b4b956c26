package upstream_test

import (
	"context"
	"errors"
	"fmt"
	"io"
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
