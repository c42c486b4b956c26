package sink

import (
	"cmp"
	"encoding/binary"
	"encoding/json"
	"log/slog"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/support-go/support/logs"
)

// Journal sends records to the journal of systemd in its native protocol:
// attributes become fields, by which journalctl can search. That of a record
// "charge card" with user.id=7 are MESSAGE, PRIORITY, SYSLOG_IDENTIFIER and
// USER_ID. Put a Writer in front. Methods may be called by any number of
// goroutines.
type Journal struct {
	App  string // the identifier, as in journalctl -t; default the name of the process
	Path string // of the socket; default that of the system

	mu   sync.Mutex // guards conn
	conn net.Conn
}

const journalSocket = "/run/systemd/journal/socket"

// Write sends the records in p.
func (j *Journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return eachLine(p, func(line string) error {
		packet := j.format(line)
		if len(packet) > maxDatagram { // at most twice the limits of a Handler, where nothing was changed
			packet = j.format(line[:4<<10] + "…")
		}
		err := j.send(packet)
		if err != nil && j.conn != nil {
			_ = j.conn.Close()
			j.conn = nil
			err = j.send(packet) // the journal may have been started anew
		}
		return err
	})
}

func (j *Journal) send(packet []byte) error {
	if j.conn == nil {
		conn, err := net.Dial("unixgram", cmp.Or(j.Path, journalSocket))
		if err != nil {
			return err
		}
		j.conn = conn
	}
	if err := j.conn.SetWriteDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return err
	}
	_, err := j.conn.Write(packet)
	return err
}

func (j *Journal) format(line string) []byte {
	r, err := logs.Parse(line)
	if err != nil {
		r = slog.NewRecord(time.Now(), slog.LevelInfo, line, 0)
	}
	b := appendField(nil, "MESSAGE", r.Message)
	b = appendField(b, "PRIORITY", strconv.Itoa(priority(r.Level)))
	b = appendField(b, "SYSLOG_IDENTIFIER", cmp.Or(j.App, ownName()))
	if !r.Time.IsZero() {
		b = appendField(b, "SYSLOG_TIMESTAMP", r.Time.Format(time.RFC3339Nano))
	}
	r.Attrs(func(a slog.Attr) bool {
		b = appendAttr(b, "", a)
		return true
	})
	return b
}

func appendAttr(b []byte, prefix string, a slog.Attr) []byte {
	name := prefix + fieldName(a.Key)
	if a.Value.Kind() == slog.KindGroup {
		for _, m := range a.Value.Group() {
			b = appendAttr(b, name+"_", m)
		}
		return b
	}
	text := a.Value.String()
	if raw, ok := a.Value.Any().(json.RawMessage); ok {
		text = string(raw)
	}
	switch name = strings.TrimLeft(name, "_0123456789"); name {
	case "":
		return b
	case "MESSAGE", "PRIORITY", "SYSLOG_IDENTIFIER", "SYSLOG_TIMESTAMP":
		name = "ATTR_" + name
	}
	return appendField(b, name[:min(len(name), 64)], text)
}

// fieldName is what the journal can have of a key.
func fieldName(key string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return r
		}
		return '_'
	}, key)
}

// appendField writes a field in one of the two forms there are: that for texts
// of several lines has a length.
func appendField(b []byte, name, value string) []byte {
	b = append(b, name...)
	if !strings.Contains(value, "\n") {
		return append(append(append(b, '='), value...), '\n')
	}
	b = binary.LittleEndian.AppendUint64(append(b, '\n'), uint64(len(value)))
	return append(append(b, value...), '\n')
}

// Close ends the connection. The next line makes another.
func (j *Journal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.conn == nil {
		return nil
	}
	err := j.conn.Close()
	j.conn = nil
	return err
}

// UnderJournal says whether standard error goes to the journal.
func UnderJournal() bool {
	stream := os.Getenv("JOURNAL_STREAM")
	return stream != "" && stream == streamOf(os.Stderr)
}
