package accept_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/support-go/support/accept"
	"github.com/support-go/support/admit"
)

// A server of net/http that sheds what it cannot serve.
func ExampleQueue() {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	gate := admit.New(admit.Limits{}, nil, nil)
	queue := accept.NewQueue(ln, accept.Limits{Room: gate.Room}, nil, nil)
	hello := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") })
	server := &http.Server{Handler: gate.Handler(hello, admit.Policy{}), ReadHeaderTimeout: 10 * time.Second}
	queue.Hook(server)
	go func() { _ = server.Serve(queue) }()
	defer server.Close()

	resp, err := http.Get("http://" + queue.Addr().String())
	if err != nil {
		panic(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	fmt.Printf("%s %v\n", body, err)
	// Output: hello <nil>
}

func ExampleLimits() {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	// For a handler that needs 50 MB: sixteen at once, and clients that wait for
	// at most a quarter of a second.
	queue := accept.NewQueue(ln, accept.Limits{Active: 16, MaxWait: 250 * time.Millisecond}, nil, nil)
	fmt.Println(queue.State())
	fmt.Println(queue.Close())
	// Output:
	// {0 0 0 0s}
	// <nil>
}

func ExampleHTTP() {
	answer := accept.HTTP([]byte("GET / HTTP/1.1\r\nHost: example.org\r\n\r\n"))
	fmt.Println(string(answer[:32]))
	fmt.Println(accept.HTTP([]byte("POST / HTTP/1.1\r\n\r\n")) == nil)
	// Output:
	// HTTP/1.1 503 Service Unavailable
	// true
}
