package data

import "strings"

// Secret says whether what has this name is likely to be one: a password, a
// token, a key. Its value is shown nowhere.
func Secret(name string) bool {
	name = strings.ToLower(strings.NewReplacer("-", "", "_", "", " ", "", ".", "").Replace(name))
	for _, word := range []string{
		"password", "passwd", "passphrase", "secret", "token", "apikey", "privatekey", "accesskey", "signingkey",
		"credential", "authorization", "cookie", "session", "dsn", "connectionstring", "salt",
	} {
		if strings.Contains(name, word) {
			return true
		}
	}
	return strings.HasSuffix(name, "pass") || strings.HasSuffix(name, "pwd") || strings.HasSuffix(name, "auth")
}
