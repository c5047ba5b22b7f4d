package state

// Guardianship is how an organisation stands with its guardians at one time.
type Guardianship struct {
	Epoch uint32 // how often it was recovered

	Guardians Guardians // in force; without accounts there are none
	ID        Word      // of the entry in force, or zero

	Pending     *Guardians // a change that waits, or nil
	PendingID   Word
	PendingFrom uint64 // Unix seconds; as long as a recovery waits, not before its end

	Recovery     *Recovery // one that waits, or nil
	RecoveryID   Word
	CompleteFrom uint64 // Unix seconds from which anybody may complete it
	Final        bool   // it cannot be vetoed
	Vetoed       bool   // one was, since these guardians are in force: only a final one may follow

	FrozenUntil uint64 // end of the latest freeze, Unix seconds
	CoolUntil   uint64 // when the next may begin
}

// Frozen reports whether a freeze is in force. It ends no grant and no session:
// it is the contract that refuses new entries.
func (g Guardianship) Frozen(now uint64) bool { return now < g.FrozenUntil }

// guardEvent is an entry that Guardianship follows from.
type guardEvent struct {
	Fact
	action    Action
	guardians Guardians // of a put
	recovery  Recovery  // of a RECOVER
}

// observe keeps an entry of the organisation's scope that has to do with
// guardians. The contract has checked who wrote it and when.
func (f *Facts) observe(fact Fact, e *Entry) {
	if e.Kind != KindGuardian {
		return
	}
	event := guardEvent{Fact: fact, action: e.Action}
	var err error
	switch e.Action {
	case ActionPut:
		event.guardians, err = ParseGuardians(e.Data)
	case ActionRecover:
		event.recovery, err = ParseRecovery(e.Data)
	case ActionComplete:
		f.epochs = append(f.epochs, fact)
	}
	if err == nil {
		f.guard = append(f.guard, event)
	}
}

// epochAt tells which entries of the organisation's log are of the epoch of
// time t (Unix seconds): those after `from` and before `to`.
func (s *State) epochAt(t uint64) (from, to uint64) {
	for _, l := range s.layers() {
		for i := range l.epochs {
			if e := &l.epochs[i]; e.Time > t {
				return from, e.Seq
			}
			from = l.epochs[i].Seq
		}
	}
	return from, maxUint48 + 1
}

// Guardianship is how the organisation stands with its guardians at now (Unix
// seconds): what docs/formats.md section 4 says, entry by entry.
func (s *State) Guardianship(now uint64) Guardianship {
	var g Guardianship
	for _, l := range s.layers() {
		for i := range l.guard {
			g.settle(l.guard[i].Time)
			g.follow(&l.guard[i])
		}
	}
	g.settle(now)
	return g
}

// thresholdOf is what the recovery that the entry `complete` ended asks for, 1
// if there was none.
func (s *State) thresholdOf(complete uint64) int {
	threshold := 1
	for _, l := range s.layers() {
		for i := range l.guard {
			if e := &l.guard[i]; e.Seq < complete && e.action == ActionRecover {
				threshold = int(e.recovery.Threshold)
			}
		}
	}
	return threshold
}

// settle puts a change of guardians in force whose time has come.
func (g *Guardianship) settle(t uint64) {
	if g.Pending == nil || g.Recovery != nil || t < g.PendingFrom {
		return
	}
	g.Guardians, g.ID, g.Vetoed = *g.Pending, g.PendingID, false
	g.drop()
}

// drop forgets the change that waits.
func (g *Guardianship) drop() { g.Pending, g.PendingID, g.PendingFrom = nil, Word{}, 0 }

func (g *Guardianship) follow(e *guardEvent) {
	wait := 2 * g.Guardians.Timelock
	switch e.action {
	case ActionPut:
		g.Pending, g.PendingID, g.PendingFrom = &e.guardians, e.Subject, e.Time+wait
		if len(g.Guardians.Accounts) == 0 {
			g.settle(e.Time)
		}
	case ActionRevoke:
		if e.Subject == g.PendingID {
			g.drop()
		}
	case ActionFreeze:
		// One within another ends it sooner, and the time to cool down stays.
		if e.Time >= g.FrozenUntil || e.Until >= g.FrozenUntil {
			g.CoolUntil = 2*e.Until - e.Time
		}
		g.FrozenUntil = e.Until
	case ActionRecover:
		g.Recovery, g.RecoveryID, g.CompleteFrom = &e.recovery, e.Subject, e.Time+g.Guardians.Timelock
		g.Final = len(e.Authors) >= int(g.Guardians.Final)
	case ActionVeto:
		g.Recovery, g.RecoveryID, g.CompleteFrom, g.Final = nil, Word{}, 0, false
		g.Vetoed = true
		if g.Pending != nil {
			g.PendingFrom = e.Time + wait
		}
	case ActionComplete:
		g.Recovery, g.RecoveryID, g.CompleteFrom, g.Final = nil, Word{}, 0, false
		g.Epoch++
		g.Vetoed, g.FrozenUntil = false, 0
		g.drop()
	}
}
