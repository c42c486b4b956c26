package pipeline

import (
	"context"
	"fmt"
	"sync"

	"github.com/support-go/support/netbuf"
)

// call is one request.
type call[Q, A any] struct {
	request Q
	done    chan result[A] // has room for the one result
}

type result[A any] struct {
	answer A
	err    error
}

// line is one connection of a Client.
type line[Q, A any] struct {
	client *Client[Q, A]
	limits Limits

	ready    chan struct{} // closed once conn is there
	over     chan struct{} // closed when the line has come to its end; err says why
	err      error
	once     sync.Once
	requests chan *call[Q, A]
	due      chan *call[Q, A] // sent, in this order; what is under way
	conn     *netbuf.Conn
}

func newLine[Q, A any](c *Client[Q, A]) *line[Q, A] {
	limits := c.Limits.withDefaults()
	return &line[Q, A]{
		client: c, limits: limits,
		ready: make(chan struct{}), over: make(chan struct{}),
		requests: make(chan *call[Q, A]), due: make(chan *call[Q, A], limits.Depth),
	}
}

func (l *line[Q, A]) isOver() bool {
	select {
	case <-l.over:
		return true
	default:
		return false
	}
}

// end ends the line. Only the first reason counts.
func (l *line[Q, A]) end(why error) {
	l.once.Do(func() {
		l.err = why
		close(l.over)
	})
}

// run connects and then sends and receives until something fails.
func (l *line[Q, A]) run(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var wait sync.WaitGroup
	wait.Go(func() { // the end, whoever says so, ends dialling, reading and writing
		<-l.over
		cancel()
		select {
		case <-l.ready:
			_ = l.conn.Close() // what it was used for has failed already
		default:
		}
	})
	nc, err := l.client.Dial(ctx)
	if err != nil {
		l.end(err)
		wait.Wait()
		return
	}
	l.conn = netbuf.NewConn(nc)
	l.conn.Limits = netbuf.Limits{Message: l.limits.Message, ReadTimeout: l.limits.Answer, WriteTimeout: l.limits.Answer}
	close(l.ready)
	if l.isOver() {
		_ = nc.Close()
	}
	wait.Go(l.receive)
	l.send()
	wait.Wait()
}

// send writes requests, as many as there are in one go.
func (l *line[Q, A]) send() {
	for {
		select {
		case call := <-l.requests:
			if !l.queue(call) {
				return
			}
		case <-l.over:
			return
		}
		for more := true; more; {
			select {
			case call := <-l.requests:
				if !l.queue(call) {
					return
				}
			default:
				more = false
			}
		}
		if err := l.conn.Flush(); err != nil {
			l.end(err)
			return
		}
	}
}

// queue writes one request. It is due before it can be answered.
func (l *line[Q, A]) queue(call *call[Q, A]) bool {
	select {
	case l.due <- call:
	default: // as many as allowed are under way: let what is queued go out, and wait
		if err := l.conn.Flush(); err != nil {
			l.end(err)
			return false
		}
		select {
		case l.due <- call:
		case <-l.over:
			return false
		}
	}
	if err := l.write(call.request); err != nil {
		l.end(err)
		return false
	}
	return true
}

// write has the user's function write. A panic there ends this line only.
func (l *line[Q, A]) write(request Q) (err error) {
	defer recovered("Write", &err)
	return l.client.Write(l.conn, request)
}

// receive reads answers for those that are due.
func (l *line[Q, A]) receive() {
	for {
		select {
		case call := <-l.due:
			answer, err := l.read()
			if err != nil {
				l.end(err)
				return
			}
			call.done <- result[A]{answer: answer}
		case <-l.over:
			return
		}
	}
}

func (l *line[Q, A]) read() (answer A, err error) {
	defer recovered("Read", &err)
	return l.client.Read(l.conn)
}

// recovered turns a panic into an error.
func recovered(where string, err *error) {
	if v := recover(); v != nil {
		*err = fmt.Errorf("panic in %s: %v", where, v)
	}
}
