// Package upstream gives connections to other services by name, and keeps on
// giving them while addresses fail, move and come back.
//
// A [Service] has tiers of weighted addresses, from a list, DNS, a file or a
// function. A [Manager] knows services by name and lends connections to them:
//
//	var up upstream.Manager
//	defer up.Close()
//	err := up.Add("rates", upstream.Service{
//		Tiers: []upstream.Tier{upstream.At("10.0.0.1:7000", "10.0.0.2:7000"), upstream.At("rates.example.net:7000")},
//	})
//	...
//	conn, err := up.Get(ctx, "rates")
//	if err != nil {
//		return err
//	}
//	defer conn.Release()
//
// [Call] does that, tries again elsewhere when an address fails and, if asked
// to, does not wait for a slow one. [Manager.Transport] does the same for HTTP,
// and [Manager.DialContext] fits whatever takes such a function.
//
// # What is tried
//
// The first tier with an address that is not marked down serves. Of two of its
// addresses, drawn by weight, the one with less to do and the quicker answers
// is taken. A connection that is idle in the pool is lent at once; if one must
// be made and takes long, the next address is tried beside it, of the other IP
// family if there is one (RFC 8305), and the first that is ready is lent.
//
// # Time
//
// [Timeouts] bound each step, and the deadline of the context bounds all of
// them, and what is read and written on the connection that Get returned.
//
// # Failure
//
// An address is marked down after failures in a row, or when too large a share
// of recent exchanges has failed. It is probed after a time that grows, and
// gets one call at a time until one succeeds. The last tier never runs dry: if
// all its addresses are down, they are used all the same.
package upstream
