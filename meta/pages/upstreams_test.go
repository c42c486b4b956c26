package pages_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/support-go/support/meta"
	"github.com/support-go/support/meta/data"
	"github.com/support-go/support/meta/pages"
	"github.com/support-go/support/stats"
	"github.com/support-go/support/upstream"
)

func ExampleUpstreams() {
	var m upstream.Manager
	defer m.Close()
	_ = m.Add("rates", upstream.Service{Tiers: []upstream.Tier{upstream.At("127.0.0.1:7001")}}) // fails only for a name that is taken
	page := pages.Upstreams(&m)[0]
	got, _ := page.Run(context.Background(), nil)
	for _, b := range data.From(page.Title, got).Blocks {
		if b.Name == "services" {
			fmt.Println(b.Table.Rows[0].Cells[0], b.Table.Rows[0].Cells[1])
		}
	}
	// Output: rates up
}

// hostile is what a service may be called, for all that is known.
const hostile = `a/b?<script>alert(1)</script>`

// connected is a manager with a service that answers, and has a second address
// that does not.
func connected(t *testing.T, dead string) *upstream.Manager {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(c, c) }()
		}
	}()
	m := &upstream.Manager{Stats: new(stats.Registry), Log: slog.New(slog.DiscardHandler)}
	t.Cleanup(func() { _ = m.Close() })
	for name, addresses := range map[string][]string{hostile: {ln.Addr().String()}, "dead": {dead}} {
		err := m.Add(name, upstream.Service{
			Tiers: []upstream.Tier{upstream.At(addresses...)}, Health: upstream.Health{Failures: 1},
			Traffic: upstream.Traffic{Payload: 64, Mask: func(p []byte) []byte { return p }},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	exchange(t, m)
	return m
}

func exchange(t *testing.T, m *upstream.Manager) {
	t.Helper()
	c, err := m.Get(t.Context(), hostile)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, "<b>ping\x1b[31m"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(c, make([]byte, 12)); err != nil {
		t.Fatal(err)
	}
	_ = c.Release()
}

// closedPort is an address at which nobody answers.
func closedPort(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

func ask(t *testing.T, p meta.Page, name string) data.View {
	t.Helper()
	got, err := p.Run(t.Context(), url.Values{"name": {name}})
	if err != nil {
		t.Fatal(err)
	}
	return data.From(p.Title, got)
}

func TestUpstreamsOfTwoWorkers(t *testing.T) {
	dead := closedPort(t)
	one, two := connected(t, dead), connected(t, dead)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for two.State().Services[1].Tiers[0].Addresses[0].State != "down" {
		if _, err := two.Get(ctx, "dead"); err == nil || errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("a connection to nobody: %v", err)
		}
	}
	page := pages.Upstreams(one)[0]
	v := merged(t, look(t, page), look(t, pages.Upstreams(two)[0]))
	for column, want := range map[string]string{"answers": "2", "state": "up", "connects": "2", "failures": "0"} {
		if got := value(t, v, "services", hostile, column).String(); got != want {
			t.Errorf("%s is %q, want %q", column, got, want)
		}
	}
	if c := value(t, v, "addresses of dead", dead, "state"); c.String() != "down" || c.State != data.Wrong {
		t.Errorf("the address that is down for one worker is %q, %q", c, c.State)
	}
	if c := value(t, v, "addresses of dead", dead, "workers"); len(c.Marks) != 2 || c.Marks[0] == c.Marks[1] {
		t.Errorf("marks %v, want one for each worker, and that they differ", c.Marks)
	}
	if c := value(t, v, "decisions", "w2", "decision"); c.String() == "" {
		t.Errorf("no decision of w2: %+v", v)
	}
	said := page.Verdict(v)
	if said == nil || said.State != data.Wrong || said.Word != "1 of 3 down" || !strings.Contains(said.Sentence.String(), "for 1 of 2 workers") {
		t.Errorf("the verdict is %+v", said)
	}
	if said := page.Verdict(look(t, page)); said != nil {
		t.Errorf("nothing is down, and the verdict is %+v", said)
	}
}

func TestService(t *testing.T) {
	page := pages.Upstreams(connected(t, closedPort(t)))[1]
	v := ask(t, page, hostile)
	if got := figure(v, "answers").String(); got != "1" {
		t.Errorf("%s answers, want 1", got)
	}
	kept := false
	for _, b := range v.Blocks {
		switch b.Name {
		case "connections":
			if len(b.Table.Rows) != 1 || b.Table.Rows[0].Cells[2].String() != "idle" {
				t.Errorf("connections are %+v, want one that is idle", b.Table.Rows)
			}
		case "recent":
			if len(b.Table.Rows) != 1 || b.Table.Rows[0].Cells[3].String() != "12" {
				t.Errorf("exchanges are %+v, want one of 12 bytes", b.Table.Rows)
			}
		case "kept":
			kept = true
			if got := b.Table.Rows[0].Cells[1].String(); got != `<b>ping\x1b[31m` {
				t.Errorf("the request is shown as %q", got)
			}
		}
	}
	if !kept {
		t.Error("what Traffic keeps is not shown")
	}
	if v := ask(t, page, "no such <b>"); len(v.Blocks) != 1 || v.Blocks[0].Notice == nil {
		t.Errorf("a service that there is not: %+v", v)
	}
}

func TestUpstreamsOfNothing(t *testing.T) {
	page := pages.Upstreams(new(upstream.Manager))[0]
	v := look(t, page)
	if len(v.Blocks) != 1 || v.Blocks[0].Notice == nil || v.Blocks[0].Notice.Code == "" {
		t.Errorf("%+v, want how to begin", v.Blocks)
	}
	if said := page.Verdict(v); said != nil {
		t.Errorf("the verdict is %+v", said)
	}
}
