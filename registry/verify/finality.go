package verify

// settleEvery bounds how far what is known as final may fall behind where looks
// do not ask for it, in seconds of the chain's time: a question for logs begins
// after it, and endpoints bound how many blocks one may span.
const settleEvery = 3600

// spares reports that the next look need not ask what is safe and final, which
// is a third of its bytes. It decides only what becomes of entries that may
// still be reorganised, and of restrictions that were: where there are none the
// answer changes nothing. A look that finds an entry puts it in the overlay, and
// the one after it asks.
func (r *Reader) spares() bool {
	if r.config.Sparing == nil || !r.config.Sparing() || r.settled == 0 || r.known.Head.Time >= r.settled+settleEvery {
		return false
	}
	for _, scope := range r.scopes {
		log, seen := r.known.Scopes[scope]
		if !seen || len(log.Overlay) > 0 || len(log.Sticky) > 0 {
			return false
		}
	}
	return true
}
