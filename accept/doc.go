// Package accept bounds how many connections a server holds, and turns the
// rest away quickly and with an answer.
//
// A [Queue] is a net.Listener around a listener. It takes a connection from the
// kernel when it is wanted: up to Limits.Active with a request at once, of which
// idle kept connections are none; beyond them a short room of those that wait;
// and the rest stays in the kernel's queue or is told that the server is busy.
//
//	queue := accept.NewQueue(ln, accept.Limits{}, nil, nil)
//	server := &http.Server{Handler: handler}
//	queue.Hook(server)
//	server.Serve(queue)
//
// With package admit beside it, Limits.Room = gate.Room has new connections
// refused at the door, which is cheaper than in a handler, while the gate has no
// room for their requests.
package accept
