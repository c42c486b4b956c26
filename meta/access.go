package meta

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net"
	"net/http"
	"slices"
	"strings"
)

// Role is what somebody may do.
type Role int

// The roles. Each may what those before it may.
const (
	Nobody   Role = iota
	Viewer        // see
	Operator      // act
)

// String returns the role in lower case.
func (r Role) String() string {
	switch r {
	case Viewer:
		return "viewer"
	case Operator:
		return "operator"
	}
	return "nobody"
}

// Access says who may see a Handler, and do what. The zero value refuses all
// with 403.
type Access struct {
	// Tokens let in those who know them: programs by a header "Authorization:
	// Bearer …", people by a form.
	Tokens []Token

	// Who tells who has sent a request, for instance by a client certificate,
	// or an error if that is nobody. It may be nil.
	Who func(r *http.Request) (Person, error)

	// Anybody is the role of those who do not say who they are. Give them one
	// only if all who can connect may have it, as on a loopback address.
	Anybody Role

	// Hosts are names by which the page may be asked for, besides loopback
	// addresses and localhost, with the port if it is not that of the listener.
	// Any other host is refused: it may be a trap for browsers (DNS rebinding).
	Hosts []string

	// Hint says, on the page that asks for a token, where to find one.
	Hint string
}

// Person is somebody who is known.
type Person struct {
	Name string
	Role Role
}

// Token is a secret that lets in. Only its hash is kept.
type Token struct {
	Name string // of who has it, in the log
	Role Role
	Hash [sha256.Size]byte // by HashToken
}

// HashToken returns what a Token keeps of a secret. The secret should have 256
// bits that nobody can guess: it is not made harder to try out.
func HashToken(secret string) [sha256.Size]byte { return sha256.Sum256([]byte(secret)) }

var (
	errNobody = errors.New("nobody may see this: set Access")
	errToken  = errors.New("this token is not known here")
)

// closed says that there is nobody who may see anything.
func (a *Access) closed() bool { return len(a.Tokens) == 0 && a.Who == nil && a.Anybody == Nobody }

// token returns whose secret this is. It takes as long for a wrong one as for a
// right one.
func (a *Access) token(secret string) (Person, error) {
	hash := HashToken(secret)
	found := Person{}
	for _, t := range a.Tokens {
		if subtle.ConstantTimeCompare(hash[:], t.Hash[:]) == 1 && t.Role > found.Role {
			found = Person{t.Name, t.Role}
		}
	}
	if found.Role == Nobody {
		return Person{}, errToken
	}
	return found, nil
}

// bearer returns the secret of a request by a program.
func bearer(r *http.Request) (secret string, given bool) {
	scheme, secret, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	return secret, strings.EqualFold(scheme, "Bearer")
}

// hostAllowed says whether a request asks for this page by a name that it has.
func (a *Access) hostAllowed(r *http.Request) bool {
	local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if _, unix := local.(*net.UnixAddr); unix {
		return true // no browser gets here
	}
	if slices.ContainsFunc(a.Hosts, func(h string) bool { return strings.EqualFold(h, r.Host) }) {
		return true
	}
	host, port, err := net.SplitHostPort(r.Host)
	if err != nil {
		host, port = strings.TrimSuffix(strings.TrimPrefix(r.Host, "["), "]"), ""
	}
	// With another port somebody has forwarded his own to this one, as ssh -L
	// does. No trap can make a browser name a loopback address.
	if ip := net.ParseIP(host); strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback() {
		return true
	}
	tcp, _ := local.(*net.TCPAddr)
	return tcp != nil && portFits(port, tcp.Port, r.TLS != nil) &&
		slices.ContainsFunc(a.Hosts, func(h string) bool { return strings.EqualFold(h, host) })
}

// portFits says whether a Host header names the port that the request came to.
func portFits(named string, actual int, secure bool) bool {
	if named == "" {
		named = "80"
		if secure {
			named = "443"
		}
	}
	return named == itoa(actual)
}
