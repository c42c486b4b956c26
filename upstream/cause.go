package upstream

// cause is why a connection is closed.
type cause int

const (
	keep            cause = iota
	causeAsked            // the borrower closed it, or left bytes behind
	causeBroken           // a read or write has failed
	causeUnanswered       // what was written has not been answered
	causeStale            // the peer has closed it, or sent what nobody asked for
	causeIdle             // idle for too long
	causeAge              // too old
	causeSpare            // more idle than are kept
	causeCulled           // its descriptor was wanted elsewhere
	causeDown             // its address is marked down
	causeUnwanted         // its address, or the Manager, is used no more
	causeCount
)

// causes are the names of causes, for statistics.
var causes = [causeCount]string{
	"", "asked", "broken", "unanswered", "stale", "idle", "age", "spare", "culled", "down", "unwanted",
}
