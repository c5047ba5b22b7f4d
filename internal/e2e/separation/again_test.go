package separation

import (
	"testing"

	"dpki/authkeys"
	"dpki/bundle"
	"dpki/contracts"
	"dpki/state"
)

// TestAttackSameIDAgain: who may enter grants, and has a user's key and certificate or
// is in league with him, enters the id of that user's grant again where it was not used
// yet. The chain takes it and the device reads it. It lets nobody in for what the
// holder of the CA has not signed; with such a signature the same entry does.
func TestAttackSameIDAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, true)
	deploy := state.Grant{Account: "deploy", Key: hashOf(w.alice)}
	as := func(account string) state.Grant { return state.Grant{Account: account, Key: deploy.Key} }
	sudo := state.Grant{Account: "deploy", Key: deploy.Key, Flags: state.GrantSudo}
	for _, row := range []struct {
		name  string
		at    *gadget
		scope state.Word
		kind  state.Kind
		grant state.Grant
		stage authkeys.Stage
		why   authkeys.Reason
	}{
		{"another account, by the zone", w.gate7, w.plant, state.KindGrant, as("operator"), authkeys.StageOffer, authkeys.NotIssuedFor},
		{"another account, as privileged", w.gate7, w.gate7.mailbox, state.KindGrantPriv, as("operator"), authkeys.StageOffer, authkeys.NotIssuedFor},
		{"root, by the zone", w.gate7, w.plant, state.KindGrantPriv, as("root"), authkeys.StageOffer, authkeys.NotIssuedFor},
		{"root, in the mailbox", w.gate7, w.gate7.mailbox, state.KindGrantPriv, as("root"), authkeys.StageOffer, authkeys.NotIssuedFor},
		{"sudo", w.gate7, w.gate7.mailbox, state.KindGrantPriv, sudo, authkeys.StageSudo, authkeys.NeedsPrivilegedGrant}, // which the first grant is refused for
		{"the whole zone", w.gate9, w.plant, state.KindGrant, deploy, authkeys.StageOffer, authkeys.NotIssuedFor},
		{"another device", w.gate9, w.gate9.mailbox, state.KindGrant, deploy, authkeys.StageOffer, authkeys.NotIssuedFor},
		{"another device's other account", w.gate9, w.gate9.mailbox, state.KindGrant, as("operator"), authkeys.StageOffer, authkeys.NotIssuedFor},
		{"another zone's device", w.desk1, w.desk1.mailbox, state.KindGrant, deploy, authkeys.StageOffer, authkeys.NotIssuedFor},
		{"another zone", w.desk1, w.office, state.KindGrant, deploy, authkeys.StageOffer, authkeys.NotIssuedFor},
		{"root in another zone", w.desk1, w.office, state.KindGrantPriv, as("root"), authkeys.StageOffer, authkeys.NotIssuedFor},
	} {
		c := w.chain.fork()
		again := w.again(row.scope, row.kind, row.grant)
		w.must(w.approve(c, w.roots[:2], w.at(row.scope, again)))
		l := row.at.sees(c)
		if d := l.decides(row.stage, row.grant.Account, w.aliceCert); d.Allow || d.Reason != row.why {
			t.Errorf("%s: allow %v, %q", row.name, d.Allow, d.Text())
		}
		signed := w.certificate(w.ca, w.alice.PublicKey(), again)
		if d := l.decides(row.stage, row.grant.Account, signed); !d.Allow || d.Kind != row.kind {
			t.Errorf("%s: with the CA's signature for it: %q", row.name, d.Text())
		}
		if row.at == w.gate7 && !l.admits("deploy", w.aliceCert) {
			t.Errorf("%s: keeps alice from what was signed for", row.name)
		}
	}
}

// TestAttackRenamed: who may announce bundles too calls another device what the user's
// is called. A device goes by the name that it asked to be enrolled by.
func TestAttackRenamed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, true)
	deploy := state.Grant{Account: "deploy", Key: hashOf(w.alice)}
	again := w.again(w.gate9.mailbox, state.KindGrant, deploy)
	w.must(w.direct(w.chain, w.officer, group(w.plant, w.announce(w.plant, w.gate9.request, w.materials("gate-7", w.plant))), w.at(w.gate9.mailbox, again)))
	l := w.gate9.sees(w.chain)
	if l.named != "gate-7" {
		t.Fatalf("gate-9 is called %q: the bundle was not taken", l.named)
	}
	if d := l.decides(authkeys.StageOffer, "deploy", w.aliceCert); d.Allow || d.Reason != authkeys.NotIssuedFor {
		t.Errorf("allow %v, %q", d.Allow, d.Text())
	}
	if !l.admits("deploy", w.certificate(w.ca, w.alice.PublicKey(), again)) {
		t.Error("not let in with the CA's signature for it")
	}
}

// again is a grant with the id of alice's.
func (w *world) again(scope state.Word, kind state.Kind, g state.Grant) contracts.Change {
	w.Helper()
	payload, err := g.Marshal()
	w.must(err)
	in := w.gate7.mailbox
	if scope == in {
		in = w.plant // the ring seals no id twice in one scope, whoever has its keys may
	}
	until := w.chain.time() + lasting
	s, err := w.ring.SealAgain(w.aliceGrant.Subject, in, bundle.Entry{Scope: scope, Kind: kind, Until: until}, payload)
	w.must(err)
	c := contracts.Change{Action: state.ActionPut, Kind: kind, Until: until, Subject: s.Subject, Data: s.Data}
	w.said[c.Subject] = w.terms(scope, kind, g)
	return c
}
