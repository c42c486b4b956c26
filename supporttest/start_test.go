package supporttest_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"testing"

	"github.com/support-go/support"
	"github.com/support-go/support/supporttest"
)

func TestAlone(t *testing.T) {
	group := support.New("alone")
	server := group.HTTP("127.0.0.1:0", http.HandlerFunc(pid))
	supporttest.Start(t, group)
	if got := ask(t, server.Addr()); got != os.Getpid() {
		t.Errorf("answered by process %d, want %d", got, os.Getpid())
	}
}

func TestWithWorkers(t *testing.T) {
	group := support.New("workers")
	group.Workers = 2
	server := group.HTTP("127.0.0.1:0", http.HandlerFunc(pid))
	supporttest.Start(t, group)
	if got := ask(t, server.Addr()); got == os.Getpid() || got == 0 {
		t.Errorf("answered by process %d, want another one than %d", got, os.Getpid())
	}
}

func TestInSubtest(t *testing.T) {
	t.Run("with a name/that (needs) quoting", func(t *testing.T) {
		group := support.New("sub")
		group.Workers = 1
		server := group.HTTP("127.0.0.1:0", http.HandlerFunc(pid))
		supporttest.Start(t, group)
		if got := ask(t, server.Addr()); got == os.Getpid() {
			t.Errorf("answered by process %d itself", got)
		}
	})
}

func pid(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, os.Getpid()) }

func ask(t *testing.T, addr net.Addr) int {
	t.Helper()
	resp, err := http.Get("http://" + addr.String())
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(string(body))
	if err != nil {
		t.Fatal(err)
	}
	return n
}
