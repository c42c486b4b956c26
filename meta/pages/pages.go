// Package pages has the pages that every Go program can show of itself:
// goroutines, memory and the runtime. They run in the process that they are
// about. None of them stops it for longer than a collection does.
package pages

import (
	"github.com/support-go/support/meta"
)

// Process returns the pages of this process.
func Process() []meta.Page {
	var g goroutines
	return []meta.Page{
		{Path: "goroutines", Title: "Goroutines", Section: meta.Made, Key: "r", Cost: meta.Costly, Run: g.page},
		{Path: "memory", Title: "Memory", Section: meta.Made, Key: "m", Cost: meta.Costly, Run: memory},
		{Path: "runtime", Title: "Runtime", Section: meta.Made, Key: "u", Run: runtimePage},
	}
}
