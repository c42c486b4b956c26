//go:build !unix

package offload

import (
	"errors"
	"os"
	"time"
)

// inheritedPipe fails: no helper can be started here.
func inheritedPipe(int, string) (*os.File, error) { return nil, errors.ErrUnsupported }

// computed is not known here, so that the scheduler is never to blame.
func computed() time.Duration { return 0 }
