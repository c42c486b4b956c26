package meta

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/support-go/support/meta/data"
)

// look is what somebody has asked to see, and what came of it.
type look struct {
	page    *Page
	path    string
	query   url.Values
	who     *visitor
	view    View
	answers []answer // of those asked; none for a page that runs here
	took    time.Duration
	group   Group
	unknown error // why the group is not known
}

// showPage answers with a page, in the form that is wanted.
func (a *app) showPage(w http.ResponseWriter, r *http.Request, v *visitor) {
	path, asJSON := strings.CutSuffix(v.path, ".json")
	page, query := a.page(path, r)
	if page == nil {
		page, query = a.page(v.path, r) // an instrument may be called so
		asJSON = false
	}
	switch {
	case v.Role == Nobody:
		a.unauthorized(w, r, v.path)
		return
	case page == nil:
		a.notice(w, r, v, http.StatusNotFound, "There is no such page", "The menu names those that there are.")
		return
	case v.Role < max(page.Role, Viewer):
		a.refuse(w, r, v, page.Role)
		return
	}
	asked := &look{page: page, path: path, query: query, who: v}
	accept := r.Header.Get("Accept")
	if !asJSON && strings.Contains(accept, "text/event-stream") {
		a.stream(w, r, asked)
		return
	}
	ctx, cancel := withTime(r)
	defer cancel()
	release, err := a.admit(page)
	if err != nil {
		w.Header().Set("Retry-After", "1")
		a.notice(w, r, v, http.StatusTooManyRequests, "Somebody else is looking", err.Error())
		return
	}
	defer release()
	a.take(ctx, asked)
	if asJSON || prefersJSON(accept) {
		a.writeJSON(w, asked)
		return
	}
	a.writeHTML(w, r, asked, http.StatusOK)
}

func prefersJSON(accept string) bool {
	return strings.Contains(accept, "application/json") && !strings.Contains(accept, "text/html")
}

// pause is the time between two looks at a costly page.
const pause = 200 * time.Millisecond

// admit lets one look at costly pages in at a time, and not one right after
// the other.
func (a *app) admit(p *Page) (release func(), err error) {
	if p.Cost != Costly {
		return func() {}, nil
	}
	select {
	case a.costly <- struct{}{}:
	default:
		return nil, fmt.Errorf("%w: a look at this page costs the workers something, and so only one is taken at a time", ErrBusy)
	}
	a.mu.Lock()
	last := a.lastRun[p.Path]
	a.mu.Unlock()
	if time.Since(last) < pause {
		<-a.costly
		return nil, fmt.Errorf("%w: the last look at this page is less than %v ago", ErrBusy, pause)
	}
	return func() {
		a.mu.Lock()
		a.lastRun[p.Path] = time.Now()
		a.mu.Unlock()
		<-a.costly
	}, nil
}

// take asks those who know, and makes one view of what they say.
func (a *app) take(ctx context.Context, l *look) {
	began := time.Now()
	l.group, l.unknown = a.group(ctx)
	if l.page.here {
		v, err := l.page.inTime(context.WithValue(ctx, lookKey{}, l), l.query, &a.local)
		if err != nil {
			v = View{Blocks: []Block{failure("", err)}}
		}
		l.view = v
	} else {
		a.askWorkers(ctx, l)
	}
	l.arrange()
	l.took = time.Since(began)
}

type lookKey struct{}

// lookOf is the look for which a page runs here.
func lookOf(ctx context.Context) *look {
	l, _ := ctx.Value(lookKey{}).(*look)
	if l == nil {
		return &look{who: &visitor{}}
	}
	return l
}

// askTime is how long workers may take to answer for a cheap page.
const askTime = 2 * time.Second

func (a *app) askWorkers(ctx context.Context, l *look) {
	if l.page.Cost != Costly {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, askTime)
		defer cancel()
	}
	sources := slices.Clone(a.sources(ctx))
	if worker := l.query.Get("worker"); worker != "" {
		sources = slices.DeleteFunc(sources, func(s Source) bool { return s.Name != worker })
	}
	query := maps.Clone(l.query)
	for _, own := range []string{"worker", "side", "sort", "q"} {
		if own == "worker" || own == "side" || !l.page.Picks {
			delete(query, own)
		}
	}
	for i := range sources {
		p := l.group.worker(sources[i].Name)
		sources[i].silent = p != nil && p.State == data.Wrong
	}
	l.answers = ask(ctx, sources, l.path, query)
	var good []data.Answer
	var late []Block
	for i := range l.answers {
		got := &l.answers[i]
		question := got.name + " " + l.path + "?" + query.Encode()
		if got.err == nil {
			a.last.add(question, got.encoded, time.Now())
			good = append(good, data.Answer{From: got.name, View: got.view})
			continue
		}
		late = append(late, a.lastKnown(got, question)...)
	}
	if l.query.Get("side") != "" && len(good) > 1 {
		l.view = data.SideBySide(good)
	} else {
		l.view = data.MergeAll(good)
	}
	l.view.Blocks = append(l.page.verdict(data.MergeAll(good)), l.view.Blocks...)
	l.view.Blocks = append(append(l.missing(), l.view.Blocks...), late...)
	if len(sources) == 0 {
		l.view.At = time.Now()
		gone := answer{name: l.query.Get("worker")}
		l.view.Blocks = append([]Block{{Title: "Nobody to ask", Notice: &data.Notice{Text: data.Words("No worker of that name serves now.")}}},
			a.lastKnown(&gone, gone.name+" "+l.path+"?"+query.Encode())...)
	}
}

// lastKnown is what a process has said before, to the same question.
func (a *app) lastKnown(got *answer, question string) []Block {
	v, at, ok := a.last.of(question)
	if !ok {
		return nil
	}
	got.last = at
	return asOf(got.name, v, at, time.Now())
}

// missing says who has not answered, and what was last known of them.
func (l *look) missing() []Block {
	var blocks []Block
	good := 0
	for _, got := range l.answers {
		if got.err == nil {
			good++
			continue
		}
		b := failure(got.name, got.err)
		if p := l.group.worker(got.name); p != nil {
			b.Notice.Text = append(b.Notice.Text, data.Span{Text: fmt.Sprintf(
				" The supervisor last heard of it %s; it had %.0f requests running and %.0f connections open.",
				agoOf(p.Heard), p.Running, p.Open)})
		}
		if !got.last.IsZero() {
			b.Notice.Text = append(b.Notice.Text, data.Span{Text: " What it answered " + agoOf(got.last) + " is below."})
		}
		blocks = append(blocks, b)
	}
	if len(blocks) == 0 {
		return nil
	}
	verdict := Block{Verdict: &data.Verdict{State: data.Look, Word: "Incomplete", Sentence: data.Rich{
		{Text: "Numbers are from "}, {Text: fmt.Sprintf("%d of %d", good, len(l.answers)), Strong: true}, {Text: " workers."},
	}}}
	return append([]Block{verdict}, blocks...)
}

// failure says why a page is not there; the others go on.
func failure(from string, err error) Block {
	where := "This page"
	if from != "" {
		where = from
	}
	b := Block{Title: where + " did not answer", Notice: &data.Notice{Text: data.Words(err.Error() + ".")}}
	var p *panicked
	if errors.As(err, &p) {
		b.Title = where + " failed; the others go on"
		b.Notice.Code = p.stack
	}
	return b
}

// refuseForms disables what whoever looks may not do, and says why.
func (l *look) refuseForms(blocks []Block) {
	for i := range blocks {
		if f := blocks[i].Form; f != nil && l.who.Role < Operator && !f.Ask && !f.Viewers && f.Refused == "" {
			f.Refused = l.who.mayNot()
		}
		if t := blocks[i].Table; t != nil {
			for _, r := range t.Rows {
				l.refuseForms(r.Detail)
			}
		}
	}
}

// arrange sorts and filters tables as the address asks.
func (l *look) arrange() {
	l.refuseForms(l.view.Blocks)
	for i := range l.view.Blocks {
		t := l.view.Blocks[i].Table
		if t == nil {
			continue
		}
		if by := l.query.Get("sort"); by != "" {
			t.Sort(by)
		}
		if q := l.query.Get("q"); q != "" && t.Filter {
			t.Total = max(t.Total, len(t.Rows))
			t.Matching(q)
			if len(t.Rows) == 0 {
				t.Empty = fmt.Sprintf("Nothing matches “%s”, of %d rows.", q, t.Total)
			}
		}
	}
}

// maxShown is how many rows of a table people are shown: a page is to be quick
// and small, and the filter finds the others. Programs get all of them.
const maxShown = 250

// cut leaves out the rows that are too many to be read.
func cut(v View) View {
	v.Blocks = slices.Clone(v.Blocks)
	for i := range v.Blocks {
		if t := v.Blocks[i].Table; t != nil && len(t.Rows) > maxShown {
			short := *t
			short.Total, short.Rows = max(t.Total, len(t.Rows)), t.Rows[:maxShown]
			v.Blocks[i].Table = &short
		}
	}
	return v
}

// reply is the form for programs.
type reply struct {
	View
	Path     string    `json:"path"`
	Group    string    `json:"group"`
	Answered []replyOf `json:"answered,omitempty"`
	Took     float64   `json:"took_seconds"`
}

type replyOf struct {
	Name  string    `json:"name"`
	Error string    `json:"error,omitempty"`
	Last  time.Time `json:"last_answer,omitzero"` // of one that does not answer now
	Took  float64   `json:"took_seconds"`
}

func (a *app) writeJSON(w http.ResponseWriter, l *look) { a.writeJSONAs(w, l, http.StatusOK) }

func (a *app) writeJSONAs(w http.ResponseWriter, l *look, status int) {
	out := reply{View: l.view, Path: l.path, Group: a.Name, Took: l.took.Seconds()}
	out.Version, out.Title = data.Version, l.page.Title
	for _, got := range l.answers {
		one := replyOf{Name: got.name, Took: got.took.Seconds()}
		if got.err != nil {
			one.Error, one.Last = got.err.Error(), got.last
		}
		out.Answered = append(out.Answered, one)
	}
	b, err := json.MarshalIndent(out, "", " ")
	if err == nil && len(b) > 2*data.MaxBytes {
		err = fmt.Errorf("the page has %d bytes, which is too much", len(b))
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(b, '\n'))
}

func (a *app) writeHTML(w http.ResponseWriter, r *http.Request, l *look, status int) {
	var b bytes.Buffer
	if err := a.render.Page(&b, a.frame(l, r)); err != nil {
		a.log().Error("page", "path", l.path, "error", err)
		http.Error(w, "this page cannot be shown: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = b.WriteTo(w)
}

// notice answers with a page that says one thing.
func (a *app) notice(w http.ResponseWriter, r *http.Request, v *visitor, status int, title, text string) {
	if v.program || strings.HasSuffix(v.path, ".json") || prefersJSON(r.Header.Get("Accept")) {
		http.Error(w, title+": "+text, status)
		return
	}
	l := &look{page: &Page{Title: title}, path: v.path, who: v, view: View{Blocks: []Block{{
		Title: strings.ToUpper(title[:1]) + title[1:], Notice: &data.Notice{Text: data.Words(text), Links: data.Rich{{Text: "Back to Overview", Href: "."}}},
	}}}}
	l.group, l.unknown = a.group(r.Context())
	a.writeHTML(w, r, l, status)
}

func (a *app) showStatic(w http.ResponseWriter, r *http.Request, _ *visitor) {
	a.render.Static().ServeHTTP(w, r)
}
