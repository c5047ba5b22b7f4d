package device

import (
	"time"

	"dpki/state"
)

// Gear is how closely the chain is followed.
type Gear uint8

// The gears.
const (
	Idle    Gear = iota // a look now and then
	Watch               // a look at each hint, or every few seconds
	Joining             // as Watch: the device waits to be enrolled
)

func (g Gear) String() string {
	switch g {
	case Watch:
		return "watch"
	case Joining:
		return "joining"
	}
	return "idle"
}

// Profile says how often to look.
type Profile struct {
	Watch time.Duration // between two looks without hints
	Idle  time.Duration
}

// Profiles by their names in the configuration. Metered is for links that cost.
var Profiles = map[string]Profile{
	"normal":  {Watch: 2 * time.Second, Idle: 5 * time.Minute},
	"metered": {Watch: 30 * time.Second, Idle: 30 * time.Minute},
}

const (
	// linger keeps watching after a change: an administrator is at work.
	linger = time.Minute
	// ahead is how early watching begins before a grant does.
	ahead = 5 * time.Minute
	// joiningFor bounds how long a device that nobody enrols keeps asking often.
	joiningFor = time.Hour
	// patientSeeks is how many searches for bundles may fail in a row, eight
	// minutes by then, before the device stops watching for their sake: a batch
	// that no store serves must not cost a metered link 400 days of it.
	patientSeeks = 8
	// hintSpacing bounds how often hints make the engine look, on average: a
	// revocation right after another block does not wait for the next turn.
	hintSpacing = 300 * time.Millisecond
	hintBurst   = 2 // looks at once, after as many turns that nobody took
	// hintsTrusted is how long after a hint polling is slowed down.
	hintsTrusted = 30 * time.Second
	hintedPoll   = 5 // times slower
)

// gear picks the gear for a state at now.
func (e *Engine) gear(s *state.State, now uint64) Gear {
	boot := e.c.Clock.Boot()
	switch {
	case e.enrolment == nil && boot-e.began < joiningFor:
		return Joining
	case e.enrolment == nil:
		return Idle
	case e.changed != 0 && boot-e.changed < linger, e.seekFails < patientSeeks && len(e.untried(s, now)) > 0,
		e.delivery.fails < patientSeeks && len(e.awaited(s, now)) > 0:
		return Watch
	}
	for g := range s.AllGrants() {
		if now+uint64(ahead/time.Second) < g.Fact.From || now >= g.Until {
			continue
		}
		if standing := s.Standing(&g.Fact, now); standing == state.Live || standing == state.NotYet || standing == state.NotSafe {
			return Watch
		}
	}
	if e.c.Sessions != nil && e.c.Sessions() > 0 {
		return Watch
	}
	return Idle
}

// sparing reports that nothing waits for finality: no administrator is at work,
// no policy wants a kind in a safe block, and the organisation goes on nowhere else.
func (e *Engine) sparing() bool {
	v := e.view.Load()
	s := e.successor.Load()
	return v.Gear == Idle && (s == nil || s.Stage == Vetoed.String()) && v.State.Policy(e.time.Now(e.c.Clock.Read())).SafeKinds == (state.KindMask{})
}

// turns are the looks that hints may make: one in each hintSpacing, and up to
// hintBurst that were not taken. Looks for any other reason take one too. The zero
// value has them all. It is a generic cell rate algorithm (ITU-T I.371).
type turns time.Duration // since boot, when all that were taken have passed

// take counts a look.
func (t *turns) take(boot time.Duration) {
	*t = turns(min(max(time.Duration(*t), boot)+hintSpacing, boot+hintBurst*hintSpacing))
}

// lose leaves no look at once to hints: the last one failed, and who could not be
// asked is not asked again at once.
func (t *turns) lose(boot time.Duration) { *t = turns(boot + hintBurst*hintSpacing) }

// wait is how long until a hint may make a look; zero or less: now.
func (t turns) wait(boot time.Duration) time.Duration {
	return time.Duration(t) - boot - (hintBurst-1)*hintSpacing
}

// pause is how long until the next look.
func (e *Engine) pause() time.Duration {
	p := e.c.Profile
	switch {
	case e.failures > 0:
		return min(p.Watch<<min(e.failures-1, 5), p.Idle)
	case e.view.Load().Gear == Idle:
		// Spread over a tenth, so that devices that started together do not ask together.
		return p.Idle - time.Duration(e.c.Random()*float64(p.Idle)/10)
	case e.steady && e.c.Clock.Boot()-e.hinted < hintsTrusted:
		return p.Watch * hintedPoll
	}
	return p.Watch
}
