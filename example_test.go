package support_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/support-go/support"
)

// A group of two servers in one process, from the start to the stop.
func ExampleGroup() {
	group := support.New("greeter")
	web := group.HTTP("127.0.0.1:0", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "Hello over HTTP")
	}))
	raw := group.Stream("127.0.0.1:0", func(_ context.Context, conn net.Conn) error {
		_, err := io.WriteString(conn, "Hello over TCP\n")
		return err
	})

	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	ended := make(chan error)
	go func() { ended <- group.Run(ctx) }()
	<-group.Ready()

	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get("http://" + web.Addr().String())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	fmt.Println(string(body))

	conn, err := net.Dial("tcp", raw.Addr().String())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close()
	line, _ := bufio.NewReader(conn).ReadString('\n')
	fmt.Print(line)

	stop()
	fmt.Println("stopped:", <-ended)
	// Output:
	// Hello over HTTP
	// Hello over TCP
	// stopped: <nil>
}

// Setup opens what each serving process needs, and returns what closes it
// again.
func ExampleGroup_setup() {
	group := support.New("shop")
	group.Setup = func(context.Context) (func(context.Context) error, error) {
		fmt.Println("open the database")
		return func(context.Context) error {
			fmt.Println("close the database")
			return nil
		}, nil
	}
	group.HTTP("127.0.0.1:0", http.NotFoundHandler())

	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	ended := make(chan error)
	go func() { ended <- group.Run(ctx) }()
	<-group.Ready()
	fmt.Println("serving")
	stop()
	fmt.Println("stopped:", <-ended)
	// Output:
	// open the database
	// serving
	// close the database
	// stopped: <nil>
}

// Serve takes any server that has a listener. It ends when its context does.
func ExampleServer() {
	group := support.New("clock")
	server := group.Add(&support.Server{
		Name:   "clock",
		Listen: "127.0.0.1:0",
		Serve: func(ctx context.Context, ln net.Listener) error {
			stop := context.AfterFunc(ctx, func() { _ = ln.Close() })
			defer stop()
			for {
				conn, err := ln.Accept()
				if err != nil {
					return nil
				}
				fmt.Fprintln(conn, "noon")
				_ = conn.Close()
			}
		},
	})

	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	ended := make(chan error)
	go func() { ended <- group.Run(ctx) }()
	<-group.Ready()
	conn, err := net.Dial("tcp", server.Addr().String())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close()
	line, _ := bufio.NewReader(conn).ReadString('\n')
	fmt.Print(line)
	stop()
	fmt.Println("stopped:", <-ended)
	// Output:
	// noon
	// stopped: <nil>
}

// A group behind a load balancer that looks every few seconds stays open for a
// while after it has said that it will go.
func ExampleDrain() {
	group := support.New("behind a balancer")
	group.Drain = support.Drain{Delay: 5 * time.Second, Grace: -time.Second}
	group.HTTP("127.0.0.1:0", http.NotFoundHandler())
	err := group.Run(context.Background())
	fmt.Println(errors.Is(err, support.ErrConfig))
	fmt.Println(err)
	// Output:
	// true
	// support: configuration: name "behind a balancer": want 1 to 64 letters, digits, dots, dashes or underscores, the first of them no dot
	// Drain.Grace is -1s: want a duration from 0, which means the default, to 720h0m0s
}

// The bounds of one server; what is not set keeps its default.
func ExampleHTTP() {
	group := support.New("strict")
	server := group.HTTP("127.0.0.1:0", http.NotFoundHandler())
	server.HTTP = support.HTTP{HeaderTimeout: 50 * time.Millisecond}

	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	ended := make(chan error)
	go func() { ended <- group.Run(ctx) }()
	<-group.Ready()
	conn, err := net.Dial("tcp", server.Addr().String())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close()
	fmt.Fprint(conn, "GET / HT") // and no more
	answer, _ := bufio.NewReader(conn).ReadString('\n')
	fmt.Println(strings.TrimSpace(answer))
	stop()
	fmt.Println("stopped:", <-ended)
	// Output:
	// HTTP/1.1 400 Bad Request
	// stopped: <nil>
}

// A unix socket that only its owner and group may use.
func ExampleSocket() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "app.sock")
	group := support.New("local")
	server := group.HTTP("unix:"+path, http.NotFoundHandler())
	server.Socket = support.Socket{Mode: 0o660}

	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	ended := make(chan error)
	go func() { ended <- group.Run(ctx) }()
	<-group.Ready()
	if info, err := os.Stat(path); err == nil {
		fmt.Println(info.Mode())
	}
	stop()
	fmt.Println("stopped:", <-ended)
	_, err = os.Stat(path)
	fmt.Println("gone:", errors.Is(err, os.ErrNotExist))
	// Output:
	// Srw-rw----
	// stopped: <nil>
	// gone: true
}

// A server for datagrams, on as many workers as the group has.
func ExampleGroup_Packet() {
	group := support.New("clock")
	server := group.Packet("127.0.0.1:0", func(_ context.Context, p *support.Packet) error {
		return p.Reply([]byte("at " + string(p.Data) + " it was noon"))
	})
	server.Packets.Handlers = 16 // at once; what comes meanwhile waits in the kernel

	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	ended := make(chan error)
	go func() { ended <- group.Run(ctx) }()
	<-group.Ready()
	conn, err := net.Dial("udp", server.Addr().String())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close()
	fmt.Fprint(conn, "midday")
	answer := make([]byte, 100)
	n, err := conn.Read(answer)
	fmt.Println(string(answer[:n]), err)
	stop()
	fmt.Println("stopped:", <-ended)
	// Output:
	// at midday it was noon <nil>
	// stopped: <nil>
}

// A handler can look at who has sent a datagram before it answers, and say
// nothing at all.
func ExamplePacket() {
	handle := func(_ context.Context, p *support.Packet) error {
		from, ok := p.From().(*net.UDPAddr)
		if !ok || !from.IP.IsLoopback() {
			return nil
		}
		return p.Reply([]byte("hello, neighbour"))
	}
	group := support.New("neighbours")
	group.Packet("127.0.0.1:9", handle)
	fmt.Println(group.Name)
	// Output: neighbours
}

// A handler that streams ends when the process drains.
func ExampleDraining() {
	group := support.New("events")
	server := group.HTTP("127.0.0.1:0", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "first event")
		_ = http.NewResponseController(w).Flush()
		<-support.Draining(r.Context())
		fmt.Fprintln(w, support.From(r.Context()).Name, "is over")
	}))

	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	ended := make(chan error)
	go func() { ended <- group.Run(ctx) }()
	<-group.Ready()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get("http://" + server.Addr().String())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	stop()
	body, _ := io.ReadAll(resp.Body)
	fmt.Print(string(body))
	fmt.Println("stopped:", <-ended)
	// Output:
	// first event
	// events is over
	// stopped: <nil>
}
