// Package strict is a load client that never forgives: it sends requests over
// sockets of its own, repeats none of them, and says of each what became of it.
//
// Ordinary clients retry in silence exactly where servers lose requests. This
// one does not, so its counts can be held against a promise such as "a reload
// loses nothing". A [Trial] runs one or more [Load]s together and returns a
// [Report] with counts per [Outcome], latencies, a timeline and examples.
//
// # The contract
//
// Every request carries an id that no other request has, in the header
// X-Request-Id. The tested server answers status 200 with the same header and,
// as its body, the id repeated and cut to the length that the query asked for
// (size=4096; without it the id once). A delay=20ms in the query holds the
// answer back for that long. A POST has the id repeated as its body as well,
// and stands for work that must be done at most once. [Echo] is a handler
// that keeps this contract; [Check] loosens it for servers that cannot.
//
// # What becomes of a request
//
// A request sent is exactly one of the outcomes. "Reused" below is a
// connection that has answered before, and "announced" means that the answer
// before said Connection: close (or was HTTP/1.0), or that GOAWAY came. An
// announced connection is left at once, and Report counts those that the
// server then fails to close.
//
//   - [Answered]: complete, the right id, the right bytes.
//   - [Shed]: a complete 503. A silent close that the server counted as
//     shedding is added by [Report.CreditShed].
//   - [Refused]: the connection was not made, or ended before a byte of the
//     request was written.
//   - [Lost]: written to a new connection, or to one whose GOAWAY promised to
//     serve it, and not a byte came back before the connection ended.
//   - [Truncated]: the answer began and did not end.
//   - [Stale]: written to a reused connection that the server had closed, or
//     was about to close, unannounced.
//   - [Misdirected]: the answer to another request.
//   - [Hung]: no complete answer (or no connection) within the time-out.
//   - [Unprocessed]: an HTTP/2 stream above the last id of GOAWAY, or reset as
//     refused. RFC 9113 section 8.7 lets a client send it again.
//   - [Wrong]: a complete answer with a status other than 200 and 503 or with
//     other bytes, or one that breaks the protocol. It keeps "answered" honest.
package strict
