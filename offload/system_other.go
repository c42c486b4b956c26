//go:build !unix

package offload

import (
	"errors"
	"os"
)

// inheritedPipe fails: no helper can be started here.
func inheritedPipe(int, string) (*os.File, error) { return nil, errors.ErrUnsupported }
