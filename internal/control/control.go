// Package control asks and answers questions between the processes of one
// user on one machine: a line of JSON each way over a unix socket, and
// descriptors beside it where the answer is a socket.
//
//	echo '{"do":"status"}' | nc -U /run/support/hello/control.sock
//
// A server admits root and its own user, by the kernel's word for who has
// connected; it reads at most MaxLine bytes, within ReadTimeout, from at most
// MaxClients at once.
package control

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"time"
)

// Bounds on what a client can make a server hold.
const (
	MaxLine     = 1 << 20
	MaxClients  = 16
	ReadTimeout = 5 * time.Second
)

// ErrRefused is the error of a question that was understood and answered with
// an error; the text is the server's.
var ErrRefused = errors.New("refused")

// Request asks for one thing to be done.
type Request struct {
	Do      string `json:"do"`
	Workers int    `json:"workers,omitempty"` // for a command that needs a number of them
	Slot    int    `json:"slot,omitempty"`    // for a command that is about one worker

	// For the command that is about the log.
	Level   slog.Level `json:"level,omitzero"`
	Package string     `json:"package,omitempty"`
	Minutes int        `json:"minutes,omitempty"`
}

// Answer is what came of it. Descriptors are passed on to the client, which
// gets its own copies; the server's stay open and the server's.
type Answer struct {
	Value       any
	Descriptors []int
}

// Handler answers one request. Its ctx ends when the server stops; that the
// client has gone away is noticed only with the answer.
type Handler func(ctx context.Context, request Request) (Answer, error)

// reply is an answer as it is sent.
type reply struct {
	Error string          `json:"error,omitempty"`
	Value json.RawMessage `json:"value,omitempty"`
}

// Ask sends one request to the server at path and stores the answer's value
// in value, which may be nil. The descriptors that came with it belong to the
// caller; they are closed on exec.
func Ask(ctx context.Context, path string, request Request, value any) (descriptors []int, err error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "unix", path)
	if err != nil {
		return nil, fmt.Errorf("control: %w", err)
	}
	defer conn.Close()
	return AskOver(ctx, conn.(*net.UnixConn), request, value)
}

// AskOver is Ask over a connection that is there already. One question at a
// time may be under way on it.
func AskOver(ctx context.Context, conn *net.UnixConn, request Request, value any) (descriptors []int, err error) {
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	descriptors, err = ask(conn, request, value)
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		closeAll(descriptors)
		return nil, fmt.Errorf("control: %s: %w", request.Do, err)
	}
	return descriptors, nil
}

func ask(conn *net.UnixConn, request Request, value any) ([]int, error) {
	if err := writeLine(conn, request, nil); err != nil {
		return nil, err
	}
	r := &receiver{conn: conn}
	line, err := readLine(bufio.NewReader(r))
	if err != nil {
		return r.descriptors, err
	}
	var answer reply
	if err := json.Unmarshal(line, &answer); err != nil {
		return r.descriptors, fmt.Errorf("answer: %w", err)
	}
	if answer.Error != "" {
		return r.descriptors, fmt.Errorf("%w: %s", ErrRefused, answer.Error)
	}
	if value == nil {
		return r.descriptors, nil
	}
	return r.descriptors, json.Unmarshal(answer.Value, value)
}

// readLine reads to the end of a line, or of the stream, and at most MaxLine
// bytes.
func readLine(r *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		if len(line)+len(part) > MaxLine {
			return nil, fmt.Errorf("line longer than %d bytes", MaxLine)
		}
		line = append(line, part...)
		switch {
		case err == nil, err == io.EOF && len(line) > 0:
			return line, nil
		case errors.Is(err, bufio.ErrBufferFull):
		default:
			return nil, err
		}
	}
}

// writeLine sends v as one line. Descriptors travel with its first byte.
func writeLine(conn *net.UnixConn, v any, descriptors []int) error {
	line, err := json.Marshal(v)
	if err != nil {
		return err
	}
	line = append(line, '\n')
	if len(descriptors) == 0 {
		_, err = conn.Write(line)
		return err
	}
	n, _, err := conn.WriteMsgUnix(line, rights(descriptors), nil)
	if err != nil {
		return err
	}
	_, err = conn.Write(line[n:])
	return err
}
