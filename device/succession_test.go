package device

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"dpki/authkeys"
	"dpki/contracts"
	"dpki/device/journal"
	"dpki/internal/anchor"
	"dpki/internal/devchain"
	"dpki/internal/harness"
	"dpki/internal/harness/fleet"
	"dpki/internal/network"
	"dpki/state"

	"golang.org/x/crypto/ssh"
)

// following is a rig whose organisation goes on elsewhere.
type following struct {
	*rig
	*Succession
	moved chan *Move
}

// follow watches for a successor.
func follow(r *rig) *following {
	r.Helper()
	f := &following{rig: r, moved: make(chan *Move, 1)}
	f.Succession = NewSuccession(SuccessionConfig{Engine: r.engine, Journal: r.path + "-successor", Start: inProcess, Every: 50 * time.Millisecond, Log: r.log()})
	ended := make(chan struct{})
	go func() { defer close(ended); f.moved <- f.Run(r.Context()) }()
	r.Cleanup(func() { <-ended })
	return f
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
	pointsAt(f.org, state.Successor, to, f.org.Chain.Time()+state.MinTimelock+60)
	f.stage(Delayed)
	f.delay()
}

// delay lets the delay of a pointer pass, and more.
func (f *following) delay() {
	f.Helper()
	if err := f.org.Chain.AdjustTime(2 * time.Hour); err != nil {
		f.Fatal(err)
	}
	f.pass(2 * time.Hour)
	f.org.Chain.Mine(1)
}

// adopt enrols the device in another organisation by what is known of it.
func (f *following) adopt(by *fleet.Org) state.Word {
	f.Helper()
	return by.Enrol(f.request("gate-7"))
}

// stage waits until the status says so. Every one of them is refused logins
// neither here nor there: nothing has changed.
func (f *following) stage(want Stage) {
	f.Helper()
	harness.Eventually(f, 20*time.Second, func() error {
		if s := f.engine.Status("").Successor; s == nil || s.Stage != want.String() {
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
	var m *Move
	select {
	case m = <-f.moved:
	case <-time.After(20 * time.Second):
		f.Fatalf("the device does not move: %+v", f.engine.Status("").Successor)
	}
	if m == nil || m.From != f.org.Anchor || m.To != by.Anchor || m.Zone != by.Zone {
		f.Fatalf("%+v", m)
	}
	f.stop()
	f.path += "-successor"
	j, err := journal.Open(f.path, m.To)
	if err == nil {
		err = errors.Join(j.SetRecord(journal.RecordInherited, m.Inherited), j.Close())
	}
	if err != nil {
		f.Fatal(err)
	}
	if f.network, err = network.Parse(m.Network); err != nil {
		f.Fatal(err)
	}
	f.org, f.mailbox = by, f.identity.MailboxSecret().Mailbox(by.Zone)
	f.start(busy)
}

// busy looks at the chain often also while nothing happens.
func busy(c *Config) { c.Profile.Idle = 200 * time.Millisecond }

// A device follows its organisation, of which nobody touches it: not before the
// delay is over, both sides say so, it has been adopted, and nobody works on it.
// What was denied stays denied, until the successor says otherwise; logins are
// the successor's to grant.
func TestSuccession(t *testing.T) {
	t.Parallel()
	var sessions atomic.Int32
	r := enrolled(t, instant, func(c *Config) { busy(c); c.Sessions = func() int { return int(sessions.Load()) } })
	next := fleet.On(t, r.org.Chain)
	nextCA := next.NewCA()
	deny := func(key ssh.PublicKey) state.Word {
		k := state.Word(sha256.Sum256(key.Marshal()))
		r.org.Write(r.org.Anchor.Org, contracts.Change{Action: state.ActionPut, Kind: state.KindDenyClear, Until: state.Never, Subject: k})
		return k
	}
	denied, good, lost := r.org.NewKey(), r.org.NewKey(), r.org.NewCA()
	key := deny(denied.PublicKey())
	r.org.Revoke(r.org.Zone, lost.Entry)
	before := r.granted("alice", 24*time.Hour)
	r.allowed("before", "alice", before.cert)
	old := r.org.Anchor

	f := follow(r)
	f.succeedBy(next.Anchor)
	f.stage(Unanswered)
	points(next, state.Predecessor, old)
	f.stage(Unadopted)
	r.allowed("while the successor is read", "alice", before.cert)
	sessions.Store(1)
	f.adopt(next)
	f.stage(InUse)
	r.allowed("while a session lives", "alice", before.cert)
	sessions.Store(0)
	f.move(next)

	f.eventually(func(s Status) bool { return s.Enrolled && s.CAs == 1 && len(s.Left) == 1 && s.Left[0] == old.String() })
	f.refused("a grant of before", "alice", before.cert, authkeys.CAUnknown)
	grant := func(ca fleet.CA, key fleet.Key) *ssh.Certificate {
		return next.Certificate(ca, key.PublicKey(), next.Grant(f.mailbox, state.KindGrant, "alice", key.PublicKey(), 24*time.Hour))
	}
	f.allowed("the successor's grant", "alice", grant(nextCA, good))
	cert := grant(nextCA, denied)
	f.refused("a key that was denied before", "alice", cert, authkeys.Denied)
	again, err := state.CA{Key: state.Word(sha256.Sum256(lost.PublicKey().Marshal()))}.Marshal()
	next.Write(next.Zone, next.Seal(next.Zone, state.KindCAUser, again, err, 24*time.Hour))
	f.eventually(func(s Status) bool { return s.CAs == 2 })
	f.refused("a CA that was revoked before", "alice", grant(fleet.CA{Signer: lost.Signer}, good), authkeys.Denied)

	next.Write(next.Anchor.Org, contracts.Change{Action: state.ActionRevoke, Kind: state.KindDenyClear, Subject: key})
	f.eventually(func(Status) bool { return f.engine.View().State.Head.Number >= next.Chain.Number() })
	f.allowed("once the successor has lifted it", "alice", grant(nextCA, denied))
}

// Two hops are two moves; a successor that points back to where the device has
// been leads it nowhere, however well both sides agree.
func TestSuccessionOfSuccessions(t *testing.T) {
	t.Parallel()
	r := enrolled(t, instant, busy)
	first := r.org
	second, third := fleet.On(t, first.Chain), fleet.On(t, first.Chain)

	f := follow(r)
	f.succeedBy(second.Anchor)
	points(second, state.Predecessor, first.Anchor)
	f.adopt(second)
	f.move(second)
	f.eventually(func(s Status) bool { return s.Enrolled })

	f = follow(r)
	f.succeedBy(first.Anchor)
	points(first, state.Predecessor, second.Anchor)
	f.adopt(first)
	f.stage(Returning)

	// The twin: on to the third.
	pointsAt(second, state.Successor, third.Anchor, first.Chain.Time()+state.MinTimelock+60)
	points(third, state.Predecessor, second.Anchor)
	f.adopt(third)
	f.delay()
	f.move(third)
	f.eventually(func(s Status) bool { return s.Enrolled && len(s.Left) == 2 })
}

// Who cannot speak for the organisation leads no device away: each of these
// changes nothing, and the twin behind it moves.
func TestAttackSuccession(t *testing.T) {
	t.Parallel()
	r := enrolled(t, instant, busy)
	org := r.org
	thief, next := fleet.On(t, org.Chain), fleet.On(t, org.Chain)
	f := follow(r)

	// He points back, and has materials for the device; nobody has pointed there.
	points(thief, state.Predecessor, org.Anchor)
	f.adopt(thief)
	f.eventually(func(s Status) bool { return s.Successor == nil && s.Block >= org.Chain.Number() })
	f.stays()

	// With a root's key he points there, and the guardians (here the roots) take it
	// back before the delay is over.
	p := pointsAt(org, state.Successor, thief.Anchor, org.Chain.Time()+state.MinTimelock+60)
	f.stage(Delayed)
	org.Write(org.Anchor.Org, contracts.Change{Action: state.ActionRevoke, Kind: state.KindPointer, Subject: p.Subject})
	f.stage(Vetoed)
	f.delay()
	f.stage(Vetoed)

	// What is final is waited for, on both sides.
	org.Chain.HoldBack(math.MaxInt32)
	pointsAt(org, state.Successor, next.Anchor, org.Chain.Time()+state.MinTimelock+60)
	f.stage(Delayed)
	f.delay()
	f.stage(NotSure)
	org.Chain.HoldBack(0)
	org.Chain.Mine(1)
	f.stage(Unanswered)

	// The successor points back to another organisation than this one.
	points(next, state.Predecessor, thief.Anchor)
	f.stage(Unanswered)
	points(next, state.Predecessor, org.Anchor)
	f.stage(Unadopted)

	f.adopt(next)
	f.move(next)
}

// A successor whose contract is not the one that this release knows is not
// followed, whatever it says; nor is one on a chain of which no network file was
// announced.
func TestSuccessorElsewhere(t *testing.T) {
	t.Parallel()
	stranger := state.Address{0x57}
	r := enrolled(t, devchain.Options{MaxDrift: -1, Alloc: map[state.Address]devchain.Account{stranger: {Code: []byte{0x00, 0x01}}}}, busy)
	f := follow(r)
	for _, c := range []struct {
		at   state.Registry
		want Stage
	}{
		{state.Registry{ChainID: r.org.Anchor.Registry.ChainID, Contract: stranger}, OtherCode},
		{state.Registry{ChainID: r.org.Anchor.Registry.ChainID, Contract: state.Address{0x58}}, OtherCode},
		{state.Registry{ChainID: 4242, Contract: r.org.Anchor.Registry.Contract}, NoPlaces},
	} {
		pointsAt(r.org, state.Successor, anchor.Anchor{Registry: c.at, Org: state.Word{9}}, r.org.Chain.Time()+state.MinTimelock+60)
		f.delay()
		f.stage(c.want)
	}
	if s := r.engine.Status(""); !strings.Contains(s.Next, "--successor") {
		t.Errorf("no hint: %+v", s)
	}
}

// A successor on another chain is read by the network file that came with the
// materials, and by no other.
func TestSuccessorOnAnotherChain(t *testing.T) {
	t.Parallel()
	r := newRig(t, fleet.New(t, instant))
	next := fleet.New(t, devchain.Options{MaxDrift: -1, ChainID: 31338})
	text, err := next.Network.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	r.org.Successor = string(text)
	r.ca = r.org.NewCA()
	r.start(busy)
	r.mailbox = r.enrol("gate-7")
	f := follow(r)
	f.succeedBy(next.Anchor)
	points(next, state.Predecessor, r.org.Anchor)
	f.adopt(next)
	f.move(next)
	f.eventually(func(s Status) bool { return s.Enrolled })
}

// The log of the successor is withheld: the device stays; shown again, it moves.
func TestSuccessorWithheld(t *testing.T) {
	t.Parallel()
	r := enrolled(t, instant, busy)
	next := fleet.New(t, devchain.Options{MaxDrift: -1, ChainID: 31338})
	text, err := next.Network.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	r.org.Successor = strings.Replace(string(text), next.Network.Endpoints[0], "http://127.0.0.1:1", 1)
	r.enrol("gate-7")
	f := follow(r)
	points(next, state.Predecessor, r.org.Anchor)
	f.adopt(next)
	f.succeedBy(next.Anchor)
	f.stage(Unreachable)
	r.org.Successor = string(text)
	before := r.engine.View().Enrolment
	r.enrol("gate-7")
	harness.Eventually(r, 20*time.Second, func() error {
		if r.engine.View().Enrolment == before {
			return errors.New("no new materials")
		}
		return nil
	})
	f.move(next)
}
