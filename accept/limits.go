package accept

import (
	"cmp"
	"time"
)

// Limits says how many connections a Queue lets in. Zero fields take the
// defaults.
type Limits struct {
	Active  int           // with a request, at once; default 1024; below 0 any number
	Waiting int           // taken from the kernel while as many are active; default 128
	MaxWait time.Duration // in the room, a quarter of it when somebody has waited all that time; default 1 s
	Open    int           // connections in all; default half of what descriptors there may be, less 32; below 0 any number
	Silent  time.Duration // for a new connection to say something; default 10 s; below 0 never

	// Refusal answers a connection that is turned away; default HTTP.
	Refusal Refusal

	// Room, if set, is how many more requests are wanted at this moment, such as
	// Gate.Room of package admit. While there are none, new connections are
	// refused. It is asked for each connection, and must be quick.
	Room func() int

	// Group says how the Queue lives with others.
	Group Group
}

// Group is for a Queue that is one of several. Its zero value is for one that is
// alone.
type Group struct {
	// Siblings says that other processes accept from the same socket. A connection
	// that finds no room here is left to them for a millisecond, or for 20 while one
	// of them has room, as Spare says if it is set.
	Siblings bool
	Spare    func() bool

	// Wait, if set, is told of n more (or fewer) connections that have been taken
	// from the kernel, and not yet been given out or refused.
	Wait func(n int)

	// Full, if set, is told when Limits.Room has gone, and when there is some
	// again.
	Full func(full bool)
}

// InForce returns l with the defaults where nothing is set.
func (l Limits) InForce() Limits {
	l.Active = cmp.Or(l.Active, 1024)
	l.Waiting = cmp.Or(l.Waiting, 128)
	l.MaxWait = cmp.Or(l.MaxWait, time.Second)
	l.Silent = cmp.Or(l.Silent, 10*time.Second)
	if l.Open == 0 {
		l.Open = openLimit()
	}
	if l.Refusal == nil {
		l.Refusal = HTTP
	}
	if l.Group.Wait == nil {
		l.Group.Wait = func(int) {}
	}
	if l.Group.Spare == nil {
		l.Group.Spare = func() bool { return false }
	}
	if l.Group.Full == nil {
		l.Group.Full = func(bool) {}
	}
	return l
}

// reserved is how many descriptors are left for files, control and logs.
const reserved = 32
