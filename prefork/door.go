package prefork

import "time"

// lonelyGrace is how long clients may wait in the kernel's queue for a worker
// to come.
const lonelyGrace = time.Second

// watchTheDoor has connections refused while nobody serves, so that clients
// fail at once instead of hanging in the kernel's queue until their own
// time-out. Before the group has ever been ready they may wait: whoever starts
// it knows that it starts.
func (l *loop) watchTheDoor(now time.Time) {
	serving := l.state.count(WorkerRole, Serving, Draining) > 0
	if serving || l.state.Phase == GroupStopping || !l.wasReady && l.state.Phase != GroupCrashLooping {
		l.lonely = time.Time{}
		l.stopRefusing()
		return
	}
	if l.lonely.IsZero() {
		l.lonely = now
	}
	if l.admit == nil && now.Sub(l.lonely) >= lonelyGrace {
		l.log.Error("nobody serves: connections are refused")
		l.admit = l.sys.refuse(l.state.Sockets)
	}
}

// stopRefusing ends refusing.
func (l *loop) stopRefusing() {
	if l.admit != nil {
		l.admit()
		l.admit = nil
	}
}
