package drills

import (
	"crypto/ecdsa"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/crypto"

	"dpki/admin"
	"dpki/internal/harness/multisig"
	"dpki/internal/harness/sshkey"
	"dpki/state"
)

// TestContractAdministrator: one of two roots is a contract of three owners, two of
// whom sign. What needs both roots counts once the contract, asked as it stands on
// the chain, takes its owners' signatures for its own; whoever has no network is
// told that he cannot know.
func TestContractAdministrator(t *testing.T) {
	d := newDrill(t)
	var owners [3]*ecdsa.PrivateKey
	for i := range owners {
		var err error
		owners[i], err = crypto.GenerateKey()
		d.must(err)
	}
	stranger, err := crypto.GenerateKey()
	d.must(err)
	wallet := multisig.Deploy(t, d.chain, 2, owners[:]...)
	_, err = d.root.desk().AddAdmin(t.Context(), admin.NewAdmin{Account: wallet.Account, Root: true})
	d.must(err)
	// From its first half on, what decides over other kinds needs two.
	_, _, err = d.root.desk().SetLimit(t.Context(), "GRANT", 2, 0)
	p := d.proposal(err)
	digest, err := p.Digest(d.org.Registry)
	d.must(err)
	other := *p
	other.Deadline--
	otherDigest, err := other.Digest(d.org.Registry)
	d.must(err)

	desk := d.root.desk()
	r, err := desk.ReviewProposal(t.Context(), p)
	d.must(err)
	if r.Needs != 2 || len(r.Missing) != 1 || r.Missing[0] != wallet.Account.String() {
		t.Fatalf("review: %+v", r)
	}
	good := wallet.Sign(digest, owners[0], owners[2])
	for what, s := range map[string]admin.SignedBy{
		"of one owner":               {Account: wallet.Account, Signature: wallet.Sign(digest, owners[0])},
		"of an owner and a stranger": {Account: wallet.Account, Signature: wallet.Sign(digest, owners[0], stranger)},
		"over something else":        {Account: wallet.Account, Signature: wallet.Sign(otherDigest, owners[0], owners[1])},
		"of an account without code": {Account: state.Address(crypto.PubkeyToAddress(stranger.PublicKey)), Signature: good},
		"longer than any":            {Account: wallet.Account, Signature: make([]byte, 2049)},
	} {
		if err := desk.AttachSignature(t.Context(), p, r, s); err == nil {
			t.Errorf("a signature %s was taken", what)
		}
		if len(p.Signed) != 1 {
			t.Fatalf("%s: %d signatures", what, len(p.Signed))
		}
		// Written into the file by hand, it is refused where it is shown and where it
		// is sent.
		forged := *p
		forged.Signed = append([]admin.SignedBy{s}, p.Signed...)
		_, err := d.root.desk().ReviewProposal(t.Context(), &forged)
		d.refused(err, "is not of 0x")
		_, err = d.root.desk().SubmitProposal(t.Context(), &forged)
		d.refused(err, "is not of 0x")
	}
	_, err = d.root.desk().SubmitProposal(t.Context(), p)
	d.refused(err, "1 of 2 approvals")

	d.must(desk.AttachSignature(t.Context(), p, r, admin.SignedBy{Account: wallet.Account, Signature: good}))
	text, err := p.Marshal()
	d.must(err)
	if p, err = admin.ParseProposal(text); err != nil || len(p.Signed) != 2 {
		t.Fatalf("%v, %d signatures in the file", err, len(p.Signed))
	}
	cut := d.root.deskAt("http://127.0.0.1:1")
	r, err = cut.ReviewProposal(t.Context(), p)
	if err != nil || !r.Offline || len(r.Signed) != 1 || len(r.Unchecked) != 1 || r.Unchecked[0] != wallet.Account.String() {
		t.Errorf("offline: %+v, %v", r, err)
	}
	if err := cut.AttachSignature(t.Context(), p, r, admin.SignedBy{Account: wallet.Account, Signature: good}); err == nil || !strings.Contains(err.Error(), "cannot be checked") {
		t.Errorf("attached offline: %v", err)
	}
	if _, err := cut.SubmitProposal(t.Context(), p); err == nil {
		t.Error("sent offline")
	}
	// A copy without it is united with one that has it.
	united := *p
	united.Signed = p.Signed[:1]
	d.must(united.Unite(p))
	if _, err := d.person(nil).desk().SubmitProposal(t.Context(), &united); err != nil {
		t.Fatalf("twin: %v", err)
	}
}

// proposal reads the file that an error names.
func (d *drill) proposal(err error) *admin.Proposal {
	d.Helper()
	var waits *admin.ProposedError
	if !errors.As(err, &waits) {
		d.Fatalf("got %v, want a proposal", err)
	}
	text, err := os.ReadFile(waits.File)
	d.must(err)
	p, err := admin.ParseProposal(text)
	d.must(err)
	return p
}

// TestContractRootAlone: the only root is a contract, which begins nothing itself.
// Whoever has the organisation's keys proposes, its owners sign, a stranger pays.
func TestContractRootAlone(t *testing.T) {
	d := newDrill(t)
	var owners [3]*ecdsa.PrivateKey
	for i := range owners {
		var err error
		owners[i], err = crypto.GenerateKey()
		d.must(err)
	}
	wallet := multisig.Deploy(t, d.chain, 2, owners[:]...)
	_, err := d.root.desk().AddAdmin(t.Context(), admin.NewAdmin{Account: wallet.Account, Root: true})
	d.must(err)
	_, _, err = d.root.desk().RevokeAdmin(t.Context(), d.root.account.String())
	d.must(err)
	proposing := func(p admin.Proposing) *admin.Desk {
		desk := d.root.desk()
		desk.Propose = &p
		return desk
	}
	grant := func(desk *admin.Desk, account string) (*admin.Granted, error) {
		return desk.Grant(t.Context(), admin.GrantRequest{Targets: []string{"gate-7"}, Account: account, For: time.Hour, Key: sshkey.New(t).PublicKey()})
	}
	_, err = grant(d.root.desk(), "root")
	d.refused(err, "is not an administrator")
	_, err = grant(proposing(admin.Proposing{Sign: true}), "root")
	d.refused(err, "has no power to put")

	granted, err := grant(proposing(admin.Proposing{File: "grant.json"}), "root")
	p := d.proposal(err)
	if len(p.Signed) != 0 || d.admits(granted) {
		t.Fatalf("%d signatures; something is in force", len(p.Signed))
	}
	digest, err := p.Digest(d.org.Registry)
	d.must(err)
	attach := func(signature []byte) error {
		desk := d.root.desk()
		r, err := desk.ReviewProposal(t.Context(), p)
		d.must(err)
		if r.Needs != 1 || len(r.Unseen()) > 0 {
			t.Fatalf("review: %+v", r)
		}
		return desk.AttachSignature(t.Context(), p, r, admin.SignedBy{Account: wallet.Account, Signature: signature})
	}
	_, err = d.person(nil).desk().SubmitProposal(t.Context(), p)
	d.refused(err, "0 of 1 approvals")
	d.refused(attach(wallet.Sign(digest, owners[0])), "is not 0x")
	d.must(attach(wallet.Sign(digest, owners[1], owners[2])))
	if _, err := d.person(nil).desk().SubmitProposal(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	if !d.admits(granted) {
		t.Error("the grant that the contract approved is not in force")
	}
	// What it gives back: the account is root again, by the same way.
	_, err = proposing(admin.Proposing{}).AddAdmin(t.Context(), admin.NewAdmin{Account: d.root.account, Root: true})
	p = d.proposal(err)
	digest, err = p.Digest(d.org.Registry)
	d.must(err)
	d.must(attach(wallet.Sign(digest, owners[0], owners[1])))
	_, err = d.person(nil).desk().SubmitProposal(t.Context(), p)
	d.must(err)
	// The twin: without a proposal, by the power that it has now.
	if granted, err = grant(d.root.desk(), "deploy"); err != nil || !d.admits(granted) {
		t.Errorf("twin: %v", err)
	}
}
