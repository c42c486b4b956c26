// Package admit decides whether a request is served now, waits for a moment,
// or is shed.
//
// A [Gate] bounds requests, not connections. How many it lets run at once
// follows from what they do: as many as there are cores if they compute, more
// if they wait for others, see docs/decisions/admit-limit.md. Whoever finds no
// place waits in a room that is counted in time, so that it is short when
// service is slow, and whoever finds no room is told so at once, with "503
// Service Unavailable" and Retry-After.
//
//	gate := admit.New(admit.Limits{}, nil, nil)
//	http.ListenAndServe(addr, gate.Handler(mux, admit.Policy{}))
package admit
