package rules

import (
	"bytes"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"

	"github.com/support-go/support/internal/source"
)

// page is the file whose tables the import rules read, so that what people
// read and what the tests keep is one text.
const page = "ARCHITECTURE.md"

// row is one line of a Markdown table: a name, what it may be used with, both
// from the code spans of the first and the last cell, and where it stands.
type row struct {
	line  int
	name  string
	items []string
}

func (r row) finding(format string, args ...any) string {
	return fmt.Sprintf("%s:%d: %s", page, r.line, fmt.Sprintf(format, args...))
}

var codeSpan = regexp.MustCompile("`([^`]+)`")

// table reads the rows of the table on the page whose header begins with the
// cell first and ends with the cell last. No table has no rows.
func table(t *source.Tree, first, last string) ([]row, error) {
	data, err := fs.ReadFile(t.FS, page)
	if err != nil {
		return nil, err
	}
	var rows []row
	inside := false
	n := 0
	for line := range bytes.Lines(data) {
		n++
		cells := cellsOf(string(line))
		switch {
		case len(cells) < 2:
			inside = false
		case cells[0] == first && cells[len(cells)-1] == last:
			inside = true
		case inside && !strings.HasPrefix(cells[0], "--"):
			rows = append(rows, row{n, firstSpan(cells[0]), spans(cells[len(cells)-1])})
		}
	}
	return rows, nil
}

// cellsOf splits a line "| a | b |"; any other line has no cells.
func cellsOf(line string) []string {
	inner, ok := strings.CutPrefix(strings.TrimSpace(line), "|")
	if !ok {
		return nil
	}
	cells := strings.Split(strings.TrimSuffix(inner, "|"), "|")
	for i := range cells {
		cells[i] = strings.TrimSpace(cells[i])
	}
	return cells
}

func spans(cell string) []string {
	var all []string
	for _, match := range codeSpan.FindAllStringSubmatch(cell, -1) {
		all = append(all, match[1])
	}
	return all
}

func firstSpan(cell string) string {
	if all := spans(cell); all != nil {
		return all[0]
	}
	return cell
}

// matches says whether name is what pattern names: exactly, or below it if the
// pattern ends in "/...". The pattern "..." is everything.
func matches(pattern, name string) bool {
	if pattern == "..." || pattern == name {
		return true
	}
	base, ok := strings.CutSuffix(pattern, "/...")
	return ok && (name == base || strings.HasPrefix(name, base+"/"))
}

func matchesAny(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return matches(p, name) })
}

// markdownRow writes a row for someone to paste into the page.
func markdownRow(name, text string, items []string) string {
	last := "nothing"
	if len(items) > 0 {
		last = "`" + strings.Join(items, "`, `") + "`"
	}
	return fmt.Sprintf("| `%s` | %s | %s |", name, text, last)
}
