package main

import (
	"context"
	"time"

	"dpki/device"
	"dpki/device/enroll"
)

// lastMove is what became of a move that this process made, or brought to its end.
type lastMove struct {
	made   bool
	failed error // it could not be begun: everything is as it was
}

// finishAgain is how long a move that has begun and cannot go on waits: there is
// neither the organisation of before nor the next to answer for.
const finishAgain = 2 * time.Second

// move has the device follow its organisation.
func (e *env) move(ctx context.Context, d *daemon, m *device.Move) lastMove {
	from, to := m.From.String(), m.To.String()
	err := enroll.Begin(e.paths, enroll.Move(*m))
	for err != nil && enroll.Begun(e.paths) {
		d.log.Error("the device is between two organisations", "from", from, "to", to, "error", err)
		if !wait(ctx, finishAgain) {
			return lastMove{failed: err} // the next start goes on
		}
		err = enroll.Finish(e.paths)
	}
	if err != nil {
		d.log.Error("the device could not follow its organisation", "successor", to, "error", err)
		return lastMove{failed: err}
	}
	d.log.Info("the device has followed its organisation", "from", from, "to", to)
	return lastMove{made: true}
}

// wait reports whether the time has passed, and not ctx ended.
func wait(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}
