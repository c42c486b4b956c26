package sink

import (
	"cmp"
	"errors"
	"log/slog"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/support-go/support/logs"
)

// Syslog sends lines to a server that speaks RFC 5424, over UDP (RFC 5426), TCP
// (RFC 6587, with lengths) or a unix socket. The message and attributes of a
// record stay as they are, so that a line can be read back from behind the
// header:
//
//	<134>1 2026-11-22T07:12:03.123456Z web1 hello 4711 - - charge card                     outcome=success
//
// It connects with the first line, and again after an error. Put a Writer in
// front: a Syslog waits for its server, at most Timeout. Methods may be called
// by any number of goroutines.
type Syslog struct {
	Network  string        // "udp", "tcp", "unixgram" or "unix"; required
	Address  string        // required
	App      string        // the name of the program; default that of the process
	Host     string        // default the system's
	Facility int           // as in RFC 5424; default 16, local0
	Timeout  time.Duration // of a connection or a line; default 5 s

	mu   sync.Mutex // guards conn
	conn net.Conn
}

// maxDatagram is what UDP can carry.
const maxDatagram = 60 << 10

// Write sends the lines in p.
func (s *Syslog) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return eachLine(p, func(line string) error {
		err := s.send(line)
		if err != nil && !errors.Is(err, errTooLong) && s.conn != nil {
			_ = s.conn.Close()
			s.conn = nil
			err = s.send(line) // the server may have been started anew
		}
		return err
	})
}

func (s *Syslog) send(line string) error {
	timeout := cmp.Or(s.Timeout, 5*time.Second)
	if s.conn == nil {
		conn, err := net.DialTimeout(s.Network, s.Address, timeout)
		if err != nil {
			return err
		}
		s.conn = conn
	}
	packet := s.format(line)
	switch s.Network {
	case "tcp", "unix":
		packet = strconv.Itoa(len(packet)) + " " + packet
	default:
		if len(packet) > maxDatagram {
			return errTooLong
		}
	}
	if err := s.conn.SetWriteDeadline(time.Now().Add(timeout)); err != nil {
		return err
	}
	_, err := s.conn.Write([]byte(packet))
	return err
}

// format puts the header before what a line says after its time and level.
func (s *Syslog) format(line string) string {
	level, when, text := slog.LevelInfo, time.Now(), line
	if r, err := logs.Parse(line); err == nil {
		level, text = r.Level, line[strings.Index(line, r.Level.String())+len(r.Level.String()):]
		if !r.Time.IsZero() {
			when = r.Time
		}
	}
	host, _ := os.Hostname()
	return "<" + strconv.Itoa(cmp.Or(s.Facility, 16)*8+priority(level)) + ">1 " +
		when.Format("2006-01-02T15:04:05.000000Z07:00") + " " +
		oneWord(cmp.Or(s.Host, host), 255) + " " + oneWord(cmp.Or(s.App, ownName()), 48) + " " +
		strconv.Itoa(os.Getpid()) + " - - " + strings.TrimLeft(text, " ")
}

func ownName() string {
	name := os.Args[0]
	return name[strings.LastIndexByte(name, '/')+1:]
}

// Close ends the connection. The next line makes another.
func (s *Syslog) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn == nil {
		return nil
	}
	err := s.conn.Close()
	s.conn = nil
	return err
}
