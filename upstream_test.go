package support_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/support-go/support"
	"github.com/support-go/support/supporttest"
	"github.com/support-go/support/upstream"
)

// TestUpstream has a handler borrow from its group's Manager, in this process
// and in workers.
func TestUpstream(t *testing.T) {
	for name, workers := range map[string]int{"alone": 0, "workers": 1} {
		t.Run(name, func(t *testing.T) {
			other, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer other.Close()
			go answerHello(other)

			group := support.New("shop")
			group.Workers = workers
			front := group.Stream("127.0.0.1:0", func(ctx context.Context, client net.Conn) error {
				address, err := bufio.NewReader(client).ReadString('\n')
				if err != nil {
					return err
				}
				up := &support.From(ctx).Upstream
				if err := up.Add("other", upstream.Service{Tiers: []upstream.Tier{upstream.At(address[:len(address)-1])}}); err != nil {
					return err
				}
				conn, err := up.Get(ctx, "other")
				if err != nil {
					return err
				}
				defer conn.Release()
				line, err := conn.Messages().ReadThrough([]byte("\n"), 100)
				_, _ = client.Write(line)
				return err
			})
			supporttest.Start(t, group)

			client, err := net.Dial("tcp", front.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			fmt.Fprintln(client, other.Addr())
			answer, err := io.ReadAll(client)
			if string(answer) != "hello\n" || err != nil {
				t.Errorf("answer is %q, %v", answer, err)
			}
			if workers == 0 && group.Upstream.State().Open != 1 {
				t.Errorf("state is %+v; want a connection", group.Upstream.State())
			}
		})
	}
}

// answerHello says hello to whoever connects, and stays.
func answerHello(ln net.Listener) {
	for {
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		fmt.Fprintln(conn, "hello")
	}
}
