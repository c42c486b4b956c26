package sink_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/support-go/support/logs"
	"github.com/support-go/support/logs/sink"
)

const aLine = `2026-11-22T07:12:03.123456Z WARN  charge card                     amount=7 user.id="a\nb" priority=x` + "\n"

func listen(t *testing.T, network, address string) net.PacketConn {
	t.Helper()
	conn, err := net.ListenPacket(network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return conn
}

func receive(t *testing.T, conn net.PacketConn) string {
	t.Helper()
	b := make([]byte, 64<<10)
	n, _, err := conn.ReadFrom(b)
	if err != nil {
		t.Fatal(err)
	}
	return string(b[:n])
}

func TestSyslogDatagrams(t *testing.T) {
	server := listen(t, "udp", "127.0.0.1:0")
	s := &sink.Syslog{Network: "udp", Address: server.LocalAddr().String(), App: "he llo", Host: "web1"}
	defer func() { _ = s.Close() }()
	if n, err := s.Write([]byte(aLine + "printed\n")); err != nil || n != len(aLine)+8 {
		t.Fatal(n, err)
	}
	want := fmt.Sprintf(`<132>1 2026-11-22T07:12:03.123456Z web1 hello %d - - `, os.Getpid()) + strings.TrimSuffix(aLine[34:], "\n")
	got := receive(t, server)
	if got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if _, err := logs.Parse("WARN  " + got[strings.Index(got, "- - ")+4:]); err != nil {
		t.Error(err)
	}
	if got := receive(t, server); !strings.HasPrefix(got, "<134>1 ") || !strings.HasSuffix(got, " - - printed") {
		t.Errorf("a line that is no record: %q", got)
	}
}

func TestSyslogStream(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	s := &sink.Syslog{Network: "tcp", Address: ln.Addr().String()}
	defer func() { _ = s.Close() }()
	for range 2 { // the server goes and comes back
		if _, err := s.Write([]byte(aLine + aLine)); err != nil {
			t.Fatal(err)
		}
		conn, err := ln.Accept()
		if err != nil {
			t.Fatal(err)
		}
		in := bufio.NewReader(conn)
		for range 2 {
			length, err := in.ReadString(' ')
			if err != nil {
				t.Fatal(err)
			}
			n, err := strconv.Atoi(strings.TrimSpace(length))
			if err != nil {
				t.Fatal(err)
			}
			message := make([]byte, n)
			if _, err := io.ReadFull(in, message); err != nil || !strings.HasSuffix(string(message), "priority=x") {
				t.Errorf("%q, %v", message, err)
			}
		}
		_ = conn.Close()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestSyslogAbsent(t *testing.T) {
	s := &sink.Syslog{Network: "unixgram", Address: filepath.Join(t.TempDir(), "none")}
	if n, err := s.Write([]byte(aLine)); err == nil || n != 0 {
		t.Errorf("%d bytes went nowhere", n)
	}
}

func TestJournal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j")
	server := listen(t, "unixgram", path)
	j := &sink.Journal{App: "hello", Path: path}
	defer func() { _ = j.Close() }()
	if _, err := j.Write([]byte(aLine)); err != nil {
		t.Fatal(err)
	}
	want := "MESSAGE=charge card\nPRIORITY=4\nSYSLOG_IDENTIFIER=hello\nSYSLOG_TIMESTAMP=2026-11-22T07:12:03.123456Z\nAMOUNT=7\nUSER_ID\n\x03\x00\x00\x00\x00\x00\x00\x00a\nb\nATTR_PRIORITY=x\n"
	if got := receive(t, server); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if _, err := j.Write([]byte("INFO  x  _k=1 9=2 ü=3 a-b.c={\"n\":[1]}\n")); err != nil {
		t.Fatal(err)
	}
	if got := receive(t, server); !strings.HasSuffix(got, "\nK=1\nA_B_C={\"n\":[1]}\n") {
		t.Errorf("odd names: %q", got)
	}
	if n, err := j.Write([]byte("INFO  " + strings.Repeat("x", 100_000) + "\n")); err != nil || n != 100_007 {
		t.Errorf("a long line: %d, %v", n, err)
	}
	if got := receive(t, server); len(got) > 5000 {
		t.Errorf("a long line: %d bytes", len(got))
	}
}

func TestUnderJournal(t *testing.T) {
	t.Setenv("JOURNAL_STREAM", "1:2")
	if sink.UnderJournal() {
		t.Error("this is not the journal's stream")
	}
}

func ExampleSyslog() {
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close()
	s := &sink.Syslog{Network: "udp", Address: server.LocalAddr().String(), Host: "web1", App: "hello"}
	fmt.Fprintln(s, "2026-11-22T07:12:03.123456Z INFO  group serves  workers=2")
	packet := make([]byte, 1000)
	n, _, err := server.ReadFrom(packet)
	fmt.Println(strings.Replace(string(packet[:n]), strconv.Itoa(os.Getpid()), "PID", 1), err)
	fmt.Println(s.Close())
	// Output:
	// <134>1 2026-11-22T07:12:03.123456Z web1 hello PID - - group serves  workers=2 <nil>
	// <nil>
}

func ExampleJournal() {
	j := &sink.Journal{App: "hello"}
	w := sink.NewWriter(j, sink.Limits{Fallback: io.Discard}, nil)
	fmt.Fprintln(w, "INFO  group serves  workers=2") // journalctl -t hello WORKERS=2
	fmt.Println(w.Close())
	// Output: <nil>
}
