package pages

import (
	"context"
	"flag"
	"fmt"
	"net/url"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"slices"
	"strconv"
	"strings"

	"github.com/support-go/support/meta"
	"github.com/support-go/support/meta/data"
)

func itoa(n int) string { return strconv.Itoa(n) }

// runtimePage shows what the program is built of and what it runs on.
func runtimePage(context.Context, url.Values) (any, error) {
	blocks := []meta.Block{
		{Title: "Build", Half: true, Fields: build()},
		{Title: "Process", Half: true, Fields: process()},
		{Title: "Limits", Half: true, Fields: limits()},
		{Title: "Control group", Half: true, Fields: cgroup()},
		{Title: "Flags", Note: data.Words("text is shown only of a few"), Half: true, Fold: true, Table: flags()},
		{Title: "Environment", Note: data.Words("values are shown only of a few"), Half: true, Fold: true, Table: environment()},
		{Title: "Modules", Half: true, Fold: true, Table: modules()},
		{Title: "Runtime metrics", Note: data.Words("without the counts of GODEBUG that are 0"), Half: true, Fold: true, Table: runtimeMetrics()},
	}
	return meta.View{Blocks: slices.DeleteFunc(blocks, func(b meta.Block) bool { return b.Table == nil && len(b.Fields) == 0 })}, nil
}

func field(name, title string, v any) meta.Field {
	return meta.Field{Name: name, Title: title, Cell: meta.Cell{Value: v}}
}

func build() []meta.Field {
	fields := []meta.Field{
		field("go", "Go", runtime.Version()),
		field("platform", "Platform", runtime.GOOS+"/"+runtime.GOARCH),
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return fields
	}
	fields = append(fields, field("main", "Program", info.Path), field("version", "Version", info.Main.Version))
	for _, s := range info.Settings {
		if s.Value != "" && !strings.HasPrefix(s.Key, "-ldflags") { // in which people put secrets
			fields = append(fields, field(s.Key, "", s.Value))
		}
	}
	return fields
}

func process() []meta.Field {
	host, err := os.Hostname()
	if err != nil {
		host = err.Error()
	}
	return []meta.Field{
		field("pid", "Pid", itoa(os.Getpid())),
		field("host", "Host", host),
		field("program", "Program", os.Args[0]),
		field("arguments", "Arguments", fmt.Sprintf("%d, see Flags", len(os.Args)-1)),
		field("user", "User", itoa(os.Getuid())),
		field("gomaxprocs", "GOMAXPROCS", itoa(runtime.GOMAXPROCS(0))),
		field("cpus", "CPUs", itoa(runtime.NumCPU())),
	}
}

// flags are those of package flag. What is text may be a secret, and is shown
// only under names that never hold one.
func flags() *meta.Table {
	t := &meta.Table{Key: "flag", Columns: []meta.Column{{Name: "flag", Title: "Flag", Unit: data.UnitCode}, {Name: "value", Title: "Value", Wrap: true}, {Name: "default", Title: "Default"}}}
	flag.VisitAll(func(f *flag.Flag) {
		value, standard := f.Value.String(), f.DefValue
		if !shownFlag(f) {
			value, standard = masked(value), masked(standard)
		}
		t.Add("-"+f.Name, value, standard)
	})
	if len(t.Rows) == 0 {
		return nil
	}
	return t
}

// shownFlag says whether a flag's value may be shown.
func shownFlag(f *flag.Flag) bool {
	if data.Secret(f.Name) {
		return false
	}
	if getter, ok := f.Value.(flag.Getter); ok {
		switch getter.Get().(type) {
		case string, []byte:
			return slices.Contains([]string{"addr", "address", "listen", "host", "name", "level", "log-level", "mode", "role", "meta"}, f.Name)
		case nil:
			return false
		}
		return true
	}
	return false
}

// masked says of a value only that there is one.
func masked(value string) string {
	if value == "" {
		return ""
	}
	return fmt.Sprintf("set, %d bytes", len(value))
}

// environment names all variables, and shows those that never hold a secret.
func environment() *meta.Table {
	shown := []string{
		"GOMAXPROCS", "GOGC", "GOMEMLIMIT", "GODEBUG", "GOTRACEBACK", "TZ", "LANG", "LC_ALL", "HOME", "USER", "LOGNAME", "HOSTNAME",
		"PWD", "PATH", "SHELL", "TERM", "KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT", "NODE_NAME", "POD_NAME", "POD_NAMESPACE",
	}
	t := &meta.Table{Key: "name", Filter: true, Columns: []meta.Column{{Name: "name", Title: "Variable", Unit: data.UnitCode}, {Name: "value", Title: "Value", Wrap: true}}}
	variables := os.Environ()
	slices.Sort(variables)
	for _, v := range variables {
		name, value, _ := strings.Cut(v, "=")
		if !slices.Contains(shown, name) {
			value = masked(value)
		}
		t.Add(name, value)
	}
	return t
}

func modules() *meta.Table {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return nil
	}
	t := &meta.Table{Key: "module", Filter: true, Columns: []meta.Column{{Name: "module", Title: "Module"}, {Name: "version", Title: "Version", Merge: data.List}, {Name: "replaced", Title: "Replaced by"}}}
	for _, m := range info.Deps {
		replaced := ""
		if m.Replace != nil {
			replaced = m.Replace.Path + " " + m.Replace.Version
		}
		t.Add(m.Path, m.Version, replaced)
	}
	return t
}

// runtimeMetrics are those of package runtime/metrics that are one number.
func runtimeMetrics() *meta.Table {
	var samples []metrics.Sample
	texts := make(map[string]string)
	for _, d := range metrics.All() {
		if d.Kind == metrics.KindUint64 || d.Kind == metrics.KindFloat64 {
			samples = append(samples, metrics.Sample{Name: d.Name})
			texts[d.Name] = d.Description
		}
	}
	metrics.Read(samples)
	t := &meta.Table{Key: "metric", Filter: true, Columns: []meta.Column{
		{Name: "metric", Title: "Metric", Unit: data.UnitCode}, {Name: "value", Title: "Value", Merge: data.Sum}, {Name: "text", Title: "What it is", Wrap: true, Wide: true},
	}}
	for _, s := range samples {
		v := meta.Cell{}
		if s.Value.Kind() == metrics.KindUint64 {
			v.Value = s.Value.Uint64()
		} else {
			v.Value = s.Value.Float64()
		}
		if strings.HasPrefix(s.Name, "/godebug/") && s.Value.Uint64() == 0 {
			continue // there are many, and of interest is only what happens
		}
		switch {
		case strings.HasSuffix(s.Name, ":bytes"):
			v.Unit = data.UnitBytes
		case strings.HasSuffix(s.Name, "seconds"):
			v.Unit = data.UnitSeconds
		}
		first, _, _ := strings.Cut(texts[s.Name], ". ")
		t.Add(s.Name, v, first)
	}
	return t
}
