//go:build !race

package stats_test

// manyValues is how many values TestAccuracy adds to each shape and how many
// keys TestD1KeyExplosion makes up.
const manyValues = 1_000_000
