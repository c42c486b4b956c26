package ui

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
)

//go:embed static
var assets embed.FS

// Static serves the files that pages refer to. Their addresses hold a hash of
// all of them, so that a browser may keep them for ever.
type Static struct {
	hash  string
	files map[string][]byte
}

func newStatic() *Static {
	s := &Static{files: make(map[string][]byte)}
	sum := sha256.New()
	entries, err := fs.ReadDir(assets, "static")
	if err != nil {
		panic(err) // they are part of the program
	}
	for _, e := range entries {
		content, err := assets.ReadFile("static/" + e.Name())
		if err != nil {
			panic(err)
		}
		s.files[e.Name()] = content
		sum.Write(content)
	}
	s.hash = hex.EncodeToString(sum.Sum(nil)[:6])
	return s
}

// Path returns the path of a file, relative to the first page.
func (s *Static) Path(name string) string { return "static/" + s.hash + "/" + name }

// ServeHTTP answers the last element of the request's path, if it is a file
// that there is; no path reaches the file system.
func (s *Static) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := path.Base(r.URL.Path)
	content, ok := s.files[name]
	if !ok || !strings.HasSuffix(r.URL.Path, s.Path(name)) {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", contentType(name))
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	_, _ = w.Write(content)
}

// contentType does not ask the system, which may not know.
func contentType(name string) string {
	switch path.Ext(name) {
	case ".css":
		return "text/css; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	}
	return mime.TypeByExtension(path.Ext(name))
}
