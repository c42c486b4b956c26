package meta

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/support-go/support/meta/data"
)

// unauthorized answers whoever is nobody: always with the same page, whatever
// he has said.
func (a *app) unauthorized(w http.ResponseWriter, r *http.Request, path string) {
	w.Header().Set("WWW-Authenticate", `Bearer realm="meta"`)
	if !strings.Contains(r.Header.Get("Accept"), "text/html") {
		http.Error(w, strings.TrimSpace("no valid token: send one in a header: Authorization: Bearer TOKEN. "+a.Access.Hint), http.StatusUnauthorized)
		return
	}
	a.askForToken(w, r, path, http.StatusUnauthorized)
}

func (a *app) loginPage(w http.ResponseWriter, r *http.Request, v *visitor) {
	a.askForToken(w, r, v.path, http.StatusOK)
}

func (a *app) askForToken(w http.ResponseWriter, r *http.Request, path string, status int) {
	l := &look{page: &Page{Title: "Log in"}, path: path, who: &visitor{Person: Person{Name: "nobody"}}, view: View{Blocks: []Block{{
		Title: "Log in",
		Form: &data.Form{
			Action: "login", Button: "Log in", Effect: strings.TrimSpace(a.Access.Hint + " The token is sent to this program only, and is not kept. You stay logged in for 12 hours at most."),
			Inputs: []data.Input{{Name: "token", Title: "Token", Secret: true}},
		},
	}}}}
	a.writeHTML(w, r, l, status)
}

// login takes a token from the form.
func (a *app) login(w http.ResponseWriter, r *http.Request, v *visitor) {
	now := time.Now()
	if wait, ok := a.sessions.mayTry(now); !ok {
		tooMany(w, wait)
		return
	}
	p, err := a.Access.token(r.PostFormValue("token"))
	if err != nil {
		a.sessions.failed(now)
		a.audit.note(r.Context(), v, entry{action: "login", outcome: "refused", failed: true})
		a.askForToken(w, r, "login", http.StatusUnauthorized)
		return
	}
	setCookie(w, r, sessionCookie, a.sessions.begin(p, now), sessionTime)
	a.audit.note(r.Context(), &visitor{Person: p}, entry{action: "login", outcome: p.Role.String()})
	http.Redirect(w, r, "./", http.StatusSeeOther)
}

func (a *app) logout(w http.ResponseWriter, r *http.Request, v *visitor) {
	a.sessions.end(v.session)
	setCookie(w, r, sessionCookie, "", -time.Second)
	http.Redirect(w, r, "./", http.StatusSeeOther)
}

// theme keeps whether pages are light or dark, in the browser.
func (a *app) theme(w http.ResponseWriter, r *http.Request, _ *visitor) {
	theme := r.PostFormValue("theme")
	switch theme {
	case "dark", "light":
		setCookie(w, r, themeCookie, theme, 365*24*time.Hour)
	default:
		setCookie(w, r, themeCookie, "", -time.Second)
	}
	back, err := url.Parse(r.PostFormValue("back"))
	if err != nil || back.IsAbs() || back.Host != "" || strings.HasPrefix(back.Path, "/") || strings.Contains(back.Path, "..") {
		back = &url.URL{}
	}
	http.Redirect(w, r, "./"+back.EscapedPath(), http.StatusSeeOther)
}
