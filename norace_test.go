//go:build !race

package support_test

const race = false
