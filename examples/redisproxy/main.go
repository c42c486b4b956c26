// Command redisproxy passes commands of Redis clients on to a server, over
// pooled connections, and to another server while the first is down.
//
// Each command may go over another connection, so what belongs to one
// connection is refused: transactions, subscriptions, blocking commands and
// the like. Commands that only read are repeated when a server fails.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"strings"
	"time"

	"github.com/support-go/support"
	"github.com/support-go/support/netbuf"
	"github.com/support-go/support/netbuf/resp"
	"github.com/support-go/support/upstream"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:6380", "where to serve")
	first := flag.String("to", "127.0.0.1:6379", "the Redis server")
	second := flag.String("fallback", "", "the server to use while the first is down")
	flag.Parse()

	group := support.New("redisproxy")
	if err := group.Upstream.Add("redis", redis(*first, *second)); err != nil {
		log.Fatal(err)
	}
	group.Stream(*listen, func(ctx context.Context, nc net.Conn) error {
		return (&session{up: &support.From(ctx).Upstream}).serve(ctx, nc)
	})
	support.Main(group)
}

// redis describes the servers.
func redis(first, second string) upstream.Service {
	service := upstream.Service{
		Tiers:    []upstream.Tier{upstream.At(first)},
		Timeouts: upstream.Timeouts{Response: 2 * time.Second},
		Health:   upstream.Health{Failures: 3, Down: 500 * time.Millisecond, MaxDown: 5 * time.Second, Probe: ping},
	}
	if second != "" {
		service.Tiers = append(service.Tiers, upstream.At(second))
	}
	return service
}

// ping asks whether a server answers, and has loaded its data.
func ping(_ context.Context, conn *upstream.Conn) error {
	w := resp.Writer{Conn: conn.Messages()}
	w.Command("PING")
	if err := w.Flush(); err != nil {
		return err
	}
	v, err := (&resp.Reader{Conn: conn.Messages()}).Read()
	if err != nil {
		return err
	}
	return v.Err()
}

// session is one client.
type session struct {
	up     *upstream.Manager
	client *netbuf.Conn
}

func (s *session) serve(ctx context.Context, nc net.Conn) error {
	s.client = netbuf.NewConn(nc)
	s.client.Limits.WriteTimeout = 10 * time.Second
	reader := resp.Reader{Conn: s.client}
	writer := resp.Writer{Conn: s.client}
	for {
		command, err := reader.ReadCommand()
		switch {
		case err == nil:
		case errors.Is(err, resp.ErrSyntax), errors.Is(err, resp.ErrNotCommand), errors.Is(err, netbuf.ErrTooLong):
			writer.Error("ERR " + err.Error())
			return errors.Join(err, writer.Flush())
		default:
			return nil // the client has gone, which is how sessions end
		}
		s.answer(ctx, &writer, command)
		if len(s.client.Buffered()) > 0 {
			continue // pipelined: the answers go out together
		}
		if err := writer.Flush(); err != nil {
			return err
		}
	}
}

// answer answers one command.
func (s *session) answer(ctx context.Context, w *resp.Writer, command resp.Command) {
	if len(command.Args) == 0 {
		return
	}
	name := strings.ToUpper(string(command.Args[0]))
	if needsConnection(name) {
		w.Error("ERR redisproxy: " + name + " needs a connection of its own")
		return
	}
	answer, err := s.ask(ctx, name, command.Raw)
	if err != nil {
		w.Error("ERR redisproxy: " + err.Error())
		return
	}
	w.Raw(answer)
}

// ask has a server answer, and another if that fails and the command only reads.
func (s *session) ask(ctx context.Context, name string, raw []byte) ([]byte, error) {
	if onlyReads(name) {
		return upstream.Call(ctx, s.up, "redis", func(_ context.Context, conn *upstream.Conn) ([]byte, error) {
			return exchange(conn, raw)
		})
	}
	conn, err := s.up.Get(ctx, "redis")
	if err != nil {
		return nil, err
	}
	defer conn.Release()
	answer, err := exchange(conn, raw)
	if err != nil {
		conn.Fail(err)
		return nil, fmt.Errorf("no answer, and the command may have been executed: %w", err)
	}
	return answer, nil
}

// exchange sends a command and returns a copy of the answer.
func exchange(conn *upstream.Conn, raw []byte) ([]byte, error) {
	if _, err := conn.Write(raw); err != nil {
		return nil, err
	}
	v, err := (&resp.Reader{Conn: conn.Messages()}).Read()
	if err != nil {
		return nil, err
	}
	return v.Clone().Raw(), nil
}

// needsConnection tells the commands that change the connection, or wait on it.
func needsConnection(name string) bool {
	switch name {
	case "MULTI", "EXEC", "DISCARD", "WATCH", "UNWATCH", "SELECT", "AUTH", "HELLO", "RESET", "QUIT", "MONITOR", "SYNC", "PSYNC",
		"SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE", "UNSUBSCRIBE", "PUNSUBSCRIBE", "SUNSUBSCRIBE", "CLIENT", "SHUTDOWN",
		"BLPOP", "BRPOP", "BLMOVE", "BRPOPLPUSH", "BLMPOP", "BZPOPMIN", "BZPOPMAX", "BZMPOP", "XREAD", "XREADGROUP", "WAIT":
		return true
	}
	return false
}

// onlyReads tells commands that may be repeated.
func onlyReads(name string) bool {
	switch name {
	case "GET", "MGET", "STRLEN", "EXISTS", "TTL", "PTTL", "TYPE", "HGET", "HGETALL", "HMGET", "LRANGE", "LLEN", "SMEMBERS",
		"SISMEMBER", "SCARD", "ZRANGE", "ZSCORE", "ZCARD", "PING", "ECHO", "DBSIZE", "KEYS", "SCAN":
		return true
	}
	return false
}
