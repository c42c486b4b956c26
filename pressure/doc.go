// Package pressure watches what a process runs short of beside time: memory, CPU
// that the garbage collector takes, threads to run on, open files. It turns each
// into one of a few levels, which its user maps to actions.
//
//	watch := pressure.Watch{}
//	err := watch.Run(ctx, reg, func(r pressure.Reading) {
//		if r.Level >= pressure.Short {
//			gate.Favour(admit.Default)
//		} else {
//			gate.Favour(admit.Sheddable)
//		}
//	})
package pressure
