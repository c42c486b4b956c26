package admit

import (
	"errors"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"
)

// Policy says how a Gate looks at requests of HTTP. Its zero value takes all
// of them for Default.
type Policy struct {
	Class func(*http.Request) Class // such as Prefixes.Class; it must be quick

	// Patience is how long the client of a request will wait, from now on; 0 for
	// unknown. By default it is what Grpc-Timeout says, or the deadline of the
	// request's context.
	Patience func(*http.Request) time.Duration

	// Arrived is when the request came to the socket, or zero for now. It is asked
	// only of requests that cannot run at once.
	Arrived func(*http.Request) time.Time
}

// Handler returns a handler that has next answer the requests that are let in,
// each of HTTP/1.1 and each stream of HTTP/2, and answers the others itself:
// 503, with a Retry-After of 1 to 3 s.
func (g *Gate) Handler(next http.Handler, p Policy) http.Handler {
	if p.Patience == nil {
		p.Patience = patience
	}
	return &handler{gate: g, next: next, policy: p}
}

type handler struct {
	gate   *Gate
	next   http.Handler
	policy Policy
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	class := Default
	if h.policy.Class != nil {
		class = h.policy.Class(r)
	}
	place, ok := h.gate.begin(class)
	if !ok {
		var err error
		if place, err = h.gate.wait(r.Context(), h.ask(r, class)); err != nil {
			if !Refuse(w, r, err) {
				panic(http.ErrAbortHandler) // the client has gone
			}
			return
		}
	}
	if class != Default || h.gate.lends.Load() {
		(&stay{gate: h.gate, class: class, place: place}).serve(h.next, w, r)
		return
	}
	defer h.gate.end(place) // after a panic too
	h.next.ServeHTTP(w, r)
}

func (h *handler) ask(r *http.Request, class Class) request {
	q := request{class: class, name: r.Method + " " + r.URL.Path, patient: h.policy.Patience(r)}
	if h.policy.Arrived != nil {
		q.arrived = h.policy.Arrived(r)
	}
	return q
}

const overloaded = "overloaded: try again later\n"

// Refuse answers r with "503 Service Unavailable" and Retry-After if err is
// ErrShed, and says whether it is. So a handler passes on what a Gate of another
// thing has said, such as a lane of package offload. A request with a long body
// ends its connection: to read the body would be work for nothing.
func Refuse(w http.ResponseWriter, r *http.Request, err error) (refused bool) {
	if !errors.Is(err, ErrShed) {
		return false
	}
	header := w.Header()
	header.Set("Content-Type", "text/plain; charset=utf-8")
	header.Set("Content-Length", strconv.Itoa(len(overloaded)))
	header.Set("Retry-After", RetryAfter())
	if r.ProtoMajor == 1 && (r.ContentLength < 0 || r.ContentLength > maxDiscard) {
		header.Set("Connection", "close")
	}
	w.WriteHeader(http.StatusServiceUnavailable)
	_, _ = w.Write([]byte(overloaded)) // fails if the client has gone
	return true
}

// maxDiscard is what a refusal reads of a body, in bytes, to keep the
// connection.
const maxDiscard = 16 << 10

// RetryAfter is a value for the header of that name, from 1 to 3 s, so that those
// who are refused together do not come back together.
func RetryAfter() string { return strconv.Itoa(1 + rand.IntN(3)) }

// patience is the default of Policy.Patience.
func patience(r *http.Request) time.Duration {
	if end, ok := r.Context().Deadline(); ok {
		return max(time.Until(end), 1)
	}
	if told := r.Header["Grpc-Timeout"]; len(told) == 1 {
		return parseTimeout(told[0])
	}
	return 0
}

// parseTimeout reads the Timeout of gRPC over HTTP/2: at most eight digits and a
// unit. What is malformed is unknown.
func parseTimeout(text string) time.Duration {
	if len(text) < 2 || len(text) > 9 {
		return 0
	}
	digits, unit := text[:len(text)-1], text[len(text)-1]
	n, err := strconv.ParseUint(digits, 10, 32)
	if err != nil {
		return 0
	}
	each := timeoutUnit(unit)
	if limit := time.Duration(1<<63-1) / max(each, 1); time.Duration(n) > limit {
		return time.Duration(1<<63 - 1)
	}
	return time.Duration(n) * each
}

func timeoutUnit(letter byte) time.Duration {
	switch letter {
	case 'H':
		return time.Hour
	case 'M':
		return time.Minute
	case 'S':
		return time.Second
	case 'm':
		return time.Millisecond
	case 'u':
		return time.Microsecond
	case 'n':
		return time.Nanosecond
	}
	return 0
}
