package main

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"dpki/authkeys"
	"dpki/internal/harness/sshkey"
	"dpki/sshca"
	"dpki/sshca/profile"
	"dpki/state"

	"golang.org/x/crypto/ssh"
	"golang.org/x/sys/unix"
)

// decisions measures one decision from sshd's text to the line, signatures
// checked, beside as many live grants of others. The sizes are measured in
// turns, so that what else the machine does, and how warm it is, weighs on all
// of them alike; what counts of each is the median of its rounds.
func decisions(s *stage, t *report) {
	const bar, rounds, each = 100 * time.Microsecond, 30, 2_000
	defer debug.FreeOSMemory()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var worlds []*grants
	for _, n := range []int{1_000, 10_000, 1_000_000} {
		worlds = append(worlds, newGrants(s, n))
	}
	for i := range rounds + 1 {
		for j := range worlds { // another one first each time
			w := worlds[(i+j)%len(worlds)]
			runtime.GC()
			p50, p99, wall := w.round(s, each)
			if i > 0 { // the first round is not like the others
				w.p50, w.p99, w.wall = append(w.p50, p50), append(w.p99, p99), append(w.wall, wall)
			}
		}
	}
	for _, w := range worlds {
		what, spread := fmt.Sprintf("decision among %s grants, p99", thousands(w.n)),
			fmt.Sprintf("processor time, %s in %d rounds of %s, sizes in turns; p50 %s; by the clock p99 %s",
				w.p99.spread(), rounds, thousands(each), short(w.p50.median()), short(w.wall.median()))
		if w.n < 10_000 { // the bar is for a zone's grants, and for the stress
			t.note(what, short(w.p99.median()), spread)
			continue
		}
		t.add(what, short(w.p99.median()), "100 us", w.p99.median() <= bar, spread)
	}
}

// grants is a world of so many, and what its rounds took.
type grants struct {
	n              int
	request        authkeys.Request
	known          *state.State
	now            authkeys.Now
	p50, p99, wall sample
}

func newGrants(s *stage, n int) *grants {
	g := &grants{n: n}
	g.request, g.known, g.now = world(s, n)
	return g
}

// round decides n times, and gives the quantiles of processor time and of the
// clock.
func (g *grants) round(s *stage, n int) (p50, p99, wall time.Duration) {
	took, passed := make(sample, n), make(sample, n)
	for i := range took {
		began, cpu := time.Now(), threadTime(s)
		d := authkeys.Decide(g.request, g.known, g.now)
		took[i], passed[i] = threadTime(s)-cpu, time.Since(began)
		if !d.Allow {
			s.Fatalf("the decision among %d grants: %s", g.n, d.Text())
		}
	}
	return took.median(), took.quantile(0.99), passed.quantile(0.99)
}

// threadTime is the processor time that this thread has used: what a decision
// costs, whatever else the machine does meanwhile.
func threadTime(s *stage) time.Duration {
	var t unix.Timespec
	s.must(unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t))
	return time.Duration(t.Nano())
}

// clear opens nothing: the entries of the decision's world are not sealed.
type clear struct{}

func (clear) Open(_ state.Word, e *state.Entry) ([]byte, error) { return e.Data, nil }

func world(s *stage, n int) (authkeys.Request, *state.State, authkeys.Now) {
	const now = 1_900_000_000
	word := func(text string) state.Word { return state.Keccak256([]byte(text)) }
	scopes := state.Scopes{Org: word("org"), Zone: word("zone"), Mailbox: word("mailbox")}
	facts := state.NewFacts()
	enter := func(scope state.Word, kind state.Kind, subject state.Word, seq uint64, p interface{ Marshal() ([]byte, error) }) {
		data, err := p.Marshal()
		s.must(err)
		facts.Apply(scopes, scope, &state.Entry{Action: state.ActionPut, Kind: kind, Block: 5, Time: now - 3600, Seq: seq,
			From: now - 60, Until: now + 3600, Subject: subject, Authors: []state.Address{{19: 1}}, Data: data}, clear{})
	}
	ca, key := sshkey.New(s), sshkey.New(s)
	enter(scopes.Zone, state.KindCAUser, word("ca"), 1, state.CA{Key: profile.Hash(ca.PublicKey())})
	for i := range n {
		var id state.Word
		binary.BigEndian.PutUint64(id[:], uint64(i)+1)
		enter(scopes.Zone, state.KindGrant, id, uint64(i)+2, state.Grant{Account: "alice", Key: id, Flags: state.GrantPTY})
	}
	enter(scopes.Mailbox, state.KindGrant, word("grant"), 1, state.Grant{Account: "alice", Key: profile.Hash(key.PublicKey()), Flags: state.GrantPTY})
	cert, err := sshca.IssueGrant(ca, key.PublicKey(), sshca.Grant{Subject: word("grant"), Until: now + 3600, Terms: profile.Terms{
		Zone: scopes.Zone, Device: "gate-7", Kind: state.KindGrant, Grant: state.Grant{Account: "alice", Flags: state.GrantPTY},
	}})
	s.must(err)
	f := strings.Fields(string(ssh.MarshalAuthorizedKey(cert)))
	return authkeys.Request{Stage: authkeys.StageOffer, Account: "alice", KeyType: f[0], Key: f[1], ExpiryTime: true},
		&state.State{Scopes: scopes, Name: "gate-7", Head: state.Head{Number: 9, Time: now}, Safe: 9, Confirmed: facts}, authkeys.Now{Time: now}
}

func thousands(n int) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
