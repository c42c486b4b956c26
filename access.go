package support

import (
	"cmp"
	"fmt"
	"os"

	"github.com/support-go/support/meta"
	"github.com/support-go/support/meta/portrait"
	"github.com/support-go/support/prefork"
)

// access is who may see a server's page: what it says, or, on an address that
// only this machine reaches, anybody, and who has the operator's token may act.
func (v *panorama) access(s *Server) (meta.Access, error) {
	if s.Access.Who != nil || len(s.Access.Tokens) > 0 || s.Access.Anybody != meta.Nobody {
		return s.Access, nil
	}
	access := s.Access
	access.Anybody = meta.Viewer
	file, err := v.group.tokenFile(v.dir)
	if err != nil {
		return access, fmt.Errorf("leave a token for operators: %w", err)
	}
	token, err := file.Renew()
	if err != nil {
		return access, err
	}
	access.Tokens = []meta.Token{{Name: "operator", Role: meta.Operator, Hash: meta.HashToken(token)}}
	access.Hint = "The operator's token is in " + file.Path() + ", on the machine that this program runs on."
	return access, nil
}

// tokenFile is where the operator's token is left: in the directory of the
// supervisor, or, in a program that is one process, in one of its own name,
// which others may share.
func (g *Group) tokenFile(dir string) (portrait.TokenFile, error) {
	if dir != "" {
		return portrait.TokenFile{Dir: dir}, nil
	}
	dir = cmp.Or(g.Dir, prefork.RuntimeDir(g.Name))
	return portrait.TokenFile{Dir: dir, PID: pid()}, prefork.PrivateDir(dir)
}

// removeToken removes what access has left, at the end of a program that is one
// process.
func (g *Group) removeToken() {
	if file, err := g.tokenFile(""); err == nil && len(g.admin) > 0 {
		file.Remove()
		_ = os.Remove(file.Dir) // unless others have something in it
	}
}
