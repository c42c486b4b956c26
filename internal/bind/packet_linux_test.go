package bind_test

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/support-go/support/internal/bind"
)

// TestBuffer: what the kernel does not give is said. Root gets what it asks for,
// so the test runs once more as nobody.
func TestBuffer(t *testing.T) {
	if os.Geteuid() == 0 {
		const nobody = 65534
		again := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run=^TestBuffer$", "-test.v")
		again.Dir = "/"
		again.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		if said, err := again.CombinedOutput(); err != nil || !strings.Contains(string(said), "--- PASS: TestBuffer") {
			t.Errorf("as nobody: %v\n%s", err, said)
		}
		return
	}
	s := bind.Socket{Network: "udp", Address: "127.0.0.1:0", Buffer: 1 << 29}
	if _, err := s.ListenPacket(t.Context()); err == nil || !strings.Contains(err.Error(), "net.core.rmem_max") {
		t.Errorf("got %v, want what to do", err)
	}
}
