//go:build !race

package stats_test

// manyValues is how many TestAccuracy adds to each shape.
const manyValues = 1_000_000
