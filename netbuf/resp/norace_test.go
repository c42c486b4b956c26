//go:build !race

package resp_test

// raceEnabled is true where sync.Pool drops buffers on purpose.
const raceEnabled = false
