package prefork_test

import (
	"strings"
	"testing"

	"github.com/support-go/support/internal/bind"
	"github.com/support-go/support/prefork"
)

// TestCheckRoles: a socket that nobody would ever accept on is refused.
func TestCheckRoles(t *testing.T) {
	t.Parallel()
	web := bind.Socket{Name: "web", Network: "tcp", Address: "127.0.0.1:0"}
	tests := map[string]*prefork.Supervisor{
		"a socket's":      {Sockets: []prefork.Socket{{Socket: web, Role: "nobody"}}},
		"a second worker": {Helpers: []string{prefork.WorkerRole}},
		"nameless":        {Helpers: []string{""}},
		"twice":           {Helpers: []string{"aide", "aide"}},
	}
	for name, s := range tests {
		s.Name, s.Workers = "x", 1
		t.Run(name, func(t *testing.T) {
			if err := s.Check(); err == nil || !strings.Contains(err.Error(), "role") {
				t.Errorf("Check = %v, want an error about a role", err)
			}
		})
	}
}
