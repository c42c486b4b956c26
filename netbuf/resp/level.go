package resp

// A level is an aggregate or a streamed string that has not ended.
type level struct {
	kind     Kind
	streamed bool // ended by a mark, not by a count
	values   int  // still to come, or if streamed, seen
}

// inString tells whether only a part of a streamed string may follow.
func (s *scanner) inString() bool {
	return len(s.open) > 0 && s.open[len(s.open)-1].kind == BulkString
}

// enter opens a level.
func (s *scanner) enter(l level) error {
	if len(s.open) >= s.limits.Depth {
		return errDepth
	}
	s.open = append(s.open, l)
	return nil
}

// leave closes the innermost level.
func (s *scanner) leave() { s.open = s.open[:len(s.open)-1] }

// ended accounts for a value that has just ended, and for all that end with it.
// It tells whether that was the whole.
func (s *scanner) ended() bool {
	for len(s.open) > 0 {
		last := &s.open[len(s.open)-1]
		if last.streamed {
			last.values++
			return false
		}
		if last.values--; last.values > 0 {
			return false
		}
		kind := last.kind
		s.leave()
		if kind == attributes {
			s.owed = true
			return false
		}
	}
	return true
}
