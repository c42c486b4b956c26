// Package requests records what an HTTP server does: for each route how many
// requests, how long, how large, how they ended and where their time went; who
// sends them; and the requests that are running now, each of which can be
// looked at and cancelled.
//
//	recorder := requests.New(requests.Config{}, reg)
//	server := &http.Server{Handler: recorder.Handler(mux)}
//	recorder.Hook(server)
//
// A request costs about as much as six readings of the clock, and allocates
// nothing. What would cost more is kept of some requests only: these are
// followed. Each is, up to about 1,000 a second; above that one in 2, 4, 8, and
// so on to 64, chosen at random. Counts, durations, sizes, failures and the
// table of what is running are of all requests.
//
// Recorded, in the registry, with the labels route and server:
//
//	http.request_seconds       durations, but not of hijacked connections
//	http.received_bytes        bodies of requests, so far as they were read
//	http.sent_bytes            bodies of answers
//	http.responses_2xx         and 1xx, 3xx, 4xx, 5xx: answers by class
//	http.panics                handlers that panicked
//	http.aborted               clients that went, handlers that gave up
//	http.cancelled             by Cancel
//	http.hijacked_seconds      connections that the handler took over
//	http.request_states        of those followed: see States
//
// and with the label server alone http.clients (how many different) and
// http.talkers (which send most, an estimate from those followed).
package requests
