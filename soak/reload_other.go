//go:build !linux

package main

import (
	"context"
	"errors"
	"io"
)

// runReload needs a reaper of orphans, which only Linux lets a program be.
func runReload(context.Context, []string, io.Writer, io.Writer) error {
	return errors.New("soak: reload runs on Linux only")
}
