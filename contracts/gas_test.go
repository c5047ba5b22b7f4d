package contracts

import (
	"crypto/sha256"
	"encoding/binary"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"dpki/state"
)

var update = flag.Bool("update", false, "rewrite gas.txt and the vectors instead of comparing them")

// budget is the design's, in gas of a whole transaction under Prague's rules
// (21,000, calldata and execution), per entry.
var budget = map[string]uint64{
	"put, used scope":              75_000,
	"put, used mailbox by zone":    75_000,
	"put, used scope, with limit":  75_000,
	"put, first of a scope":        125_000,
	"revoke":                       60_000,
	"batch of 100, one scope, per": 32_000,
}

// sealed stands for the data of a grant: docs/formats.md section 5 with the
// smallest padding, 181 bytes.
func sealed(n uint64) []byte {
	b := []byte{1, 0, 0, 0, 1}
	for i := uint64(0); len(b) < 181; i++ {
		h := sha256.Sum256(binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, n), i))
		b = append(b, h[:]...)
	}
	return b[:181]
}

func subject(n uint64) state.Word {
	return sha256.Sum256(binary.BigEndian.AppendUint64([]byte("subject"), n))
}

func TestGas(t *testing.T) {
	e := newEVM(t)
	alice, bob := state.Address(sha256.New().Sum(nil)[:20]), state.Address(sha256.New().Sum(nil)[12:])
	salt := subject(1000)
	var lines []string
	measure := func(name string, r receipt, entries uint64) {
		if got := uint64(len(r.logs)); got != entries {
			t.Fatalf("%s: %d entries, want %d", name, got, entries)
		}
		gas := (r.gas + entries - 1) / entries
		lines = append(lines, fmt.Sprintf("%-32s%8d", name, gas))
		if limit, ok := budget[name]; ok && gas > limit {
			t.Errorf("%s: %d gas, the budget is %d", name, gas, limit)
		}
		e.next(12)
	}
	n := uint64(0)
	put := func(kind state.Kind) Change {
		n++
		return Change{Action: state.ActionPut, Kind: kind, From: e.time, Until: e.time + 300, Subject: subject(n), Data: sealed(n)}
	}

	measure("createOrganisation", e.must(alice, PackCreate(salt)), 1)
	org := e.registry().OrganisationID(alice, salt)
	root := state.RootAdmin(alice, org, salt)
	zone := state.ZoneID(org, subject(1001))
	commitment := subject(1002)
	mailbox := state.MailboxID(zone, commitment)
	write := func(from state.Address, admin state.Admin, groups ...Group) receipt {
		t.Helper()
		data, err := PackWrite(org, admin, groups)
		if err != nil {
			t.Fatal(err)
		}
		return e.must(from, data)
	}

	delegate := state.Admin{Account: bob, Power: zone, Salt: subject(1003)}
	delegate.PutMask = delegate.PutMask.With(state.KindGrant)
	delegate.RevokeMask = delegate.PutMask
	measure("make an admin", write(alice, root, Group{Scope: org, Changes: []Change{
		{Action: state.ActionPut, Kind: state.KindAdmin, Until: e.time + 1e8, Subject: delegate.ID(), Data: delegate.Marshal()},
	}}), 1)
	measure("put, first of a scope", write(alice, root, Group{Scope: zone, Changes: []Change{put(state.KindGrant)}}), 1)
	granted := put(state.KindGrant)
	measure("put, used scope", write(alice, root, Group{Scope: zone, Changes: []Change{granted}}), 1)
	measure("put, first of a mailbox by zone", write(bob, delegate, Group{Scope: mailbox, Salt: commitment, Changes: []Change{put(state.KindGrant)}}), 1)
	measure("put, used mailbox by zone", write(bob, delegate, Group{Scope: mailbox, Salt: commitment, Changes: []Change{put(state.KindGrant)}}), 1)
	measure("revoke", write(alice, root, Group{Scope: zone, Changes: []Change{{Action: state.ActionRevoke, Kind: state.KindGrant, Subject: granted.Subject}}}), 1)
	measure("revoke before the put", write(alice, root, Group{Scope: zone, Changes: []Change{{Action: state.ActionRevoke, Kind: state.KindDevice, Subject: mailbox}}}), 1)
	batch := make([]Change, 100)
	for i := range batch {
		batch[i] = put(state.KindGrant)
	}
	measure("batch of 100, one scope, per", write(alice, root, Group{Scope: zone, Changes: batch}), 100)
	revokes := make([]Change, 100)
	for i := range revokes {
		revokes[i] = Change{Action: state.ActionRevoke, Kind: state.KindGrant, Subject: batch[i].Subject}
	}
	measure("100 revokes, one scope, per", write(alice, root, Group{Scope: zone, Changes: revokes}), 100)
	measure("put a limit", write(alice, root, Group{Scope: org, Changes: []Change{
		{Action: state.ActionPut, Kind: state.KindLimit, Until: state.Never, Subject: subject(1004), Data: state.Limit{Kind: state.KindGrant, Approvals: 1, Longest: 3600}.Marshal()},
	}}), 1)
	measure("put, used scope, with limit", write(alice, root, Group{Scope: zone, Changes: []Change{put(state.KindGrant)}}), 1)
	measure("put, mailbox by zone, with limit", write(bob, delegate, Group{Scope: mailbox, Salt: commitment, Changes: []Change{put(state.KindGrant)}}), 1)

	var guardians state.Guardians
	sign := map[state.Address]func(state.Word) []byte{}
	for b := byte(1); b <= 3; b++ {
		account, with := signer(t, b)
		guardians.Accounts, sign[account] = append(guardians.Accounts, account), with
	}
	guardians = state.Guardians{Timelock: state.MinTimelock, Needed: 2, Final: 3, Accounts: sortedAccounts(guardians.Accounts)}
	guard := func(count int, c Change) receipt {
		t.Helper()
		n++
		p := Proposal{Org: org, Nonce: subject(n), Deadline: e.time, Groups: []Group{{Scope: org, Changes: []Change{c}}}}
		digest, err := p.Digest(e.registry())
		if err != nil {
			t.Fatal(err)
		}
		data, err := PackWriteGuarded(p, guardians, consents(sign, guardians.Accounts[:count], digest))
		if err != nil {
			t.Fatal(err)
		}
		return e.must(bob, data)
	}
	recovery := state.Recovery{Threshold: 2, Roots: guardians.Accounts}
	own := func(c Change) receipt { return write(alice, root, Group{Scope: org, Changes: []Change{c}}) }
	measure("name 3 guardians", own(SetGuardians(guardians)), 1)
	measure("freeze by 2 of 3", guard(2, Freeze(e.time+60)), 1)
	measure("recover by 2 of 3", guard(2, Recover(recovery)), 1)
	measure("veto", own(VetoRecovery(recovery.ID())), 1)
	measure("recover by 3 of 3", guard(3, Recover(recovery)), 1)
	e.next(state.MinTimelock)
	complete, err := PackCompleteRecovery(org, guardians, recovery)
	if err != nil {
		t.Fatal(err)
	}
	measure("complete, 3 roots, per entry", e.must(bob, complete), 4)
	got := strings.Join(lines, "\n") + "\n"
	if *update {
		if err := os.WriteFile("gas.txt", []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("gas.txt")
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("gas has changed (go test ./contracts -run TestGas -update):\ngot:\n%swant:\n%s", got, want)
	}
}
