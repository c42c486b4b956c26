package meta_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
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
