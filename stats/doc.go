// Package stats keeps streaming statistics in constant memory. Every
// instrument merges: what many goroutines, workers or machines have seen adds
// up to the statistic of the whole.
//
// A Registry hands out instruments by name. Look them up once, where the part
// that measures is built, and use them from any goroutine:
//
//	wait := reg.Distribution("accept.wait_seconds")
//	...
//	wait.Add(waited.Seconds())
//
// Names read part.what_unit in base units: _seconds, _bytes, _ratio. The unit
// in the name is the unit of the values.
//
// An instrument is read through its snapshot, a plain value. Snapshots merge,
// subtract, and have a binary form for machines and JSON for people. Totals
// adds up what worker processes report and keeps it after they have gone.
//
// Reading the clock costs more than adding to a Distribution, so Distribution
// takes its times from a coarse clock that Registry.Run keeps.
package stats
