package admit

import (
	"container/list"
	"time"
)

// waiter is a request in the room.
type waiter struct {
	class Class
	ready chan struct{} // closed when it has been given place
	place grant         // then
	at    *list.Element // nil once it has left the line
}

// line is the room: for each class those that wait, the oldest first.
type line struct {
	classes [classes]list.List
	length  int
	since   time.Time // it has not been empty
}

func (l *line) empty() bool { return l.length == 0 }

func (l *line) push(w *waiter, now time.Time) {
	if l.length == 0 {
		l.since = now
	}
	l.length++
	w.at = l.classes[w.class.index()].PushBack(w)
}

// pop takes out the oldest of the highest class. There must be one.
func (l *line) pop() *waiter {
	i := classes - 1
	for l.classes[i].Len() == 0 {
		i--
	}
	w := l.classes[i].Front().Value.(*waiter)
	l.remove(w)
	return w
}

func (l *line) remove(w *waiter) {
	l.classes[w.class.index()].Remove(w.at)
	w.at = nil
	l.length--
}

// ahead is how many will be served before one of class that comes now.
func (l *line) ahead(class Class) int {
	n := 0
	for i := class.index(); i < classes; i++ {
		n += l.classes[i].Len()
	}
	return n
}
