// Package logs compares what a record costs with package logs of this module
// and with other loggers.
package logs
