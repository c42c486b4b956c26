//go:build race

package prefork_test

// floodMiB is what a worker that floods its link writes.
const floodMiB = 16
