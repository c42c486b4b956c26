// Package rules keeps the house style true: each rule is a function that reads
// the source of this module and says what breaks it. The tests of this package
// run every rule over the module, so that go test is the whole gate.
//
// A rule returns one line per finding, "file:line: what is wrong; what to do",
// and nil when all is well.
package rules
