package pages

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/support-go/support/meta"
)

// limits are those of the process, the soft ones.
func limits() []meta.Field {
	b, err := os.ReadFile("/proc/self/limits")
	if err != nil {
		return nil
	}
	var fields []meta.Field
	for line := range strings.Lines(string(b)) {
		for name, title := range map[string]string{"Max open files": "Open files", "Max processes": "Processes", "Max locked memory": "Locked memory", "Max address space": "Address space", "Max core file size": "Core file"} {
			if rest, ok := strings.CutPrefix(line, name); ok {
				if values := strings.Fields(rest); len(values) > 1 {
					fields = append(fields, field(strings.ReplaceAll(strings.ToLower(title), " ", "_"), title, limit(values[0], values[1])))
				}
			}
		}
	}
	return fields
}

// limit is a soft limit, with how far it can be raised.
func limit(soft, hard string) string {
	if soft == hard {
		return soft
	}
	return soft + ", at most " + hard
}

// cgroup is what the control group allows and has counted, of version 2.
func cgroup() []meta.Field {
	b, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return nil
	}
	_, path, ok := strings.Cut(strings.TrimSpace(string(b)), "0::")
	if !ok {
		return nil
	}
	path, _, _ = strings.Cut(path, "\n")
	fields := []meta.Field{field("path", "Path", path)}
	for _, name := range []string{"memory.max", "memory.high", "memory.current", "memory.peak", "memory.events", "cpu.max", "cpu.stat", "pids.max", "pids.current"} {
		content, err := os.ReadFile(filepath.Join("/sys/fs/cgroup", filepath.Clean("/"+path), name))
		if err == nil {
			fields = append(fields, field(name, "", strings.ReplaceAll(strings.TrimSpace(string(content)), "\n", " · ")))
		}
	}
	return fields
}
