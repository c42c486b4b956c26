package offload

import (
	"cmp"
	"strings"

	"github.com/support-go/support/internal/goroutines"
)

// jobStacks returns what jobs that run the function of that name are doing.
func jobStacks(function string) string {
	return cmp.Or(goroutines.Text(func(stack string) bool {
		return strings.Contains(stack, "\t"+function+"+0x") && strings.Contains(stack, "/offload.")
	}), "it has just ended")
}
