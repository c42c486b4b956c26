//go:build !unix

package reports

import (
	"errors"
	"os"
)

func tryLock(*os.File) error { return errors.ErrUnsupported }
