package requests

import (
	"cmp"
	"slices"
)

// picks chooses the best MaxFinished of many records, and copies few others.
type picks struct {
	better func(a, b *record) int
	all    []picked
	full   bool // all[MaxFinished-1] was once the worst of enough
}

type picked struct {
	route *route
	record
}

func latestRecord(a, b *record) int { return cmp.Compare(b.start, a.start) }

func slowestRecord(a, b *record) int {
	return cmp.Or(cmp.Compare(b.took, a.took), latestRecord(a, b))
}

func (p *picks) add(at *route, r *record) {
	if p.full && p.better(r, &p.all[MaxFinished-1].record) > 0 {
		return
	}
	p.all = append(p.all, picked{at, *r})
	if len(p.all) == 2*MaxFinished {
		p.cut()
		p.full = true
	}
}

func (p *picks) cut() {
	slices.SortFunc(p.all, func(a, b picked) int { return p.better(&a.record, &b.record) })
	p.all = p.all[:min(len(p.all), MaxFinished)]
}

// finished returns what was picked, the best first.
func (p *picks) finished(rec *Recorder) []Finished {
	p.cut()
	list := make([]Finished, len(p.all))
	for i := range p.all {
		list[i] = p.all[i].finished(rec)
	}
	return list
}

func (p *picked) finished(rec *Recorder) Finished {
	path := clean(string(p.path[:p.nPath]), maxPath)
	if p.cutPath {
		path += "…"
	}
	return Finished{
		ID: p.id, Server: rec.config.Server, Route: p.route.name, Path: path,
		Method:  clean(string(p.method[:p.nMethod]), maxMethod),
		Peer:    clean(string(p.remote[:p.nRemote]), maxRemote),
		Start:   rec.time(p.start),
		Seconds: float64(p.took) / 1e9,
		Status:  p.status, Outcome: p.ending.String(), Received: p.received, Sent: p.sent,
		Note: clean(string(p.note[:p.nNote]), maxNote),
	}
}
