//go:build !unix

package support

import "errors"

func terminate() error { return errors.ErrUnsupported }
