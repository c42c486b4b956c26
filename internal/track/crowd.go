package track

import (
	"cmp"
	"net"
	"slices"
)

const (
	little  = 16 << 10 // bytes; who gives or takes less in the time of lagging lags
	lagging = 2        // looks
)

// laggard is a request that waits for a client which gives or takes next to
// nothing.
type laggard struct {
	source string // the address of its client, without the port
	looks  int    // since it has begun to lag
	end    func()
}

func (c *Conn) laggard(looks int, end func()) laggard {
	source, _, err := net.SplitHostPort(c.RemoteAddr().String())
	if err != nil {
		source = "" // of a unix socket all come from one place
	}
	return laggard{source, looks, end}
}

// tooMany are those of the laggards that must go for as many to be left as may
// be: of each source as many stay as of any other, and those that have lagged
// for longest go first.
func tooMany(all []laggard, may int) []laggard {
	if may <= 0 || len(all) <= may {
		return nil
	}
	bySource := make(map[string][]laggard)
	for _, l := range all {
		bySource[l.source] = append(bySource[l.source], l)
	}
	groups := make([][]laggard, 0, len(bySource))
	for _, group := range bySource {
		groups = append(groups, group)
	}
	slices.SortFunc(groups, func(a, b []laggard) int { return cmp.Compare(len(a), len(b)) })
	var gone []laggard
	for i, group := range groups {
		stay := min(may/(len(groups)-i), len(group))
		may -= stay
		slices.SortFunc(group, func(a, b laggard) int { return cmp.Compare(a.looks, b.looks) })
		gone = append(gone, group[stay:]...)
	}
	return gone
}
