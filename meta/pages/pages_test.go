package pages_test

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/support-go/support/meta"
	"github.com/support-go/support/meta/data"
	"github.com/support-go/support/meta/pages"
)

func ExampleProcess() {
	for _, p := range pages.Process() {
		fmt.Println(p.Path, p.Cost)
	}
	// Output:
	// goroutines costly
	// memory costly
	// runtime cheap
}

func look(t *testing.T, p meta.Page) data.View {
	t.Helper()
	got, err := p.Run(context.Background(), url.Values{})
	if err != nil {
		t.Fatal(err)
	}
	return data.From(p.Title, got)
}

func page(t *testing.T, path string) meta.Page {
	t.Helper()
	for _, p := range pages.Process() {
		if p.Path == path {
			return p
		}
	}
	t.Fatalf("no page %q", path)
	return meta.Page{}
}

func find(v data.View, block, key string) *data.Row {
	for _, b := range v.Blocks {
		if b.Name != block || b.Table == nil {
			continue
		}
		for i := range b.Table.Rows {
			if strings.Contains(b.Table.Rows[i].Cells[0].String(), key) {
				return &b.Table.Rows[i]
			}
		}
	}
	return nil
}

func park(ready chan<- struct{}, release <-chan struct{}) {
	ready <- struct{}{}
	<-release
}

func TestGoroutinesByPlaceAndGrowth(t *testing.T) {
	p := page(t, "goroutines")
	look(t, p)
	release, ready := make(chan struct{}), make(chan struct{})
	for range 20 {
		go park(ready, release)
		<-ready
	}
	row := find(look(t, p), "groups", "pages_test.park")
	close(release)
	if row == nil {
		t.Fatal("the goroutines of this test are not on the page")
	}
	if n, _ := row.Cells[1].Number(); n != 20 {
		t.Errorf("%v goroutines, want 20", row.Cells[1])
	}
	if growth, _ := row.Cells[2].Number(); growth != 20 {
		t.Errorf("growth %v, want 20", row.Cells[2])
	}
	if name := row.Cells[0].String(); !strings.HasSuffix(name, ", receive") {
		t.Errorf("they are called %q, want with what they wait for, receive", name)
	}
	if len(row.Detail) != 1 || !strings.Contains(row.Detail[0].Text.Body, "pages_test.park") {
		t.Errorf("no stack: %v", row.Detail)
	}
}

func TestMemoryAndRuntime(t *testing.T) {
	v := look(t, page(t, "memory"))
	if len(v.Blocks) != 2 || len(v.Blocks[0].Figures) < 5 {
		t.Errorf("memory: %+v", v)
	}
	v = look(t, page(t, "runtime"))
	if len(v.Blocks) < 5 || v.Blocks[0].Fields[0].Cell.String() == "" {
		t.Errorf("runtime: %+v", v.Blocks)
	}
}

// BenchmarkGoroutines shows what a look costs with many of them.
func BenchmarkGoroutines(b *testing.B) {
	for _, n := range []int{100, 10_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			release, ready := make(chan struct{}), make(chan struct{})
			defer close(release)
			for range n {
				go park(ready, release)
				<-ready
			}
			p := pages.Process()[0]
			for b.Loop() {
				if _, err := p.Run(context.Background(), nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
