package support

import (
	"bytes"
	"cmp"
	"log"
	"log/slog"
	"strings"
	"time"

	"github.com/support-go/support/internal/journal"
	"github.com/support-go/support/internal/track"
	"github.com/support-go/support/stats"
)

// watchClients has the connections of u end whose clients keep no bound, and
// counts why.
func (p *process) watchClients(u *unit) {
	if u.server.Handler == nil { // what others expect of their peers is not known here
		return
	}
	u.ln.Stall = u.server.HTTP.withDefaults().Stall
	u.ln.Slow = cmp.Or(u.server.HTTP.Slow, p.group.slow())
	reg := &p.group.Stats
	reg.Describe("http.abuse", "connections and requests that were ended for what their client did, or did not do")
	counts := make(map[track.Fault]*stats.Counter)
	track.EachFault(func(f track.Fault) { counts[f] = reg.Counter("http.abuse", "kind", f.String()) })
	u.ln.Faults.Also = func(f track.Fault) { counts[f].Add(1) }
}

// slow is the default of HTTP.Slow: a quarter of the requests that may run, so
// that clients which stand still leave the rest to others.
func (g *Group) slow() int {
	limit := cmp.Or(g.Admit.Running, g.Admit.InFlight, 1024)
	return max(limit/4/max(len(g.servers), 1), 1)
}

// complaints is where a server of net/http logs to. Clients can make it complain as
// often as they like: of that there is a line now and then, with the number.
type complaints struct {
	log   *slog.Logger
	plain *log.Logger
	abuse *stats.Counter // of connections of HTTP/2 that net/http ends

	handshakes, ended journal.Journal[struct{}]
}

func (p *process) complaints(s *Server) *complaints {
	to := p.log.With("server", s.name())
	return &complaints{log: to, plain: slog.NewLogLogger(to.Handler(), slog.LevelWarn), abuse: p.group.Stats.Counter("http.abuse", "kind", "http2")}
}

// Write takes one line.
func (c *complaints) Write(line []byte) (int, error) {
	text := string(bytes.TrimSuffix(line, []byte("\n")))
	switch {
	case strings.HasPrefix(text, "http: TLS handshake error"):
		c.seldom(text, &c.handshakes)
	case strings.HasPrefix(text, "http2: server connection error"):
		c.abuse.Add(1)
		c.seldom(text, &c.ended)
	default:
		c.plain.Print(text)
	}
	return len(line), nil
}

func (c *complaints) seldom(text string, of *journal.Journal[struct{}]) {
	if since, total := of.Add(struct{}{}, time.Now()); since > 0 {
		c.log.Warn("a client was cut off", "error", text, "times", since, "in_all", total)
	}
}
