// Package clock tells a device the time. A certificate's five minutes are worth
// as much as the clock that counts them, and a device's own clock may have been
// set by anybody, or never; so time comes from verified blocks and runs on
// between them by CLOCK_BOOTTIME, which counts suspended time and which nobody
// sets.
//
//	now  the newest verified block's time plus the time since it was seen. It
//	     never falls back, so that an endpoint which hands out blocks late
//	     stretches nothing. The wall clock counts only where it is at most
//	     WallTolerance away, and then only forward; and before the first
//	     verification since boot, where nothing else runs.
//	age  how long ago the verified block time last rose. A chain that falls
//	     behind the clock by more than WallTolerance ages by the difference:
//	     otherwise one old block after another would keep State fresh for ever.
//
// Times are Unix seconds, uint64; durations since boot are time.Duration.
package clock
