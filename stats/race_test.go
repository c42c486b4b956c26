//go:build race

package stats_test

// manyValues is less under the race detector, which is ten times slower and
// has nothing to find in one goroutine.
const manyValues = 100_000
