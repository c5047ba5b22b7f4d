package device

import (
	"maps"
	"time"

	"dpki/state"
)

// announceEvery is how far verified time runs ahead of the time that the helper
// knows, in seconds. A clock that is set back below that is not believed when it
// judges break-glass keys.
const announceEvery = 3600

// announceDenied hands on the denied keys, and what time it has been at least.
// Break-glass keys are compared with them while the daemon is away.
func (e *Engine) announceDenied(s *state.State, now uint64) {
	if e.c.Denied == nil {
		return
	}
	denied := map[state.Word]bool{}
	for key := range s.DeniedKeys(now) {
		denied[key] = true
	}
	// Never the wall clock: one that was ahead for a moment would let no
	// break-glass key in for good.
	at := e.time.Floor(e.c.Clock.Read())
	if e.denied != nil && maps.Equal(e.denied, denied) && at < e.deniedAt+announceEvery {
		return
	}
	if err := e.c.Denied(time.Unix(int64(at), 0), maps.Keys(denied)); err != nil {
		e.c.Log.Error("the list of denied keys could not be written", "error", err)
		return // and tried again at the next look
	}
	e.denied, e.deniedAt = denied, at
}
