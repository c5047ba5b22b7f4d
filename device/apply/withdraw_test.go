package apply

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"dpki/bundle"
	"dpki/device"
	"dpki/internal/harness/sshkey"
	"dpki/state"
)

func (r *rig) withdraw(a *Applier, subject state.Word) device.Delivered {
	r.Helper()
	d, err := a.Withdraw(context.Background(), subject, 2000)
	r.must(err)
	return d
}

// What a revoked delivery brought is gone, and what is beside it is not; files stay.
func TestWithdraw(t *testing.T) {
	r := newRig(t)
	a, ca, key := r.open(), sshkey.New(t), sshkey.New(t)
	r.apply(a, files(t, 1, "a=1"))
	r.apply(a, userKey(t, 2, ca, key, true))
	r.apply(a, material(t, 3, bundle.PurposeCA, &bundle.Trust{Version: 1, Name: "plant", Use: bundle.ForUsers, CAs: []bundle.TrustedCA{{Key: line(ca.PublicKey()), Authority: authority}}}))
	keys, trust := filepath.Join(r.etc, "keys.d"), filepath.Join(r.etc, "trust.d")
	r.must(os.WriteFile(filepath.Join(keys, "mine"), []byte("mine"), 0o600))

	if d := r.withdraw(a, state.Word{2}); d.Result != device.Revoked || !d.OK() || d.Name != "backup" || d.Time != 2000 {
		t.Errorf("user key: %+v", d)
	}
	r.reads(keys, map[string]string{"mine": "mine"})
	if d := r.withdraw(a, state.Word{3}); d.Result != device.Revoked {
		t.Errorf("CA: %+v", d)
	}
	r.reads(trust, map[string]string{})
	if d := r.withdraw(a, state.Word{1}); d.Result != device.RevokedLeft || !d.OK() {
		t.Errorf("files: %+v", d)
	}
	r.reads(filepath.Join(r.etc, "files.d/web"), map[string]string{"a": "1"})

	again := r.open() // another daemon does not install them anew, nor take them away twice
	for _, subject := range []state.Word{{1}, {2}, {3}} {
		if !again.Settled(subject) {
			t.Errorf("%v is forgotten", subject)
		}
		if _, err := again.Withdraw(context.Background(), subject, 2000); err == nil {
			t.Errorf("%v was taken away twice", subject)
		}
	}
	// A later delivery of that name is a new one.
	if d := r.apply(again, userKey(t, 4, ca, key, true)); d.Result != bundle.Applied {
		t.Errorf("delivered again: %+v", d)
	}
}

// A key that the recipient made stays his; only its certificate goes.
func TestWithdrawCertificateAlone(t *testing.T) {
	r := newRig(t)
	a, ca, key := r.open(), sshkey.New(t), sshkey.New(t)
	keys := filepath.Join(r.etc, "keys.d")
	r.must(os.MkdirAll(keys, 0o755))
	key.Save(t, filepath.Join(keys, "backup"))
	r.apply(a, userKey(t, 1, ca, key, false))
	cert := filepath.Join(keys, "backup-cert.pub")
	if _, err := os.Stat(cert); err != nil {
		t.Fatal(err)
	}
	r.withdraw(a, state.Word{1})
	if _, err := os.Stat(cert); err == nil {
		t.Error("the certificate is there")
	}
	if _, err := os.Stat(filepath.Join(keys, "backup")); err != nil {
		t.Errorf("the recipient's own key: %v", err)
	}
}

// Whoever has to be told and says no keeps what there was, until he says yes.
func TestWithdrawTakenBack(t *testing.T) {
	r := newRig(t)
	ca := sshkey.New(t)
	trust := material(t, 1, bundle.PurposeCA, &bundle.Trust{Version: 1, Name: "plant", Use: bundle.ForUsers, CAs: []bundle.TrustedCA{{Key: line(ca.PublicKey()), Authority: authority}}})
	r.apply(r.open(), trust)
	there := map[string]string{"plant.pub": line(ca.PublicKey()) + "\n"}
	r.toml = "version = 1\n[[set]]\npurpose = \"ca\"\nname = \"plant\"\nreload = [\"/bin/false\"]\n"
	if _, err := r.open().Withdraw(context.Background(), state.Word{1}, 2000); err == nil {
		t.Error("a reload that fails was passed over")
	}
	r.reads(filepath.Join(r.etc, "trust.d"), there)
	r.toml = "version = 1\n"
	r.withdraw(r.open(), state.Word{1})
	r.reads(filepath.Join(r.etc, "trust.d"), map[string]string{})
}

// After a move deliveries are numbered anew: the first ones of the new mailbox are
// later than all of the old one.
func TestAnotherMailbox(t *testing.T) {
	r := newRig(t)
	a := r.open()
	first := files(t, 9, "a=old")
	first.Fact.Scope = state.Word{1}
	r.apply(a, first)
	moved := files(t, 1, "a=new")
	moved.Fact.Scope = state.Word{2}
	if d := r.apply(a, moved); d.Result != bundle.Applied {
		t.Errorf("in another mailbox: %+v", d)
	}
	r.reads(filepath.Join(r.etc, "files.d/web"), map[string]string{"a": "new"})
	late := files(t, 0, "a=late")
	late.Fact.Scope, late.Fact.Subject = state.Word{2}, state.Word{77}
	if d := r.apply(a, late); d.Result != device.Superseded {
		t.Errorf("in the same one: %+v", d)
	}
}
