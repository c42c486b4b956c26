package portrait

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// TokenFile holds the token of operators: operator.token, or with a PID
// operator.PID.token, so that processes can share a directory.
type TokenFile struct {
	Dir string
	PID int
}

// Path is where the file is.
func (f TokenFile) Path() string {
	name := "operator.token"
	if f.PID != 0 {
		name = fmt.Sprintf("operator.%d.token", f.PID)
	}
	return filepath.Join(f.Dir, name)
}

// Renew makes a token that nobody can guess, and leaves it in the file, which
// only this user can read, in the place of an older one. Files of processes
// that have died are removed.
func (f TokenFile) Renew() (token string, err error) {
	f.removeDead()
	var secret [32]byte
	_, _ = rand.Read(secret[:]) // never fails
	token = hex.EncodeToString(secret[:])
	fresh := fmt.Sprintf("%s.%d", f.Path(), os.Getpid())
	if err := os.WriteFile(fresh, []byte(token+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("leave a token for operators: %w", err)
	}
	if err := os.Rename(fresh, f.Path()); err != nil {
		_ = os.Remove(fresh) // its error is no worse than this one
		return "", fmt.Errorf("leave a token for operators: %w", err)
	}
	return token, nil
}

// Remove removes the file, for the end of a group.
func (f TokenFile) Remove() { _ = os.Remove(f.Path()) } // if there is none, it is gone already

// removeDead removes the files of processes that have left theirs behind.
func (f TokenFile) removeDead() {
	if f.PID == 0 {
		return
	}
	others, _ := filepath.Glob(filepath.Join(f.Dir, "operator.*.token")) // its error is that of the pattern
	for _, path := range others {
		number := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(path), "operator."), ".token")
		if pid, err := strconv.Atoi(number); err == nil && gone(pid) {
			_ = os.Remove(path) // another may have been quicker
		}
	}
}

func gone(pid int) bool {
	p, err := os.FindProcess(pid)
	if err != nil {
		return false
	}
	return errors.Is(p.Signal(syscall.Signal(0)), os.ErrProcessDone)
}
