package browser_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/html"
)

// Bounds of what is followed: there are as many addresses as there are
// instruments, times columns to sort by, times workers.
const (
	ofEachKind  = 2 // addresses
	ofEachPath  = 8 // shapes
	maxQuestion = 2 // keys of an address
)

// crawled is what following links from the first page has found.
type crawled struct {
	addresses []string            // of all pages, in the order they were found
	visited   int                 // how many of them have been looked at
	samples   []string            // one address of each shape that pages have
	problems  []string            // with those that did not answer as they should
	kinds     map[string]int      // how many addresses there are of each
	shapes    map[string][]string // by path: the headings of those seen
}

// crawl follows links once for all tests, as an operator.
var crawl = sync.OnceValue(func() *crawled {
	c := &crawled{kinds: map[string]int{}, shapes: map[string][]string{}}
	for _, first := range []string{"/", "/login", "/search?q=http", "/search?q=nothing+is+called+so"} {
		c.follow(first)
	}
	for ; c.visited < len(c.addresses); c.visited++ { // of which visits find more
		c.visit(c.addresses[c.visited])
	}
	return c
})

// pathKind is what the paths have in common that show the same of other things.
func pathKind(u *url.URL) string {
	first, rest, _ := strings.Cut(strings.TrimPrefix(u.Path, "/"), "/")
	if rest != "" {
		first += "/…"
	}
	return first
}

// follow notes an address for a visit, unless there are enough of its kind.
func (c *crawled) follow(address string) {
	u, err := url.Parse(address)
	if err != nil {
		c.problem(address, err)
		return
	}
	var keys []string
	for key := range u.Query() {
		if !strings.HasPrefix(key, "l.") { // labels of an instrument
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	kind := pathKind(u) + "?" + strings.Join(keys, "&")
	most := ofEachKind
	if strings.HasSuffix(pathKind(u), "/…") && len(keys) == 0 {
		most *= 20 // instruments have kinds of their own
	}
	if address := u.RequestURI(); c.kinds[kind] < most && len(keys) <= maxQuestion && !slices.Contains(c.addresses, address) {
		c.kinds[kind]++
		c.addresses = append(c.addresses, address)
	}
}

func (c *crawled) problem(address string, what any) {
	c.problems = append(c.problems, fmt.Sprintf("%s: %v", address, what))
}

// visit looks at one page, and follows its links.
func (c *crawled) visit(address string) {
	got, err := fetch(address)
	switch {
	case err != nil:
		c.problem(address, err)
	case got.status != http.StatusOK:
		c.problem(address, http.StatusText(got.status))
	case strings.HasPrefix(got.kind, "application/json"):
		if !json.Valid(got.body) {
			c.problem(address, "this is not JSON")
		}
	case strings.HasPrefix(got.kind, "text/html"):
		c.page(got.from, got.body)
	}
}

// page follows the links of a page. One that leads elsewhere is a problem.
func (c *crawled) page(at *url.URL, body []byte) {
	links, headings := read(bytes.NewReader(body))
	path := pathKind(at)
	if seen := c.shapes[path]; len(seen) < ofEachPath && !slices.Contains(seen, headings) {
		c.shapes[path] = append(seen, headings)
		c.samples = append(c.samples, at.RequestURI())
	}
	for _, link := range links {
		to, err := at.Parse(link)
		switch {
		case err != nil:
			c.problem(at.RequestURI(), err)
		case to.Scheme+"://"+to.Host != here.meta:
			c.problem(at.RequestURI(), "a link to elsewhere: "+link)
		default:
			c.follow(to.RequestURI())
		}
	}
}

// read returns the links of a page, and its headings, which tell of what it is
// made up.
func read(page io.Reader) (links []string, headings string) {
	tokens := html.NewTokenizer(page)
	for {
		switch tokens.Next() {
		case html.ErrorToken:
			return links, headings
		case html.StartTagToken:
			token := tokens.Token()
			if token.Data == "h2" && tokens.Next() == html.TextToken {
				headings += strings.TrimLeft(string(tokens.Text()), "0123456789") + "\n"
			}
			for _, a := range token.Attr {
				if token.Data == "a" && a.Key == "href" {
					links = append(links, a.Val)
				}
			}
		}
	}
}

// fetched is an answer that has been read.
type fetched struct {
	from   *url.URL
	status int
	kind   string // of content
	body   []byte
}

// fetch asks for a page as an operator does, again while it is too busy.
func fetch(address string) (fetched, error) {
	for until := time.Now().Add(patience); ; {
		got, err := fetchOnce(address)
		if err != nil || got.status != http.StatusTooManyRequests || time.Now().After(until) {
			return got, err
		}
	}
}

func fetchOnce(address string) (fetched, error) {
	r, err := http.NewRequest(http.MethodGet, here.meta+address, nil)
	if err != nil {
		return fetched{}, err
	}
	r.Header.Set("Authorization", "Bearer "+here.token)
	if !strings.Contains(address, ".json") {
		r.Header.Set("Accept", "text/html")
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return fetched{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return fetched{resp.Request.URL, resp.StatusCode, resp.Header.Get("Content-Type"), body}, err
}

// TestLinks follows the links of every page.
func TestLinks(t *testing.T) {
	c := crawl()
	for _, problem := range c.problems {
		t.Error(problem)
	}
	t.Logf("%d addresses, %d shapes: %q", len(c.addresses), len(c.samples), c.samples)
	if len(c.samples) < 15 {
		t.Errorf("there are %d pages only: %q", len(c.samples), c.samples)
	}
}
