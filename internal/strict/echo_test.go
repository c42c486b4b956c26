package strict_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/support-go/support/internal/strict"
)

func TestEchoRefuses(t *testing.T) {
	full := writerFunc(func([]byte) (int, error) { return 0, errors.New("no space left") })
	tests := map[string]struct {
		method, query, id, body string
		want                    string
	}{
		"no id":         {"GET", "", "", "", "must hold 1 to 256 bytes"},
		"long id":       {"GET", "", strings.Repeat("x", 257), "", "must hold 1 to 256 bytes"},
		"size":          {"GET", "size=many", "a", "", `size="many"`},
		"negative size": {"GET", "size=-1", "a", "", `size="-1"`},
		"huge size":     {"GET", "size=67108865", "a", "", "to 67108864"},
		"delay":         {"GET", "delay=5", "a", "", `delay="5"`},
		"long delay":    {"GET", "delay=2m", "a", "", "to 1m0s"},
		"body":          {"POST", "", "ab", "abaa", "differs from its id at byte 2"},
		"full disk":     {"POST", "", "ab", "aba", "no space left"},
	}
	for name, test := range tests {
		echo := &strict.Echo{Executed: full}
		r := httptest.NewRequest(test.method, "/?"+test.query, strings.NewReader(test.body))
		r.Header.Set("X-Request-Id", test.id)
		w := httptest.NewRecorder()
		echo.ServeHTTP(w, r)
		if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), test.want) {
			t.Errorf("%s: got %d %q, want 400 and %q", name, w.Code, w.Body, test.want)
		}
		if echo.Finished() != 0 {
			t.Errorf("%s: counted as finished", name)
		}
	}
}

// TestEchoAnswers asks for sizes around the pieces that Echo writes.
func TestEchoAnswers(t *testing.T) {
	const id = "0123456"
	for _, size := range []string{"0", "1", "6", "7", "8", "4094", "4095", "4096", "4097", "8190", "100000"} {
		r := httptest.NewRequest("GET", "/?delay=1us&size="+size, nil)
		r.Header.Set("X-Request-Id", id)
		w := httptest.NewRecorder()
		new(strict.Echo).ServeHTTP(w, r)
		want := strings.Repeat(id, 100000)[:w.Body.Len()]
		if w.Code != 200 || w.Body.String() != want || w.Header().Get("Content-Length") != size {
			t.Errorf("size %s: got %d, %d bytes, content length %s", size, w.Code, w.Body.Len(), w.Header().Get("Content-Length"))
		}
	}
}

func TestReadExecuted(t *testing.T) {
	tests := map[string]struct {
		text string
		n    int
		err  string
	}{
		"none":  {"", 0, ""},
		"once":  {"a\nb\nc\n", 3, ""},
		"twice": {"a\nb\na\na\n", 2, `more than once: ["a"]`},
		"long":  {strings.Repeat("x", 1<<17), 0, "reading the executed ids"},
	}
	for name, test := range tests {
		n, err := strict.ReadExecuted(strings.NewReader(test.text))
		if n != test.n || (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
			t.Errorf("%s: got %d, %v, want %d, %q", name, n, err, test.n, test.err)
		}
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
