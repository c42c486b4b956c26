package portrait

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
)

// TokenFile is the name of the file that holds the operator's token, in the
// directory of the group.
const TokenFile = "operator.token"

// NewToken makes a token that nobody can guess, and leaves it in a file that
// only this user can read, in the place of an older one.
func NewToken(dir string) (token string, err error) {
	var secret [32]byte
	_, _ = rand.Read(secret[:]) // never fails
	token = hex.EncodeToString(secret[:])
	path := filepath.Join(dir, TokenFile)
	fresh := fmt.Sprintf("%s.%d", path, os.Getpid())
	if err := os.WriteFile(fresh, []byte(token+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("leave a token for operators: %w", err)
	}
	if err := os.Rename(fresh, path); err != nil {
		_ = os.Remove(fresh) // its error is no worse than this one
		return "", fmt.Errorf("leave a token for operators: %w", err)
	}
	return token, nil
}

// RemoveToken removes the token, for the end of a group.
func RemoveToken(dir string) { _ = os.Remove(filepath.Join(dir, TokenFile)) } // if there is none, it is gone already
