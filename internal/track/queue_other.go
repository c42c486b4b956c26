//go:build !unix

package track

import (
	"context"
	"net"
)

// awaitEmptyQueue has no way to look here.
func awaitEmptyQueue(context.Context, net.Listener, func() int) error { return nil }
