//go:build race

package requests_test

const raceEnabled = true
