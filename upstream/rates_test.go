package upstream_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"sync/atomic"
)

// serveRates answers each line with itself and 1.0.
func serveRates() net.Listener {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				for lines := bufio.NewScanner(conn); lines.Scan(); {
					fmt.Fprintln(conn, lines.Text(), "1.0")
				}
			}()
		}
	}()
	return ln
}

// slowAtFirst returns a call whose first attempt takes until it is given up.
func slowAtFirst() func(context.Context) (string, error) {
	var calls atomic.Int32
	return func(ctx context.Context) (string, error) {
		if calls.Add(1) == 1 {
			<-ctx.Done()
			return "", ctx.Err()
		}
		return "the second attempt", nil
	}
}
