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
// checked, beside as many live grants of others.
func decisions(s *stage, t *report) {
	const bar = 100 * time.Microsecond
	defer debug.FreeOSMemory()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for _, n := range []int{1_000, 10_000, 1_000_000} {
		request, known, now := world(s, n)
		runtime.GC()
		var p50, p99, wall sample
		for range 20 {
			took, passed := make(sample, 2_000), make(sample, 2_000)
			for i := range took {
				began, cpu := time.Now(), threadTime(s)
				d := authkeys.Decide(request, known, now)
				took[i], passed[i] = threadTime(s)-cpu, time.Since(began)
				if !d.Allow {
					s.Fatalf("the decision among %d grants: %s", n, d.Text())
				}
			}
			p50, p99, wall = append(p50, took.median()), append(p99, took.quantile(0.99)), append(wall, passed.quantile(0.99))
		}
		what, spread := fmt.Sprintf("decision among %s grants, p99", thousands(n)),
			fmt.Sprintf("processor time, %s in 20 rounds of 2,000; p50 %s; by the clock p99 %s", p99.spread(), short(p50.median()), short(wall.median()))
		if n < 10_000 { // the bar is for a zone's grants, and for the stress
			t.note(what, short(p99.median()), spread)
			continue
		}
		t.add(what, short(p99.median()), "100 us", p99.median() <= bar, spread)
	}
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
	cert, err := sshca.IssueGrant(ca, key.PublicKey(), sshca.Grant{Subject: word("grant"), Until: now + 3600, Flags: state.GrantPTY})
	s.must(err)
	f := strings.Fields(string(ssh.MarshalAuthorizedKey(cert)))
	return authkeys.Request{Stage: authkeys.StageOffer, Account: "alice", KeyType: f[0], Key: f[1], ExpiryTime: true},
		&state.State{Scopes: scopes, Head: state.Head{Number: 9, Time: now}, Safe: 9, Confirmed: facts}, authkeys.Now{Time: now}
}

func thousands(n int) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
