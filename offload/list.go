package offload

// list is a queue of jobs from which any can be removed. A job is in at most
// one list.
type list struct {
	first, last *job
	len         int
}

func (l *list) push(j *job) {
	j.previous, j.next = l.last, nil
	if l.last == nil {
		l.first = j
	} else {
		l.last.next = j
	}
	l.last = j
	l.len++
}

// remove says whether j was in l.
func (l *list) remove(j *job) bool {
	if j.previous == nil && l.first != j {
		return false
	}
	if j.previous == nil {
		l.first = j.next
	} else {
		j.previous.next = j.next
	}
	if j.next == nil {
		l.last = j.previous
	} else {
		j.next.previous = j.previous
	}
	j.previous, j.next = nil, nil
	l.len--
	return true
}

// all yields the jobs in order; the one that has been yielded may be removed.
func (l *list) all(yield func(*job) bool) {
	for j := l.first; j != nil; {
		next := j.next
		if !yield(j) {
			return
		}
		j = next
	}
}
