// Package browser tests the pages of package meta as people use them: in a real
// browser, on a loaded group with two workers.
//
//	npm ci --ignore-scripts                  # axe-core, which looks for what keeps people out
//	go test .
//	go test . -run Pages -shots /tmp/shots   # keeps a picture of every page
//
// The tests know no list of pages: they begin at the first one and follow what
// they find there. They need chromium, as Debian has it, and are skipped without
// it, except in CI.
package browser
