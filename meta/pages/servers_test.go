package pages_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/support-go/support/accept"
	"github.com/support-go/support/admit"
	"github.com/support-go/support/meta/data"
	"github.com/support-go/support/meta/pages"
	"github.com/support-go/support/pressure"
	"github.com/support-go/support/stats"
)

func ExampleServers() {
	gate := admit.New(admit.Limits{Running: 4}, nil, nil)
	page := pages.Servers(func() pages.Serving {
		return pages.Serving{Gate: gate, Servers: []pages.Server{{Name: "api", Network: "tcp", Address: "127.0.0.1:8080"}}}
	})
	got, _ := page.Run(context.Background(), nil)
	for _, b := range data.From(page.Title, got).Blocks {
		if b.Table != nil && b.Name == "servers" {
			fmt.Println(b.Table.Rows[0].Cells[0], b.Table.Rows[0].Cells[1])
		}
	}
	// Output: api 127.0.0.1:8080
}

// busy is a process with one server, whose gate has shed a request.
func busy(t *testing.T, conns int) pages.Serving {
	t.Helper()
	reg, quiet := new(stats.Registry), slog.New(slog.DiscardHandler)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	q := accept.NewQueue(ln, accept.Limits{}, reg, quiet)
	t.Cleanup(func() { _ = q.Close() })
	for range conns {
		client, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		c, err := q.Accept()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _, _ = client.Close(), c.Close() })
	}
	gate := admit.New(admit.Limits{Running: 3}, reg, quiet)
	gate.Favour(admit.Critical)
	w := httptest.NewRecorder()
	gate.Handler(http.NotFoundHandler(), admit.Policy{}).ServeHTTP(w, httptest.NewRequest("GET", "/<script>alert(1)</script>", nil))
	if w.Code != http.StatusServiceUnavailable {
		t.Fatalf("the gate answers %d, want 503", w.Code)
	}
	return pages.Serving{
		Servers: []pages.Server{{Name: "api", Network: "tcp", Address: "127.0.0.1:8080", Protocol: "HTTP/1.1", Queue: q, Backlog: 1 << 20}},
		Gate:    gate, Stats: reg, Marks: pressure.Watch{}.InForce(),
		Short:  pressure.Reading{Signals: pressure.Signals{Memory: 0.9}, Level: pressure.Short, Cause: "memory"},
		Relief: func(l pressure.Level) string { return "does " + l.String() },
	}
}

// value is the text of a cell of a row.
func value(t *testing.T, v data.View, block, key, column string) data.Cell {
	t.Helper()
	row := find(v, block, key)
	for _, b := range v.Blocks {
		if b.Name != block || b.Table == nil || row == nil {
			continue
		}
		for i, c := range b.Table.Columns {
			if c.Name == column {
				return row.Cells[i]
			}
		}
	}
	t.Fatalf("no %s of %q in %s: %+v", column, key, block, v)
	return data.Cell{}
}

func figure(v data.View, name string) data.Cell {
	for _, b := range v.Blocks {
		for _, f := range append(b.Figures, b.Fields...) {
			if f.Name == name {
				return f.Cell
			}
		}
	}
	return data.Cell{Value: "no such figure"}
}

// merged is what two workers show together, one of them after it has travelled.
func merged(t *testing.T, one, two data.View) data.View {
	t.Helper()
	b, err := data.Encode(two)
	if err != nil {
		t.Fatal(err)
	}
	back, err := data.Decode(strings.NewReader(string(b)))
	if err != nil {
		t.Fatal(err)
	}
	return data.MergeAll([]data.Answer{{From: "w1", View: one}, {From: "w2", View: back}})
}

func TestServersOfTwoWorkers(t *testing.T) {
	one, two := busy(t, 2), busy(t, 3)
	two.Short = pressure.Reading{}
	page := pages.Servers(func() pages.Serving { return one })
	v := merged(t, look(t, page), look(t, pages.Servers(func() pages.Serving { return two })))
	for column, want := range map[string]string{"open": "5", "address": "127.0.0.1:8080", "tls": "off", "queue": "0", "queue_age": "", "protocol": "HTTP/1.1"} {
		if got := value(t, v, "servers", "api", column).String(); got != want {
			t.Errorf("%s is %q, want %q", column, got, want)
		}
	}
	for name, want := range map[string]string{"open": "5", "limit": "6", "shed": "2", "pressure": "short", "lowest": "critical"} {
		if got := figure(v, name).String(); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if got := value(t, v, "shed", "pressure", "default").String(); got != "2" {
		t.Errorf("shed by pressure: %s, want 2", got)
	}
	if got := value(t, v, "relief", "short", "now").String() + value(t, v, "relief", "calm", "now").String(); got != "11" {
		t.Errorf("processes at the levels short and calm: %s, want 1 and 1", got)
	}
	if got := find(v, "requests", "w2"); got == nil || got.Cells[2].String() != "GET /<script>alert(1)</script>" {
		t.Errorf("the request that was shed is %+v", got)
	}
	if said := page.Verdict(v); said == nil || said.State != data.Look {
		t.Errorf("the verdict is %+v, want one about pressure", said)
	}
	if said := page.Verdict(look(t, pages.Servers(func() pages.Serving { return two }))); said != nil {
		t.Errorf("the verdict on a process that is calm is %+v", said)
	}
}

func TestServersOfNothing(t *testing.T) {
	page := pages.Servers(func() pages.Serving { return pages.Serving{} })
	v := look(t, page)
	if said := page.Verdict(v); said != nil {
		t.Errorf("the verdict is %+v", said)
	}
	for _, b := range v.Blocks {
		if b.Name == "servers" && (len(b.Table.Rows) != 0 || b.Table.Empty == "") {
			t.Errorf("%+v, want no rows and a word about that", b.Table)
		}
	}
}

func TestCertificates(t *testing.T) {
	of := func(left time.Duration) *tls.Config {
		leaf := &x509.Certificate{Subject: pkix.Name{CommonName: `"><b>shop`}, NotAfter: time.Now().Add(left)}
		return &tls.Config{Certificates: []tls.Certificate{{Leaf: leaf}}}
	}
	tests := map[string]struct {
		config *tls.Config
		value  string
		state  data.State
	}{
		"none":          {nil, "off", ""},
		"not known":     {&tls.Config{}, "on", ""},
		"good":          {of(90*24*time.Hour + time.Hour), "on, for 90 d", ""},
		"to be renewed": {of(10*24*time.Hour + time.Hour), "on, for 10 d", data.Look},
		"ends":          {of(time.Hour), "on, for", data.Wrong},
		"over":          {of(-time.Hour), "expired", data.Wrong},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			page := pages.Servers(func() pages.Serving { return pages.Serving{Servers: []pages.Server{{Name: "api", TLS: test.config}}} })
			c := value(t, look(t, page), "servers", "api", "tls")
			got := strings.ReplaceAll(c.String(), "\u202f", " ")
			if !strings.HasPrefix(got, test.value) || c.State != test.state {
				t.Errorf("%q, %q; want %q, %q", got, c.State, test.value, test.state)
			}
		})
	}
}
