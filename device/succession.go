package device

import (
	"context"
	"errors"
	"log/slog"
	"reflect"
	"time"

	"dpki/device/journal"
	"dpki/internal/anchor"
	"dpki/internal/network"
	"dpki/state"
)

const (
	// succeedEvery is how often both sides of a succession are compared. Nothing
	// is asked of the network for it.
	succeedEvery = 2 * time.Second
	// reopenAfter is how long a successor that could not be opened is left alone.
	reopenAfter = time.Minute
	// moveAgain is how long a device stays whose move could not be begun.
	moveAgain = 10 * time.Minute
)

// SuccessionConfig is what a Succession is made of.
type SuccessionConfig struct {
	Engine *Engine // of the organisation that the device belongs to
	// Journal is the path of the successor's journal, which is made where it is
	// missing and removed where the organisation points nowhere.
	Journal string
	Start   Starter // of the successor's own fetch process
	Every   time.Duration
	// Failed is why the last Move could not be made, as on a full disk; nil = there
	// was none. Who makes one answers nobody meanwhile, so that the next waits.
	Failed error
	Log    *slog.Logger
}

// Succession follows an organisation to the one that it goes on as, without
// anybody touching the device: while a pointer to a successor is in force it
// reads that one's log too, by an engine, a journal and a fetch process of its
// own, and looks for the device's materials there as on its first day. Nothing of
// it counts here. Once everything in Stage is so, Run ends with the Move, which
// the daemon makes with both engines stopped.
type Succession struct {
	c     SuccessionConfig
	scout *scout
	not   time.Duration // no scout before, since boot
	why   error         // the last one could not be opened
	due   passed
	began time.Duration // since boot
}

// passed is the first block that was seen of those in which a pointer could be
// vetoed no more.
type passed struct {
	pointer state.Word
	number  uint64
}

// Move is where the device belongs from now on, and what it takes with it.
type Move struct {
	From, To  anchor.Anchor
	Zone      state.Word
	Network   []byte
	Inherited []byte
}

// NewSuccession makes a Succession; Run does its work.
func NewSuccession(c SuccessionConfig) *Succession {
	if c.Every == 0 {
		c.Every = succeedEvery
	}
	return &Succession{c: c, began: c.Engine.c.Clock.Boot()}
}

// Run waits until the device is to move, or ctx ends: then there is no Move. The
// successor's journal is closed when it returns.
func (s *Succession) Run(ctx context.Context) *Move {
	defer s.dismiss()
	for {
		if move := s.step(ctx); move != nil {
			return move
		}
		select {
		case <-time.After(s.c.Every):
		case <-ctx.Done():
			return nil
		}
	}
}

// step compares both sides once.
func (s *Succession) step(ctx context.Context) *Move {
	e := s.c.Engine
	v := e.View()
	now, here := v.Now(e.c.Clock.Read()), e.c.Anchor
	to, p, stage := successorOf(v, now, here, v.Inherited)
	if stage == Ready && !s.passed(v.State, p) {
		stage = NotSure
	}
	shown := &Successor{Anchor: to.String(), From: p.From}
	switch stage {
	case Ready:
		stage, shown.Problem = s.follow(ctx, v, to)
	case Nowhere, Vetoed, Delayed:
		s.dismiss()
		if err := journal.Remove(s.c.Journal); err != nil {
			s.c.Log.Error("the successor's journal could not be removed", "error", err)
		}
	}
	if stage == Ready && s.sessions() > 0 {
		stage = InUse
	}
	if stage == Ready && s.c.Failed != nil && e.c.Clock.Boot()-s.began < moveAgain {
		stage, shown.Problem = Unmade, oneLine(s.c.Failed)
	}
	var move *Move
	if stage == Ready {
		var err error
		if move, err = s.move(v, now.Time, to); err != nil {
			stage, shown.Problem = Unreachable, err.Error()
		}
	}
	shown.Stage, shown.Next = stage.String(), stage.Hint()
	s.say(shown, stage)
	return move
}

// passed reports whether every veto of a pointer would be known, for good: one
// that came in the last moment is in a block of before the pointer's date, which
// the block of a device's last look may not have reached, or may not be after for
// ever.
func (s *Succession) passed(known *state.State, p state.PointerFact) bool {
	if known.Head.Time < p.From {
		s.due = passed{}
		return false
	}
	if s.due.pointer != p.Subject {
		s.due = passed{p.Subject, known.Head.Number}
	}
	return s.due.number <= known.Finalized
}

func (s *Succession) sessions() int {
	if count := s.c.Engine.c.Sessions; count != nil {
		return count()
	}
	return 0
}

// follow reads the successor's log and judges it.
func (s *Succession) follow(ctx context.Context, v *View, to anchor.Anchor) (Stage, string) {
	e := s.c.Engine
	n, pinned, unusable := placesFor(v, e.c.Network, e.c.Anchor.Registry, to.Registry)
	if s.scout != nil && (s.scout.engine.c.Anchor != to || !reflect.DeepEqual(s.scout.engine.c.Network, n)) {
		s.dismiss()
	}
	if unusable != nil {
		return NoPlaces, oneLine(unusable)
	}
	if s.scout == nil {
		if e.c.Clock.Boot() < s.not {
			return Unreachable, oneLine(s.why)
		}
		if s.scout, s.why = s.open(ctx, to, n, pinned); s.why != nil {
			s.not = e.c.Clock.Boot() + reopenAfter
			if errors.Is(s.why, journal.ErrCorrupt) { // nothing was believed by it: the next attempt begins anew
				s.why = errors.Join(s.why, journal.Remove(s.c.Journal))
			}
			s.c.Log.Error("the successor's log cannot be followed", "successor", to.String(), "error", s.why)
			return Unreachable, oneLine(s.why)
		}
	}
	// What is known here is older than what is asked there.
	next := s.scout.engine.View()
	now, then := v.Now(e.c.Clock.Read()), next.Now(e.c.Clock.Read())
	return succeeds(v, now, e.c.Anchor, next, then, to), oneLine(next.Problem)
}

// say publishes where the device stands, and logs what is new.
func (s *Succession) say(now *Successor, stage Stage) {
	e := s.c.Engine
	if stage == Nowhere {
		e.successor.Store(nil)
		return
	}
	old := e.successor.Swap(now)
	if old == nil || old.Anchor != now.Anchor || old.Stage != now.Stage {
		s.c.Log.Info("the organisation points to a successor", "successor", now.Anchor, "stage", now.Stage, "next", now.Next)
	}
}

// move is what the daemon is to do.
func (s *Succession) move(v *View, now uint64, to anchor.Anchor) (*Move, error) {
	here := s.c.Engine.c.Anchor
	text, err := s.scout.engine.c.Network.Marshal()
	if err == nil {
		_, err = network.Parse(text) // as who makes the move will
	}
	if err != nil {
		return nil, err
	}
	inherited, err := v.Inherited.bequeathed(here, v, now).Marshal()
	if err != nil {
		return nil, err
	}
	return &Move{From: here, To: to, Zone: s.scout.engine.View().State.Scopes.Zone, Network: text, Inherited: inherited}, nil
}
