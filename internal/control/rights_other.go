//go:build !linux && !darwin

package control

import (
	"errors"
	"net"
)

type receiver struct {
	conn        *net.UnixConn
	descriptors []int
}

func (r *receiver) Read(p []byte) (int, error) { return r.conn.Read(p) }

func rights([]int) []byte { return nil }

func closeAll([]int) {}

// Admit refuses everybody where the kernel cannot be asked who they are.
func Admit(*net.UnixConn) (pid int, err error) { return 0, errors.ErrUnsupported }
