//go:build race

package support_test

// race says that the race detector is on, with which nothing can be measured.
const race = true
