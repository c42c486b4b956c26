package meta_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"time"

	"github.com/support-go/support/meta"
	"github.com/support-go/support/stats"
)

func ExampleHandler() {
	var reg stats.Registry
	reg.Counter("shop.orders").Add(7)
	page := &meta.Handler{
		Name:   "shop",
		Stats:  meta.Of(&reg),
		Access: meta.Access{Tokens: []meta.Token{{Name: "ops", Role: meta.Viewer, Hash: meta.HashToken("a secret of 256 bits")}}},
	}
	server := httptest.NewServer(page)
	defer server.Close()
	resp, err := http.Get(server.URL + "/stats.json")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	fmt.Println(resp.Status)
	// Output: 401 Unauthorized
}

func ExamplePage() {
	type queue struct {
		Name   string
		Length int           `meta:"merge=sum"`
		Oldest time.Duration `meta:"title=Oldest job,merge=max"`
	}
	page := meta.Page{Path: "queues", Title: "Queues", Run: func(context.Context, url.Values) (any, error) {
		return []queue{{"mail", 12, time.Minute}, {"print", 0, 0}}, nil
	}}
	fmt.Println(page.Path, page.Cost)
	// Output: queues cheap
}

func ExampleTable() {
	t := meta.Table{Key: "name", Columns: []meta.Column{{Name: "name"}, {Name: "size", Unit: "bytes", Merge: "sum"}}}
	t.Add("cache", 1<<20)
	fmt.Println(len(t.Rows), t.Rows[0].Cells[1])
	// Output: 1 1.048576e+06
}

// ExampleAccess knows people by their client certificates.
func ExampleAccess() {
	access := meta.Access{Who: func(r *http.Request) (meta.Person, error) {
		if r.TLS == nil || len(r.TLS.VerifiedChains) == 0 {
			return meta.Person{}, errors.New("no certificate")
		}
		return meta.Person{Name: r.TLS.PeerCertificates[0].Subject.CommonName, Role: meta.Operator}, nil
	}}
	page := httptest.NewServer(&meta.Handler{Access: access})
	defer page.Close()
	resp, err := http.Get(page.URL)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	fmt.Println(resp.Status)
	// Output: 401 Unauthorized
}

func ExampleToken() {
	ops := meta.Token{Name: "ops", Role: meta.Operator, Hash: meta.HashToken("a secret of 256 bits")}
	fmt.Printf("%s is an %v; %d bytes are kept\n", ops.Name, ops.Role, len(ops.Hash))
	// Output: ops is an operator; 32 bytes are kept
}

func ExampleSource() {
	pages := []meta.Page{{Path: "pid", Title: "Pid", Run: func(context.Context, url.Values) (any, error) { return "42", nil }}}
	worker := httptest.NewServer(meta.Serve(pages)) // in a worker, on a private socket
	defer worker.Close()
	w1 := meta.Source{Name: "w1", Fetch: func(ctx context.Context, path, query string) (io.ReadCloser, error) {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, worker.URL+"/"+path+"?"+query, http.NoBody)
		if err != nil {
			return nil, err
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			return nil, err
		}
		return resp.Body, nil
	}}
	page := meta.Handler{
		Access: meta.Access{Anybody: meta.Viewer}, Pages: pages,
		Sources: func(context.Context) []meta.Source { return []meta.Source{w1} },
	}
	shown := httptest.NewServer(&page)
	defer shown.Close()
	resp, err := http.Get(shown.URL + "/pid.json")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	fmt.Println(strings.Contains(string(body), `"name": "w1"`), err)
	// Output: true <nil>
}

func ExampleConsole() {
	depth := meta.Command{Name: "queue.depth", Help: "Says how long the queue is.", Role: meta.Viewer, Run: func(context.Context, meta.Call) (any, error) { return "3", nil }}
	page := httptest.NewServer(&meta.Handler{Access: meta.Access{Anybody: meta.Viewer}, Console: meta.Console{On: true, Commands: []meta.Command{depth}}})
	defer page.Close()
	resp, err := http.Get(page.URL + "/console.json")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	fmt.Println(strings.Contains(string(body), "queue.depth"), err)
	// Output: true <nil>
}
