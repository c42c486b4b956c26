//go:build linux || darwin

package support_test

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/support-go/support"
	"github.com/support-go/support/supporttest"
)

// TestPacketReloads reloads two workers a dozen times while clients ask. Each
// question is answered: whoever stops reading leaves it to the next.
func TestPacketReloads(t *testing.T) {
	if testing.Short() {
		t.Skip("many processes")
	}
	group := support.New("reloading")
	group.Workers = 2
	server := group.Packet("127.0.0.1:0", echo)
	supporttest.Start(t, group)
	p := pound(t, server.Addr(), 4)
	for range 12 {
		if err := group.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	asked, unanswered := p.end()
	t.Logf("%d questions", asked)
	if unanswered > 0 || asked < 1000 {
		t.Errorf("%d of %d questions had no answer", unanswered, asked)
	}
}

// TestPacketInherited starts a program as systemd would, with a socket at which a
// datagram waits.
func TestPacketInherited(t *testing.T) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	inherited, err := conn.(*net.UDPConn).File()
	if err != nil {
		t.Fatal(err)
	}
	defer inherited.Close()
	early := correspond(t, conn.LocalAddr())
	early.send("early")
	env := []string{"LISTEN_FDS=1", "LISTEN_FDNAMES=web", "ADDRESS=fd:web"}
	p := startProgram(t, "packets", env, inherited)
	early.hears("early")
	p.signal(syscall.SIGTERM)
	p.exits(0)

	wrong := startProgram(t, "packets", env, file(t, listen(t, "tcp", "127.0.0.1:0")))
	wrong.exits(1)
	if said := wrong.stderr.String(); !strings.Contains(said, "carries no datagrams") {
		t.Errorf("a socket for connections: it said %s", said)
	}
}

// TestPacketTakeOver kills a supervisor and starts another one: the workers that
// are left serve until it has taken over, with the same socket.
func TestPacketTakeOver(t *testing.T) {
	if testing.Short() {
		t.Skip("many processes")
	}
	env := []string{"WORKERS=2", "RUNTIME_DIRECTORY=" + shortDir(t), "ADDRESS=" + freeAddress(t)}
	first := newProgram(t, "packets", env)
	first.start()
	addr, err := net.ResolveUDPAddr("udp", first.line())
	if err != nil {
		t.Fatal(err)
	}
	p := pound(t, addr, 2)
	first.signal(syscall.SIGKILL)
	_, _ = first.cmd.Process.Wait() // its output is the orphans' too, and not at its end
	second := newProgram(t, "packets", env)
	second.start()
	if again := second.line(); again != addr.String() {
		t.Errorf("the second listens on %s, the first did on %s", again, addr)
	}
	orphans := ""
	eventually(t, "orphans are left", func() bool {
		orphans = parentless(t, env[2])
		return orphans == ""
	})
	asked, unanswered := p.end()
	t.Logf("%d questions", asked)
	if unanswered > 0 || asked == 0 {
		t.Errorf("%d of %d questions had no answer", unanswered, asked)
	}
	second.signal(syscall.SIGTERM)
	second.exits(0)
}

// parentless names a process that has a variable in its environment, is no
// supervisor, and has none.
func parentless(t *testing.T, variable string) string {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Skip("needs /proc")
	}
	supervisors := make(map[int]bool)
	parents := make(map[int]int)
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		environ, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
		if err != nil || !strings.Contains(string(environ), variable+"\x00") {
			continue
		}
		if !strings.Contains(string(environ), "SUPPORT_LINK=") {
			supervisors[pid] = true
			continue
		}
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			continue
		}
		fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
		parents[pid], _ = strconv.Atoi(fields[1])
	}
	for pid, parent := range parents {
		if !supervisors[parent] {
			return strconv.Itoa(pid)
		}
	}
	return ""
}

// TestPacketFloodedReloads floods two workers while they are reloaded. What the
// workers have read and what the kernel has dropped is all that was sent.
func TestPacketFloodedReloads(t *testing.T) {
	if testing.Short() {
		t.Skip("many processes")
	}
	group := support.New("flooded")
	group.Workers = 2
	server := group.Packet("127.0.0.1:0", echo)
	server.Name, server.Packets = "flood", support.Packets{Handlers: 2, Buffer: 16 << 10}
	meta := group.Meta("127.0.0.1:0")
	supporttest.Start(t, group)
	c := correspond(t, server.Addr())
	sent := 0
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				c.send("silence")
				sent++
			}
		}
	}()
	for range 3 {
		if err := group.Reload(t.Context()); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	<-stopped
	eventually(t, "what was sent is neither read nor dropped", func() bool {
		read := scraped(t, meta, `packet_received_total\{server="flood"\}`)
		dropped := scraped(t, meta, `packet_kernel_drops\{server="flood"\}`)
		if int(read+dropped) != sent {
			return false
		}
		t.Logf("%d sent, %v read, %v dropped", sent, read, dropped)
		return dropped > 0 && read > 0
	})
}
