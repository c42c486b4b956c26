package supporttest

import (
	"bytes"
	"context"
	"io"
	"net"
	"time"
)

// Say answers each line with the same bytes: garbage, half a message, or one
// too many.
func Say(answer string) Behaviour { return Lines(func(string) string { return answer }) }

// SayAndClose answers the first line and closes the connection, in mid-message
// if answer is half of one.
func SayAndClose(answer string) Behaviour {
	return func(_ context.Context, conn net.Conn, u *Upstream) {
		if _, err := readLine(conn); err == nil {
			u.Count()
			_, _ = io.WriteString(conn, answer) // a client that has gone is none of its business
		}
	}
}

// Endless answers the first line with bytes that never end, and no line feed.
func Endless() Behaviour {
	return func(_ context.Context, conn net.Conn, u *Upstream) {
		if _, err := readLine(conn); err != nil {
			return
		}
		u.Count()
		chunk := bytes.Repeat([]byte("x"), 64<<10)
		for {
			if _, err := conn.Write(chunk); err != nil {
				return
			}
		}
	}
}

// Silent accepts, reads, and never says anything: a black hole.
func Silent() Behaviour {
	return func(ctx context.Context, conn net.Conn, u *Upstream) {
		for {
			if _, err := readLine(conn); err != nil {
				break
			}
			u.Count()
		}
		_ = ctx // reading ends when the server resets its connections
	}
}

// Reset resets each connection at its first line.
func Reset() Behaviour {
	return func(_ context.Context, conn net.Conn, u *Upstream) {
		if _, err := readLine(conn); err == nil {
			u.Count()
		}
		if t, ok := conn.(interface{ NetConn() net.Conn }); ok {
			conn = t.NetConn()
		}
		reset(conn)
	}
}

// Slow answers each line as answer does, after a while.
func Slow(after time.Duration, answer func(line string) string) Behaviour {
	return func(ctx context.Context, conn net.Conn, u *Upstream) {
		for {
			line, err := readLine(conn)
			if err != nil {
				return
			}
			u.Count()
			timer := time.NewTimer(after)
			select {
			case <-timer.C:
			case <-ctx.Done():
				timer.Stop()
				return
			}
			if _, err := io.WriteString(conn, answer(line)); err != nil {
				return
			}
		}
	}
}

// Drip answers each line with answer, a byte at a time.
func Drip(every time.Duration, answer string) Behaviour {
	return func(ctx context.Context, conn net.Conn, u *Upstream) {
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		for {
			if _, err := readLine(conn); err != nil {
				return
			}
			u.Count()
			for i := range len(answer) {
				select {
				case <-ticker.C:
				case <-ctx.Done():
					return
				}
				if _, err := io.WriteString(conn, answer[i:i+1]); err != nil {
					return
				}
			}
		}
	}
}
