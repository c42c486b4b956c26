//go:build !linux

package prefork

import "errors"

// look fails: this system does not tell.
func look(int) (Vitals, error) { return Vitals{}, errors.ErrUnsupported }

// weigh fails like look.
func weigh(int) (int64, error) { return 0, errors.ErrUnsupported }
