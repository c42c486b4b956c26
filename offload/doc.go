// Package offload bounds heavy and blocking work: a Pool has a few lanes, and
// only what has got one of them runs.
//
//	pool := offload.NewPool("thumbnails", 2)
//	...
//	image, err := offload.Do(ctx, pool, func(ctx context.Context) (*Image, error) {
//		return shrink(ctx, original)
//	})
//
// Work that computes keeps all processors from the small requests beside it
// unless there are fewer lanes than processors; calls that block in the kernel
// or in C take a thread each unless something bounds them. The rest waits, and is
// shed as package admit sheds requests: at once, if too many wait or its turn
// would come too late, those of a lower class first. The error is ErrShed:
//
//	if admit.Refuse(w, r, err) { // with 503 and Retry-After
//		return
//	}
//
// A request that waits for a lane leaves its place in the group's admit.Gate to
// another, and has it back when it has the lane.
//
// There are three kinds of lanes, which take the same [Limits]:
//
//	Pool     lanes are only counted: a job runs where its caller is
//	Lanes    each lane has a value of its own, such as a handle of a C
//	         library, and a thread if it needs one
//	Process  each lane is a process, for work that must not share the
//	         scheduler, the heap or the fate of its caller
//
// A job that asks for a lane of a pool of which it holds one already runs at
// once: the context that a job is given knows its lanes. So a function may
// offload its work without knowing whether its caller has done so. What a job
// does, itself and on goroutines that it starts, counts as that one job.
//
// # Statistics
//
// By pool and by function (its name in the program, or as registered): the
// levels offload.waiting and offload.running, offload.wait_seconds and
// offload.run_seconds, offload.bytes_per_second where [Bytes] tells the size,
// offload.panics, offload.abandoned. By pool: offload.shed, by reason.
package offload
