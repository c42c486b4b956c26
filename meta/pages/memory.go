package pages

import (
	"cmp"
	"context"
	"net/url"
	"runtime"
	"runtime/metrics"
	"slices"
	"strings"

	"github.com/support-go/support/meta"
	"github.com/support-go/support/meta/data"
)

// memory shows what the heap holds, by the place that has allocated it, as the
// sampling of the runtime knows it.
func memory(context.Context, url.Values) (any, error) {
	places := heap()
	t := &meta.Table{Key: "place", Filter: true, Sorted: "-in_use", Total: len(places), Empty: "Nothing has been sampled yet.", Columns: []meta.Column{
		{Name: "place", Title: "Allocated in"},
		{Name: "in_use", Title: "In use", Unit: data.UnitBytes, Merge: data.Sum},
		{Name: "objects", Title: "Objects", Merge: data.Sum}, {Name: "allocated", Title: "Ever allocated", Unit: data.UnitBytes, Merge: data.Sum, Wide: true},
		{Name: "where", Title: "Where", Unit: data.UnitCode, Merge: data.List, Wrap: true},
	}}
	for _, p := range places[:min(maxGroups, len(places))] {
		row := t.Add(p.name, p.inUse, p.objects, p.allocated, p.file)
		row.Detail = []meta.Block{{Title: "Called from", Text: &meta.Text{Body: p.stack}}}
	}
	return meta.View{Blocks: []meta.Block{
		{Name: "figures", Figures: memoryFigures()},
		{Name: "heap", Title: "Heap in use, by place", Note: data.Words("a sample: one allocation in each 512 KiB"), Table: t},
	}}, nil
}

// place is where memory was allocated.
type place struct {
	name, file, stack         string
	inUse, objects, allocated float64
}

// heap adds up the records of the memory profile by the innermost function
// that is not of the runtime.
func heap() []place {
	n, _ := runtime.MemProfile(nil, true)
	records := make([]runtime.MemProfileRecord, n+50)
	n, ok := runtime.MemProfile(records, true)
	if !ok {
		return nil // there are more by now; the next look finds them
	}
	byName := make(map[string]*place)
	var all []*place
	for i := range records[:n] {
		r := &records[i]
		name, file, stack := describe(r.Stack())
		p := byName[name]
		if p == nil {
			p = &place{name: name, file: file, stack: stack}
			byName[name] = p
			all = append(all, p)
		}
		// The profile has one allocation of MemProfileRate bytes; of small ones it
		// stands for more, but the order of places is the same.
		p.inUse += float64(r.InUseBytes())
		p.objects += float64(r.InUseObjects())
		p.allocated += float64(r.AllocBytes)
	}
	slices.SortFunc(all, func(a, b *place) int { return cmp.Compare(b.inUse, a.inUse) })
	out := make([]place, len(all))
	for i, p := range all {
		out[i] = *p
	}
	return out
}

func describe(pcs []uintptr) (name, file, stack string) {
	if len(pcs) == 0 {
		return "unknown", "", ""
	}
	frames := runtime.CallersFrames(pcs)
	var b strings.Builder
	for i := range maxFrames {
		f, more := frames.Next()
		if name == "" && !strings.HasPrefix(f.Function, "runtime.") || i == 0 {
			name, file = "", ""
			if !strings.HasPrefix(f.Function, "runtime.") || !more {
				name, file = shortName(f.Function), shortFile(f.File)+":"+itoa(f.Line)
			}
		}
		b.WriteString(shortName(f.Function) + "  " + shortFile(f.File) + ":" + itoa(f.Line) + "\n")
		if !more {
			break
		}
	}
	if name == "" {
		name = "runtime"
	}
	return name, file, b.String()
}

func memoryFigures() []meta.Field {
	names := []struct {
		metric, name, title, unit string
		merge                     data.Merge
	}{
		{"/memory/classes/heap/objects:bytes", "heap", "Heap", data.UnitBytes, data.Sum},
		{"/gc/heap/live:bytes", "live", "Live at last GC", data.UnitBytes, data.Sum},
		{"/gc/heap/goal:bytes", "goal", "Next GC at", data.UnitBytes, data.Sum},
		{"/memory/classes/total:bytes", "total", "From the system", data.UnitBytes, data.Sum},
		{"/memory/classes/heap/stacks:bytes", "stacks", "Stacks", data.UnitBytes, data.Sum},
		{"/memory/classes/heap/free:bytes", "free", "Free, kept", data.UnitBytes, data.Sum},
		{"/gc/cycles/total:gc-cycles", "cycles", "GC cycles", "", data.Sum},
		{"/gc/gogc:percent", "gogc", "GOGC", "", data.Max},
		{"/gc/gomemlimit:bytes", "gomemlimit", "GOMEMLIMIT", data.UnitBytes, data.Max},
	}
	samples := make([]metrics.Sample, len(names))
	for i, n := range names {
		samples[i].Name = n.metric
	}
	metrics.Read(samples)
	var fields []meta.Field
	for i, n := range names {
		if samples[i].Value.Kind() != metrics.KindUint64 {
			continue
		}
		v := meta.Cell{Value: samples[i].Value.Uint64()}
		if n.name == "gomemlimit" && samples[i].Value.Uint64() > 1<<60 {
			v.Value = "none"
		}
		fields = append(fields, meta.Field{Name: n.name, Title: n.title, Unit: n.unit, Merge: n.merge, Cell: v})
	}
	return fields
}
