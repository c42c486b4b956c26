//go:build !unix

package accept

import "net"

// door does not exist here: connections that are not wanted are refused by their
// server.
type door struct{}

func newDoor(net.Listener) *door { return nil }

func (d *door) work(*Queue) error { return nil }

func (d *door) handOn(*Queue) bool { return false }

func (d *door) close() {}
