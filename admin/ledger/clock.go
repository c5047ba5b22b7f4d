package ledger

import (
	"time"

	"dpki/admin/fault"
)

// ClockTolerance is how far the wall clock and the chain's may be apart. A grant
// is counted from the one and judged by the other.
const ClockTolerance = 5 * time.Minute

// Now is the wall clock, held against the newest verified block.
func (l *Ledger) Now(now time.Time) (uint64, error) {
	newest := l.Head()
	head := time.Unix(int64(newest.Time), 0)
	if apart := now.Sub(head).Round(time.Second); apart > ClockTolerance || apart < -ClockTolerance {
		word := "ahead of"
		if apart < 0 {
			word, apart = "behind", -apart
		}
		return 0, fault.New(fault.Later, "set this machine's clock, or find an endpoint that keeps up: dpki network check",
			"this machine's clock is %v %s the newest block (%s, block %d)", apart, word, head.UTC().Format(time.RFC3339), newest.Number)
	}
	return uint64(now.Unix()), nil
}
