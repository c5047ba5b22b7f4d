package device

import (
	"maps"

	"dpki/state"
)

// announceDenied hands on the denied keys. Break-glass keys are compared with
// them while the daemon is away.
func (e *Engine) announceDenied(s *state.State, now uint64) {
	if e.c.Denied == nil {
		return
	}
	denied := map[state.Word]bool{}
	for key := range s.DeniedKeys(now) {
		denied[key] = true
	}
	if e.denied != nil && maps.Equal(e.denied, denied) {
		return
	}
	if err := e.c.Denied(maps.Keys(denied)); err != nil {
		e.c.Log.Error("the list of denied keys could not be written", "error", err)
		return // and tried again at the next look
	}
	e.denied = denied
}
