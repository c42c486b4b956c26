// Command tcpproxy spreads TCP connections over the addresses that it is given,
// and over a second set when none of the first can be reached.
package main

import (
	"context"
	"flag"
	"io"
	"log"
	"net"
	"strings"

	"github.com/support-go/support"
	"github.com/support-go/support/upstream"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:7000", "where to serve")
	to := flag.String("to", "", "addresses to connect to, with commas between")
	fallback := flag.String("fallback", "", "further addresses, for when none of those can be reached")
	flag.Parse()

	service := upstream.Service{Tiers: []upstream.Tier{upstream.At(strings.Split(*to, ",")...)}}
	if *fallback != "" {
		service.Tiers = append(service.Tiers, upstream.At(strings.Split(*fallback, ",")...))
	}
	group := support.New("tcpproxy")
	if err := group.Upstream.Add("backend", service); err != nil {
		log.Fatal(err)
	}
	group.Stream(*listen, func(ctx context.Context, client net.Conn) error {
		backend, err := group.Upstream.DialContext(ctx, "tcp", "backend")
		if err != nil {
			return err
		}
		defer backend.Close()
		go forward(backend, client)
		forward(client, backend)
		return nil
	})
	support.Main(group)
}

// forward copies until src ends, and passes that on.
func forward(dst, src net.Conn) {
	_, err := io.Copy(dst, src)
	if half, ok := dst.(interface{ CloseWrite() error }); ok && err == nil {
		_ = half.CloseWrite()
		return
	}
	_ = dst.Close()
}
