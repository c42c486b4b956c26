package logs

import (
	"log/slog"
	"strings"
)

// mask stands for what is not to be seen.
const mask = "***"

// Secret is a text that no log, format verb or encoder shows.
type Secret string

// LogValue returns the mask.
func (s Secret) LogValue() slog.Value { return slog.StringValue(mask) }

// String returns the mask; string(s) is the secret.
func (s Secret) String() string { return mask }

// GoString returns the mask, for the format verb %#v.
func (s Secret) GoString() string { return mask }

// MarshalText returns the mask.
func (s Secret) MarshalText() ([]byte, error) { return []byte(mask), nil }

// IsSecret says whether the name of an attribute, field, header or variable
// promises a secret: it ends, in any case, in password, passwd, pwd,
// passphrase, secret, token, authorization, cookie, credential, credentials,
// dsn, apikey, or in key after "api", "private", "secret", "access",
// "encryption" or "signing", with a dash or an underscore between or not.
func IsSecret(name string) bool {
	n := len(name)
	if n < 4 {
		return n == 3 && secretWord(name)
	}
	// The last four letters in lower case tell most names apart.
	tail := uint32(name[n-4]|0x20)<<24 | uint32(name[n-3]|0x20)<<16 | uint32(name[n-2]|0x20)<<8 | uint32(name[n-1]|0x20)
	switch tail {
	case 'w'<<24 | 'o'<<16 | 'r'<<8 | 'd', 's'<<24 | 's'<<16 | 'w'<<8 | 'd', 'r'<<24 | 'a'<<16 | 's'<<8 | 'e',
		'c'<<24 | 'r'<<16 | 'e'<<8 | 't', 'o'<<24 | 'k'<<16 | 'e'<<8 | 'n', 't'<<24 | 'i'<<16 | 'o'<<8 | 'n',
		'o'<<24 | 'k'<<16 | 'i'<<8 | 'e', 't'<<24 | 'i'<<16 | 'a'<<8 | 'l', 'i'<<24 | 'a'<<16 | 'l'<<8 | 's':
		return secretWord(name)
	}
	switch tail & 0xffffff {
	case 'p'<<16 | 'w'<<8 | 'd', 'd'<<16 | 's'<<8 | 'n', 'k'<<16 | 'e'<<8 | 'y':
		return secretWord(name)
	}
	return false
}

func secretWord(name string) bool {
	name = strings.ToLower(name)
	for _, word := range []string{
		"password", "passwd", "passphrase", "secret", "token", "authorization", "cookie",
		"credential", "credentials",
	} {
		if strings.HasSuffix(name, word) {
			return true
		}
	}
	for _, word := range []string{"pwd", "dsn"} { // too short to be looked for inside of words
		if before, found := strings.CutSuffix(name, word); found && (before == "" || strings.ContainsAny(before[len(before)-1:], "_-.")) {
			return true
		}
	}
	before, found := strings.CutSuffix(name, "key")
	if !found {
		return false
	}
	before = strings.TrimRight(before, "-_.")
	for _, word := range []string{"api", "private", "secret", "access", "encryption", "signing"} {
		if strings.HasSuffix(before, word) {
			return true
		}
	}
	return false
}

// maskURLs masks the passwords in all URLs in s.
func maskURLs(s string) string {
	var b strings.Builder
	done := 0
	for at := 0; ; {
		i := strings.Index(s[at:], "://")
		if i < 0 {
			break
		}
		at += i + len("://")
		end := strings.IndexAny(s[at:], "/?# \t\r\n\"'<>")
		if end < 0 {
			end = len(s) - at
		}
		user := strings.LastIndexByte(s[at:at+end], '@')
		colon := strings.IndexByte(s[at:at+end], ':')
		if user < 0 || colon < 0 || colon > user {
			continue
		}
		b.WriteString(s[done : at+colon+1])
		b.WriteString(mask)
		done = at + user
	}
	if done == 0 {
		return s
	}
	b.WriteString(s[done:])
	return b.String()
}
