//go:build !race

package prefork_test

const floodMiB = 1024
