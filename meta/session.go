package meta

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"sync"
	"time"
)

// Bounds of what people who log in make a Handler hold.
const (
	maxSessions    = 1000
	sessionTime    = 12 * time.Hour
	sessionCookie  = "meta_session"
	themeCookie    = "meta_theme"
	failuresAtOnce = 5               // wrong tokens before the next has to wait
	failureRefill  = 2 * time.Second // for one more
)

// sessions are those of people who have logged in. The cookie holds a number
// that nobody can guess; only its hash is kept.
type sessions struct {
	key [32]byte // of the CSRF fields

	mu       sync.Mutex
	all      map[[sha256.Size]byte]session
	failures float64 // of late, see failed
	at       time.Time
}

type session struct {
	person Person
	until  time.Time
}

func newSessions() *sessions {
	s := &sessions{all: make(map[[sha256.Size]byte]session)}
	_, _ = rand.Read(s.key[:]) // never fails
	return s
}

// begin returns the value of a cookie that stands for a person.
func (s *sessions) begin(p Person, now time.Time) string {
	var id [32]byte
	_, _ = rand.Read(id[:]) // never fails
	value := hex.EncodeToString(id[:])
	s.mu.Lock()
	defer s.mu.Unlock()
	for hash, old := range s.all {
		if now.After(old.until) || len(s.all) >= maxSessions {
			delete(s.all, hash)
		}
	}
	s.all[sha256.Sum256([]byte(value))] = session{p, now.Add(sessionTime)}
	return value
}

// of returns who has sent a request, by his cookie.
func (s *sessions) of(r *http.Request, now time.Time) (p Person, id string, ok bool) {
	cookie, err := r.Cookie(sessionCookie)
	if err != nil {
		return Person{}, "", false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	found, ok := s.all[sha256.Sum256([]byte(cookie.Value))]
	if !ok || now.After(found.until) {
		return Person{}, "", false
	}
	return found.person, cookie.Value, true
}

func (s *sessions) end(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, sha256.Sum256([]byte(id)))
}

// csrf is what a form of this session has to send along.
func (s *sessions) csrf(id string) string {
	mac := hmac.New(sha256.New, s.key[:])
	mac.Write([]byte(id))
	return hex.EncodeToString(mac.Sum(nil)[:16])
}

// csrfFits says whether a form was sent along with the page that shows it.
func (s *sessions) csrfFits(id, field string) bool {
	return hmac.Equal([]byte(s.csrf(id)), []byte(field))
}

// mayTry says whether a token may be tried, and if not, how long to wait.
func (s *sessions) mayTry(now time.Time) (wait time.Duration, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refill(now)
	if s.failures > failuresAtOnce-1 {
		return failureRefill, false
	}
	return 0, true
}

// failed notes a wrong token.
func (s *sessions) failed(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refill(now)
	s.failures++
}

func (s *sessions) refill(now time.Time) {
	s.failures = max(0, s.failures-now.Sub(s.at).Seconds()/failureRefill.Seconds())
	s.at = now
}

func setCookie(w http.ResponseWriter, r *http.Request, name, value string, age time.Duration) {
	http.SetCookie(w, &http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: int(age.Seconds()),
		HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: r.TLS != nil,
	})
}
