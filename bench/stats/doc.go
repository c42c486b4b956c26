// Package stats measures the instruments of SuPPort's package stats beside
// those of other libraries, in one run:
//
//	go test -run '^$' -bench . -cpu 1,2 -count 5 ./stats
package stats
