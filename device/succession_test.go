package device_test

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"dpki/authkeys"
	"dpki/contracts"
	"dpki/device"
	"dpki/device/journal"
	"dpki/internal/anchor"
	"dpki/internal/devchain"
	"dpki/internal/harness"
	"dpki/internal/harness/fleet"
	"dpki/internal/harness/follower"
	"dpki/internal/network"
	"dpki/state"

	"golang.org/x/crypto/ssh"
)

// following is a rig whose organisation goes on elsewhere.
type following struct {
	*follower.Rig
	*device.Succession
	moved chan *device.Move
}

// follow watches for a successor.
func follow(r *follower.Rig) *following {
	r.Helper()
	f := &following{Rig: r, moved: make(chan *device.Move, 1)}
	f.run(nil)
	return f
}

// run begins, after a move that failed.
func (f *following) run(failed error) {
	f.Succession = device.NewSuccession(device.SuccessionConfig{Engine: f.Engine, Journal: f.Path + "-successor", Start: follower.InProcess, Every: 50 * time.Millisecond, Failed: failed, Log: f.Logger()})
	ended := make(chan struct{})
	go func() { defer close(ended); f.moved <- f.Run(f.Context()) }()
	f.Cleanup(func() { <-ended })
}

// points writes a POINTER, for now.
func points(org *fleet.Org, way state.Direction, to anchor.Anchor) contracts.Change {
	return pointsAt(org, way, to, 0)
}

func pointsAt(org *fleet.Org, way state.Direction, to anchor.Anchor, from uint64) contracts.Change {
	c := contracts.Change{Action: state.ActionPut, Kind: state.KindPointer, From: from, Until: state.Never, Data: state.Pointer{
		Direction: way, ChainID: to.Registry.ChainID, Contract: to.Registry.Contract, Org: to.Org,
	}.Marshal()}
	rand.Read(c.Subject[:])
	org.Write(org.Anchor.Org, c)
	return c
}

// succeedBy points to an organisation and lets the delay pass.
func (f *following) succeedBy(to anchor.Anchor) {
	f.Helper()
	pointsAt(f.Org, state.Successor, to, f.Org.Chain.Time()+state.MinTimelock+60)
	f.stage(device.Delayed)
	f.delay()
}

// delay lets the delay of a pointer pass, and more.
func (f *following) delay() {
	f.Helper()
	f.later(2 * time.Hour)
}

// later lets time pass, for the chain and the device.
func (f *following) later(d time.Duration) {
	f.Helper()
	if err := f.Org.Chain.AdjustTime(d); err != nil {
		f.Fatal(err)
	}
	f.Pass(d)
	f.Org.Chain.Mine(1)
}

// adopt enrols the device in another organisation by what is known of it.
func (f *following) adopt(by *fleet.Org) state.Word {
	f.Helper()
	return by.Enrol(f.Request("gate-7"))
}

// stage waits until the status says so. Every one of them is refused logins
// neither here nor there: nothing has changed.
func (f *following) stage(want device.Stage) {
	f.Helper()
	harness.Eventually(f, 20*time.Second, func() error {
		if s := f.Engine.Status("").Successor; s == nil || s.Stage != want.String() {
			return fmt.Errorf("want %q, got %+v", want, s)
		}
		return nil
	})
	f.stays()
}

// stays insists that the device has not moved.
func (f *following) stays() {
	f.Helper()
	select {
	case m := <-f.moved:
		f.Fatalf("moved: %+v", m)
	case <-time.After(200 * time.Millisecond):
	}
}

// move waits until the device is to move, and goes on with it there, as the
// daemon does.
func (f *following) move(by *fleet.Org) {
	f.Helper()
	var m *device.Move
	select {
	case m = <-f.moved:
	case <-time.After(20 * time.Second):
		f.Fatalf("the device does not move: %+v", f.Engine.Status("").Successor)
	}
	if m == nil || m.From != f.Org.Anchor || m.To != by.Anchor || m.Zone != by.Zone {
		f.Fatalf("%+v", m)
	}
	f.Stop()
	f.Path += "-successor"
	j, err := journal.Open(f.Path, m.To)
	if err == nil {
		err = errors.Join(j.SetRecord(journal.RecordInherited, m.Inherited), j.Close())
	}
	if err != nil {
		f.Fatal(err)
	}
	if f.Network, err = network.Parse(m.Network); err != nil {
		f.Fatal(err)
	}
	f.Org, f.Mailbox = by, f.Identity.MailboxSecret().Mailbox(by.Zone)
	f.Start(busy)
}

// busy looks at the chain often also while nothing happens.
func busy(c *device.Config) { c.Profile.Idle = 200 * time.Millisecond }

// A device follows its organisation, of which nobody touches it: not before the
// delay is over, both sides say so, it has been adopted, and nobody works on it.
// What was denied stays denied, until the successor says otherwise; logins are
// the successor's to grant.
func TestSuccession(t *testing.T) {
	t.Parallel()
	var sessions atomic.Int32
	r := follower.Enrolled(t, follower.Instant, func(c *device.Config) { busy(c); c.Sessions = func() int { return int(sessions.Load()) } })
	next := fleet.On(t, r.Org.Chain)
	nextCA := next.NewCA()
	deny := func(key ssh.PublicKey) state.Word {
		k := state.Word(sha256.Sum256(key.Marshal()))
		r.Org.Write(r.Org.Anchor.Org, contracts.Change{Action: state.ActionPut, Kind: state.KindDenyClear, Until: state.Never, Subject: k})
		return k
	}
	denied, good, lost := r.Org.NewKey(), r.Org.NewKey(), r.Org.NewCA()
	key := deny(denied.PublicKey())
	r.Org.Revoke(r.Org.Zone, lost.Entry)
	before := r.Granted("alice", 24*time.Hour)
	r.Allowed("before", "alice", before.Cert)
	old := r.Org.Anchor

	f := follow(r)
	f.succeedBy(next.Anchor)
	f.stage(device.Unanswered)
	points(next, state.Predecessor, old)
	f.stage(device.Unadopted)
	r.Allowed("while the successor is read", "alice", before.Cert)
	sessions.Store(1)
	f.adopt(next)
	f.stage(device.InUse)
	r.Allowed("while a session lives", "alice", before.Cert)
	sessions.Store(0)
	f.move(next)

	f.Eventually(func(s device.Status) bool {
		return s.Enrolled && s.CAs == 1 && len(s.Left) == 1 && s.Left[0] == old.String()
	})
	f.Refused("a grant of before", "alice", before.Cert, authkeys.CAUnknown)
	grant := func(ca fleet.CA, key fleet.Key) *ssh.Certificate {
		return next.Certificate(ca, key.PublicKey(), next.Grant(f.Mailbox, state.KindGrant, "alice", key.PublicKey(), 24*time.Hour))
	}
	f.Allowed("the successor's grant", "alice", grant(nextCA, good))
	cert := grant(nextCA, denied)
	f.Refused("a key that was denied before", "alice", cert, authkeys.Denied)
	again, err := state.CA{Key: state.Word(sha256.Sum256(lost.PublicKey().Marshal()))}.Marshal()
	next.Write(next.Zone, next.Seal(next.Zone, state.KindCAUser, again, err, 24*time.Hour))
	f.Eventually(func(s device.Status) bool { return s.CAs == 2 })
	f.Refused("a CA that was revoked before", "alice", grant(fleet.CA{Signer: lost.Signer}, good), authkeys.Denied)

	next.Write(next.Anchor.Org, contracts.Change{Action: state.ActionRevoke, Kind: state.KindDenyClear, Subject: key})
	f.Eventually(func(device.Status) bool { return f.Engine.View().State.Head.Number >= next.Chain.Number() })
	f.Allowed("once the successor has lifted it", "alice", grant(nextCA, denied))
}

// Two hops are two moves; a successor that points back to where the device has
// been leads it nowhere, however well both sides agree.
func TestSuccessionOfSuccessions(t *testing.T) {
	t.Parallel()
	r := follower.Enrolled(t, follower.Instant, busy)
	first := r.Org
	second, third := fleet.On(t, first.Chain), fleet.On(t, first.Chain)

	f := follow(r)
	f.succeedBy(second.Anchor)
	points(second, state.Predecessor, first.Anchor)
	f.adopt(second)
	f.move(second)
	f.Eventually(func(s device.Status) bool { return s.Enrolled })

	f = follow(r)
	f.succeedBy(first.Anchor)
	points(first, state.Predecessor, second.Anchor)
	f.adopt(first)
	f.stage(device.Returning)

	// The twin: on to the third.
	pointsAt(second, state.Successor, third.Anchor, first.Chain.Time()+state.MinTimelock+60)
	points(third, state.Predecessor, second.Anchor)
	f.adopt(third)
	f.delay()
	f.move(third)
	f.Eventually(func(s device.Status) bool { return s.Enrolled && len(s.Left) == 2 })
}

// Who cannot speak for the organisation leads no device away: each of these
// changes nothing, and the twin behind it moves.
func TestAttackSuccession(t *testing.T) {
	t.Parallel()
	r := follower.Enrolled(t, follower.Instant, busy)
	org := r.Org
	thief, next := fleet.On(t, org.Chain), fleet.On(t, org.Chain)
	f := follow(r)

	// He points back, and has materials for the device; nobody has pointed there.
	points(thief, state.Predecessor, org.Anchor)
	f.adopt(thief)
	f.Eventually(func(s device.Status) bool { return s.Successor == nil && s.Block >= org.Chain.Number() })
	f.stays()

	// With a root's key he points there, and the guardians (here the roots) take it
	// back before the delay is over.
	p := pointsAt(org, state.Successor, thief.Anchor, org.Chain.Time()+state.MinTimelock+60)
	f.stage(device.Delayed)
	org.Write(org.Anchor.Org, contracts.Change{Action: state.ActionRevoke, Kind: state.KindPointer, Subject: p.Subject})
	f.stage(device.Vetoed)
	f.delay()
	f.stage(device.Vetoed)

	// What is final is waited for, on both sides.
	org.Chain.HoldBack(math.MaxInt32)
	pointsAt(org, state.Successor, next.Anchor, org.Chain.Time()+state.MinTimelock+60)
	f.stage(device.Delayed)
	f.delay()
	f.stage(device.NotSure)
	org.Chain.HoldBack(0)
	org.Chain.Mine(1)
	f.stage(device.Unanswered)

	// The successor points back to another organisation than this one.
	points(next, state.Predecessor, thief.Anchor)
	f.stage(device.Unanswered)
	points(next, state.Predecessor, org.Anchor)
	f.stage(device.Unadopted)

	f.adopt(next)
	f.move(next)
}

// A successor whose contract is not the one that this release knows is not
// followed, whatever it says; nor is one on a chain of which no network file was
// announced.
func TestSuccessorElsewhere(t *testing.T) {
	t.Parallel()
	stranger := state.Address{0x57}
	r := follower.Enrolled(t, devchain.Options{MaxDrift: -1, Alloc: map[state.Address]devchain.Account{stranger: {Code: []byte{0x00, 0x01}}}}, busy)
	f := follow(r)
	for _, c := range []struct {
		at   state.Registry
		want device.Stage
	}{
		{state.Registry{ChainID: r.Org.Anchor.Registry.ChainID, Contract: stranger}, device.OtherCode},
		{state.Registry{ChainID: r.Org.Anchor.Registry.ChainID, Contract: state.Address{0x58}}, device.OtherCode},
		{state.Registry{ChainID: 4242, Contract: r.Org.Anchor.Registry.Contract}, device.NoPlaces},
	} {
		pointsAt(r.Org, state.Successor, anchor.Anchor{Registry: c.at, Org: state.Word{9}}, r.Org.Chain.Time()+state.MinTimelock+60)
		f.delay()
		f.stage(c.want)
	}
	if s := r.Engine.Status(""); !strings.Contains(s.Next, "--successor") {
		t.Errorf("no hint: %+v", s)
	}
}

// A successor on another chain is read by the network file that came with the
// materials, and by no other.
func TestSuccessorOnAnotherChain(t *testing.T) {
	t.Parallel()
	r := follower.New(t, fleet.New(t, follower.Instant))
	next := fleet.New(t, devchain.Options{MaxDrift: -1, ChainID: 31338})
	text, err := next.Network.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	r.Org.Successor = string(text)
	r.CA = r.Org.NewCA()
	r.Start(busy)
	r.Mailbox = r.Enrol("gate-7")
	f := follow(r)
	f.succeedBy(next.Anchor)
	points(next, state.Predecessor, r.Org.Anchor)
	f.adopt(next)
	f.move(next)
	f.Eventually(func(s device.Status) bool { return s.Enrolled })
}

// The log of the successor is withheld: the device stays; shown again, it moves.
func TestSuccessorWithheld(t *testing.T) {
	t.Parallel()
	r := follower.Enrolled(t, follower.Instant, busy)
	next := fleet.New(t, devchain.Options{MaxDrift: -1, ChainID: 31338})
	text, err := next.Network.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	r.Org.Successor = strings.Replace(string(text), next.Network.Endpoints[0], "http://127.0.0.1:1", 1)
	r.Enrol("gate-7")
	f := follow(r)
	points(next, state.Predecessor, r.Org.Anchor)
	f.adopt(next)
	f.succeedBy(next.Anchor)
	f.stage(device.Unreachable)
	r.Org.Successor = string(text)
	before := r.Engine.View().Enrolment
	r.Enrol("gate-7")
	harness.Eventually(r, 20*time.Second, func() error {
		if r.Engine.View().Enrolment == before {
			return errors.New("no new materials")
		}
		return nil
	})
	f.move(next)
}

// A veto of the last moment counts, also for a device whose last look was before
// it and is fresh still when the delay is over, and while the block in which no
// veto could come any more may be taken back.
func TestAttackVetoUnseen(t *testing.T) {
	t.Parallel()
	r := follower.Enrolled(t, follower.Instant, busy)
	org, next := r.Org, fleet.On(t, r.Org.Chain)
	points(next, state.Predecessor, org.Anchor)
	f := follow(r)
	f.adopt(next)
	point := func() contracts.Change {
		t.Helper()
		p := pointsAt(org, state.Successor, next.Anchor, org.Chain.Time()+state.MinTimelock+60)
		f.stage(device.Delayed)
		// The device's own time, which runs on between two blocks.
		now := r.Engine.View().Now(r.Engine.Clock().Read()).Time
		d := time.Duration(p.From-30-now) * time.Second
		f.later(d)
		r.Eventually(func(s device.Status) bool { return s.Block >= org.Chain.Number() })
		f.stage(device.Delayed)
		return p
	}
	p := point()
	r.Cut.Store(true)
	r.Eventually(func(s device.Status) bool { return s.Problem != "" }) // no look is under way that could see more
	org.Write(org.Anchor.Org, contracts.Change{Action: state.ActionRevoke, Kind: state.KindPointer, Subject: p.Subject})
	r.Pass(40 * time.Second)
	f.stage(device.NotSure)
	r.Cut.Store(false)
	f.stage(device.Vetoed)

	point()
	org.Chain.HoldBack(3)
	f.later(2 * time.Minute)
	r.Eventually(func(s device.Status) bool { return s.Block >= org.Chain.Number() })
	f.stage(device.NotSure)
	// The twin: nobody can have vetoed it, once a block of after the delay that the
	// device has seen is final.
	harness.Eventually(t, 20*time.Second, func() error {
		if org.Chain.Mine(1); len(f.moved) == 0 {
			return errors.New("it does not move")
		}
		return nil
	})
	f.move(next)
}

// A device whose move cannot be made, as on a full disk, answers logins on: it does
// not try again at once.
func TestMoveThatFails(t *testing.T) {
	t.Parallel()
	r := follower.Enrolled(t, follower.Instant, busy)
	next := fleet.On(t, r.Org.Chain)
	before := r.Granted("alice", 24*time.Hour)
	points(next, state.Predecessor, r.Org.Anchor)
	f := &following{Rig: r, moved: make(chan *device.Move, 1)}
	f.adopt(next)
	pointsAt(r.Org, state.Successor, next.Anchor, r.Org.Chain.Time()+state.MinTimelock+60)
	f.delay()
	f.run(syscall.ENOSPC)
	f.stage(device.Unmade)
	r.Allowed("while it cannot move", "alice", before.Cert)
	f.later(device.MoveAgain)
	f.move(next)
}

// A successor's journal that is damaged is begun anew: nothing in it was believed.
func TestSuccessorsJournalDamaged(t *testing.T) {
	t.Parallel()
	r := follower.Enrolled(t, follower.Instant, busy)
	next := fleet.On(t, r.Org.Chain)
	points(next, state.Predecessor, r.Org.Anchor)
	f := &following{Rig: r, moved: make(chan *device.Move, 1)}
	f.adopt(next)
	pointsAt(r.Org, state.Successor, next.Anchor, r.Org.Chain.Time()+state.MinTimelock+60)
	f.delay()
	r.Eventually(func(s device.Status) bool { return s.Block >= r.Org.Chain.Number() })
	path := r.Path + "-successor"
	if err := journal.Create(path, next.Anchor); err != nil {
		t.Fatal(err)
	}
	j, err := journal.Open(path, next.Anchor)
	if err == nil {
		err = errors.Join(j.SetRecord(journal.RecordWitnesses, []byte("damaged")), j.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	f.run(nil)
	f.stage(device.Unreachable)
	f.later(device.ReopenAfter)
	f.move(next)
}
