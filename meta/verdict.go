package meta

import (
	"context"
	"fmt"
	"math"
	"net/url"
	"strings"
	"time"

	"github.com/support-go/support/internal/human"
	"github.com/support-go/support/meta/data"
	"github.com/support-go/support/requests"
)

// From which share on errors, and requests that are shed, are worth a look, and
// from which on something is wrong.
const (
	shareToLook = 0.01
	shareWrong  = 0.1
)

// verdict is one sentence, by the worst that is known.
func (a *app) verdict(ctx context.Context, l *look) *data.Verdict {
	if l.unknown != nil {
		return &data.Verdict{State: data.Wrong, Word: "The supervisor does not answer", Sentence: data.Words(l.unknown.Error())}
	}
	g, p := l.group, past{history: a.history, within: kept}
	v := &verdict{Verdict: data.Verdict{State: data.OK, Word: "Well", Since: g.Started}}
	if g.State == data.Look || g.State == data.Wrong || g.State == data.Busy {
		v.worse(g.State, capital(g.Phase), time.Time{})
	}
	v.serving(p)
	if g.Why != "" {
		v.say(data.Span{Text: capital(g.Why) + "."})
	}
	v.shedding(p)
	v.failing(p, a.worst(ctx, p))
	v.slow(p)
	v.processes(g)
	if at, why := p.odd(g); at >= 0 {
		name := g.Processes[at].Name
		v.worse(data.Look, name+" is odd", time.Time{})
		v.say(data.Span{Text: name, Href: "?worker=" + name}, data.Span{Text: ": " + why + "."})
	}
	v.findings(g)
	return &v.Verdict
}

// verdict is one that is being made up.
type verdict struct{ data.Verdict }

// worse takes the word of a state, if that is worse than all so far.
func (v *verdict) worse(state data.State, word string, since time.Time) {
	if data.Worse(v.State, state) != v.State {
		v.State, v.Word, v.Since = state, word, since
	}
}

// say adds a sentence.
func (v *verdict) say(spans ...data.Span) {
	if len(v.Sentence) > 0 {
		v.Sentence = append(v.Sentence, data.Span{Text: " "})
	}
	v.Sentence = append(v.Sentence, spans...)
}

// serving says what is served now, and how fast.
func (v *verdict) serving(p past) {
	rate := p.served().last()
	if math.IsNaN(rate) {
		v.say(data.Span{Text: "Running."})
		return
	}
	spans := []data.Span{{Text: "Serving "}, {Text: human.Rate(rate).String(), Strong: true, Href: "requests"}}
	slow := p.get(totalOf+requestSeconds, p99, true)
	if last := slow.last(); !math.IsNaN(last) {
		spans = append(spans, data.Span{Text: ", p99 "}, data.Span{Text: human.Duration(last).String(), Strong: true})
		if before := slow.usual(); last > 2*before || last < before/2 {
			spans = append(spans, data.Span{Text: ", usually " + human.Duration(before).String()})
		}
	}
	v.say(append(spans, data.Span{Text: "."})...)
}

// shedding tells what share of what comes is turned away.
func (v *verdict) shedding(p past) {
	share := p.shareShed()
	last := share.last()
	if !(last > 0) {
		return
	}
	v.say(data.Span{Text: "Shedding "}, data.Span{Text: human.Share(last).String(), Strong: true, Href: "stats?q=shed"}, data.Span{Text: " of what comes."})
	v.share(last, "Overloaded", share)
}

// failing tells what share of the answers are errors, and where most are.
func (v *verdict) failing(p past, worst string) {
	share := p.shareFailed()
	last := share.last()
	if !(last >= shareToLook) {
		return
	}
	spans := []data.Span{{Text: human.Share(last).String(), Strong: true, Href: "requests?sort=-errors"}, {Text: " of the answers are errors"}}
	if worst != "" {
		spans = append(spans, data.Span{Text: ", most on "}, data.Span{Text: human.Middle(worst, 40), Href: routeAddress(worst)})
	}
	v.say(append(spans, data.Span{Text: "."})...)
	v.share(last, "Failing", share)
}

func (v *verdict) share(last float64, word string, over span) {
	state := data.Look
	switch {
	case last < shareToLook:
		return
	case last >= shareWrong:
		state = data.Wrong
	}
	v.worse(state, word, over.since(func(x float64) bool { return x >= shareToLook }))
}

// slow finds a p99 that is more than twice as long as it usually is.
func (v *verdict) slow(p past) {
	slow := p.get(totalOf+requestSeconds, p99, true)
	usual, last := slow.usual(), slow.last()
	if count := p.served().last() * groupStep.Seconds(); last > 2*usual && last > leastSlow && count >= leastCount {
		v.worse(data.Look, "Slow", slow.since(func(x float64) bool { return x > 2*usual }))
	}
}

// What is below is never called slow, and of fewer requests in a stretch no p99
// is believed.
const (
	leastSlow  = 0.01
	leastCount = 20
)

func (v *verdict) processes(g Group) {
	for _, p := range g.Processes {
		if p.State != data.Look && p.State != data.Wrong {
			continue
		}
		v.worse(p.State, p.Name+" is "+p.Word, time.Time{})
		why := "."
		if p.Why != "" {
			why = ": " + p.Why + "."
		}
		v.say(data.Span{Text: p.Name, Href: "goroutines?worker=" + p.Name}, data.Span{Text: " is " + p.Word + why})
	}
}

// findings are named if nothing worse is.
func (v *verdict) findings(g Group) {
	for _, f := range g.Findings {
		if f.State == data.Wrong && v.State == data.OK {
			v.worse(data.Look, "Look", time.Time{})
			v.say(data.Span{Text: f.Text.String() + "."})
			return
		}
	}
}

func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// since is from when on the condition has held; zero if it does not now, or has
// ever since anything is known.
func (s span) since(holds func(float64) bool) time.Time {
	at := len(s.values)
	for at > 0 && (math.IsNaN(s.values[at-1]) || holds(s.values[at-1])) {
		at--
	}
	for at < len(s.values) && math.IsNaN(s.values[at]) {
		at++
	}
	if at == len(s.values) {
		return time.Time{}
	}
	return time.Unix(int64(s.start+float64(at)*s.step), 0)
}

// served is the rate of requests that were answered, by the routes or, where
// these are not measured, by the ledger.
func (p past) served() span {
	if s := p.get(totalOf+requestSeconds, perSecond, false); len(s.values) > 0 {
		return s
	}
	return p.get(requestsLine, perSecond, false)
}

func (p past) shareShed() span {
	return p.get(totalOf+shedName, perSecond, false).with(p.served(), func(shed, served float64) float64 { return part(shed, shed+served) })
}

func (p past) shareFailed() span {
	return p.get(totalOf+serverErrors, perSecond, false).with(p.served(), part)
}

func part(of, whole float64) float64 {
	if whole <= 0 {
		return 0
	}
	return of / whole
}

// worst is the route with most errors of late.
func (a *app) worst(ctx context.Context, p past) string {
	if !(p.shareFailed().last() >= shareToLook) {
		return ""
	}
	s, err := a.numbers(ctx, "")
	if err != nil {
		return ""
	}
	route, most := "", 0.0
	for _, r := range requests.Summaries(s) {
		if rate := p.get(routeSeries(serverErrors, r), perSecond, false).last(); rate > most {
			route, most = r.Route, rate
		}
	}
	return route
}

func routeAddress(route string) string {
	return fmt.Sprintf("requests/%s", url.PathEscape(routeTitle(route)))
}
