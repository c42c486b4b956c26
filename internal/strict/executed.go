package strict

import (
	"bufio"
	"fmt"
	"io"
	"slices"
)

// maxDuplicates is how many ids an error names.
const maxDuplicates = 5

// ReadExecuted reads what Echo.Executed took and returns how many different
// ids it holds. It is an error if one occurs twice: its work was done twice.
func ReadExecuted(r io.Reader) (int, error) {
	seen := make(map[string]struct{})
	var twice []string
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		id := lines.Text()
		if _, ok := seen[id]; ok && len(twice) < maxDuplicates && !slices.Contains(twice, id) {
			twice = append(twice, id)
		}
		seen[id] = struct{}{}
	}
	if err := lines.Err(); err != nil {
		return len(seen), fmt.Errorf("strict: reading the executed ids: %w", err)
	}
	if twice != nil {
		return len(seen), fmt.Errorf("strict: executed more than once: %q", twice)
	}
	return len(seen), nil
}
