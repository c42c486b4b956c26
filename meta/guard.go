package meta

import (
	"context"
	"net/http"
	"strings"
	"time"
)

// policy lets a page load its own stylesheet and modules, and nothing else.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// visitor is whoever has sent a request.
type visitor struct {
	Person
	session string // empty unless he has logged in by the form
	program bool   // has sent a token along
	path    string // that he asks for, without a slash in front
}

// anchor is what the forms of this visitor are bound to: his session, or, for one
// who is known otherwise, his name.
func (v *visitor) anchor() string {
	if v.session != "" {
		return v.session
	}
	return "by name: " + v.Name
}

// secure sets what every answer says to a browser.
func secure(header http.Header) {
	for name, value := range map[string]string{
		"Content-Security-Policy":      policy,
		"Cache-Control":                "no-store",
		"Cross-Origin-Opener-Policy":   "same-origin",
		"Cross-Origin-Resource-Policy": "same-origin",
		"Referrer-Policy":              "same-origin",
		"X-Content-Type-Options":       "nosniff",
		"X-Frame-Options":              "DENY",
	} {
		header.Set(name, value)
	}
}

// entered says whether a request has come by one of the names of this page,
// from no other site, and is no longer than it should be.
func (a *app) entered(w http.ResponseWriter, r *http.Request) bool {
	switch {
	case !a.Access.hostAllowed(r):
		http.Error(w, "this page has another name; those that it has are set by Access.Hosts", http.StatusMisdirectedRequest)
	case a.cross.Check(r) != nil:
		http.Error(w, "a page of another site has sent this", http.StatusForbidden)
	case a.Access.closed():
		http.Error(w, errNobody.Error(), http.StatusForbidden)
	case len(r.URL.RawQuery) > maxQuery || len(r.URL.Path) > maxPath:
		http.Error(w, "the address is too long", http.StatusRequestURITooLong)
	default:
		return true
	}
	return false
}

// serve is the gate: everything passes here before anything is done.
func (a *app) serve(w http.ResponseWriter, r *http.Request) {
	secure(w.Header())
	if !a.entered(w, r) {
		return
	}
	path := printable(strings.TrimPrefix(r.URL.Path, "/"))
	route, allowed := a.find(r.Method, path)
	if allowed != nil {
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		http.Error(w, "this address takes "+strings.Join(allowed, " or ")+" only", http.StatusMethodNotAllowed)
		return
	}
	select {
	case a.busy <- struct{}{}:
		defer func() { <-a.busy }()
	default:
		w.Header().Set("Retry-After", "1")
		http.Error(w, "too many are looking at this page", http.StatusServiceUnavailable)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	v, ok := a.who(w, r, path)
	if ok && a.permitted(w, r, v, route) {
		route.handle(w, r, v)
	}
}

// Guard lets through to another handler who may see this page and has a role:
// with Nobody, anybody by one of the names of this page.
func (h *Handler) Guard(role Role, next http.Handler) http.Handler {
	a := h.start()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		secure(w.Header())
		if !a.entered(w, r) {
			return
		}
		if v, ok := a.who(w, r, r.URL.Path); ok && v.Role < role {
			a.refuse(w, r, v, role)
		} else if ok {
			next.ServeHTTP(w, r)
		}
	})
}

// who finds out who has sent a request. If he says something false, he is told
// so, and nothing else is done.
func (a *app) who(w http.ResponseWriter, r *http.Request, path string) (*visitor, bool) {
	now := time.Now()
	if secret, given := bearer(r); given {
		if wait, ok := a.sessions.mayTry(now); !ok {
			tooMany(w, wait)
			return nil, false
		}
		p, err := a.Access.token(secret)
		if err != nil {
			a.sessions.failed(now)
			a.unauthorized(w, r, path)
			return nil, false
		}
		return &visitor{Person: p, program: true, path: path}, true
	}
	if p, id, ok := a.sessions.of(r, now); ok {
		return &visitor{Person: p, session: id, path: path}, true
	}
	if a.Access.Who != nil {
		if p, err := a.Access.Who(r); err == nil {
			return &visitor{Person: p, path: path}, true
		}
	}
	return &visitor{Person: Person{anybody, a.Access.Anybody}, path: path}, true
}

func tooMany(w http.ResponseWriter, wait time.Duration) {
	w.Header().Set("Retry-After", itoa(max(1, int(wait.Seconds()))))
	http.Error(w, "too many wrong tokens; wait a little", http.StatusTooManyRequests)
}

// permitted says whether a visitor may take a route, and if he sends a form,
// whether it is one that he was shown.
func (a *app) permitted(w http.ResponseWriter, r *http.Request, v *visitor, to route) bool {
	if v.Role < to.role {
		a.refuse(w, r, v, to.role)
		return false
	}
	if r.Method != http.MethodPost || v.program || to.path == "login" {
		return true
	}
	if !a.sessions.csrfFits(v.anchor(), r.PostFormValue("csrf")) {
		http.Error(w, "this form is not from a page that you have open: load it again; a program needs a token instead, in a header: Authorization: Bearer TOKEN", http.StatusForbidden)
		return false
	}
	return true
}

// refuse says which role is needed. Who is nobody is asked for a token.
func (a *app) refuse(w http.ResponseWriter, r *http.Request, v *visitor, needed Role) {
	if v.Role == Nobody {
		a.unauthorized(w, r, v.path)
		return
	}
	if r.Method == http.MethodPost {
		a.audit.note(r.Context(), v, entry{action: v.path, outcome: "refused: " + v.Role.String(), failed: true})
	}
	a.notice(w, r, v, http.StatusForbidden, needed.String()+"s only",
		"You are "+v.Name+", "+v.Role.String()+". This needs the role "+needed.String()+". Nothing was changed.")
}

// withTime bounds how long a page may take.
func withTime(r *http.Request) (context.Context, context.CancelFunc) {
	return context.WithTimeout(r.Context(), pageTime)
}

// anybody is the name of those who have none.
const anybody = "anybody"
