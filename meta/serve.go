package meta

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/support-go/support/meta/data"
)

// ErrBusy says that a page is being looked at by too many already.
var ErrBusy = errors.New("meta: busy")

// Serve returns a handler that answers questions for pages in their wire form,
// to whoever shows them: the path is that of the page. It asks nobody who he
// is, and so belongs on a private socket.
func Serve(pages []Page) http.Handler {
	var running looks
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		page, query := find(pages, strings.TrimPrefix(r.URL.Path, "/"), r.URL.Query())
		if page == nil {
			http.NotFound(w, r)
			return
		}
		v, err := page.inTime(r.Context(), query, &running)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		b, err := data.Encode(v)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(b)
	})
}

// find returns the page at a path, and its questions. What follows the path of
// a page that ends with a slash is the question "name".
func find(pages []Page, path string, query url.Values) (*Page, url.Values) {
	for i := range pages {
		p := &pages[i]
		if p.Path == path {
			return p, query
		}
		if rest, ok := strings.CutPrefix(path, p.Path); ok && strings.HasSuffix(p.Path, "/") && rest != "" {
			with := url.Values{"name": {rest}}
			for k, v := range query {
				if k != "name" {
					with[k] = v
				}
			}
			return p, with
		}
	}
	return nil, nil
}
