package drills

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/crypto"
	"golang.org/x/crypto/ssh"

	"dpki/admin"
	"dpki/admin/home"
	"dpki/admin/ledger"
	"dpki/bundle"
	"dpki/bundle/store"
	"dpki/contracts/code"
	"dpki/internal/anchor"
	"dpki/internal/devchain"
	"dpki/internal/harness/sshkey"
	"dpki/registry/post"
	"dpki/registry/source"
	"dpki/registry/verify"
	"dpki/state"
)

const timelock = time.Hour

// drill is organisation acme of zone plant with device gate-7, on a chain whose
// time is moved.
type drill struct {
	*testing.T
	chain *devchain.Chain
	org   anchor.Anchor
	root  *person
	// receipts is where devices say how far they have come.
	receipts []admin.ReceiptSource
}

// person has an account and an identity of his own.
type person struct {
	*drill
	key     *ecdsa.PrivateKey
	account state.Address
	home    home.Home
	id      *bundle.Identity
}

func newDrill(t *testing.T) *drill {
	t.Helper()
	t.Chdir(t.TempDir()) // where proposals are written
	d := &drill{T: t, chain: devchain.New(t, devchain.Options{MaxDrift: -1})}
	salt := state.Word{}
	rand.Read(salt[:])
	d.org = anchor.Anchor{Registry: d.chain.Registry(), Org: d.chain.Registry().OrganisationID(d.chain.AdminAddress(), salt)}
	d.root = d.person(d.chain.Admin)
	_, err := d.root.desk().CreateOrganisation(t.Context(), "acme", "root", salt)
	d.must(err)
	_, err = d.root.desk().CreateZone(t.Context(), "plant")
	d.must(err)
	_, err = d.root.desk().CreateCA(t.Context(), admin.NewCA{
		Zone: "plant", Label: "users", For: 300 * 24 * time.Hour, Passphrase: func() ([]byte, error) { return []byte("drill"), nil },
	})
	d.must(err)
	id, err := bundle.GenerateIdentity()
	d.must(err)
	request, err := id.NewRequest(d.org, "gate-7", strings.TrimSpace(string(ssh.MarshalAuthorizedKey(sshkey.New(t).PublicKey()))))
	d.must(err)
	desk := d.root.desk()
	plan, err := desk.PlanDevices(t.Context(), admin.AddDevices{Zone: "plant", Requests: []*bundle.Request{request}})
	d.must(err)
	_, err = desk.AddPlanned(t.Context(), plan)
	d.must(err)
	return d
}

func (d *drill) person(key *ecdsa.PrivateKey) *person {
	d.Helper()
	var err error
	if key == nil {
		key, err = crypto.GenerateKey()
		d.must(err)
	}
	p := &person{drill: d, key: key, account: state.Address(crypto.PubkeyToAddress(key.PublicKey))}
	d.must(d.chain.Fund(d.Context(), p.account, devchain.Ether(1)))
	p.id, err = bundle.GenerateIdentity()
	d.must(err)
	p.home, err = home.New(filepath.Join(d.TempDir(), "home"), func(string) string { return "" })
	d.must(err)
	d.must(home.Make(p.home.Config()))
	return p
}

// desk is one run of the command.
func (p *person) desk() *admin.Desk {
	p.Helper()
	return p.deskAt(p.chain.Network().Endpoints[0])
}

// deskAt asks another endpoint than the chain's own.
func (p *person) deskAt(endpoint string) *admin.Desk {
	p.Helper()
	n := p.chain.Network()
	n.Endpoints = []string{endpoint}
	c, err := source.Dial(endpoint)
	p.must(err)
	log, err := ledger.Open(verify.Config{
		Registry: p.org.Registry, Org: p.org.Org, CodeHash: code.Hash(), Deploy: n.DeployBlock, Policy: verify.Agreement{K: 1},
	}, []verify.Endpoint{{Name: "chain", Source: c}}, filepath.Join(p.home.State(p.org.Org), "ledger.json"))
	p.must(err)
	stores, err := store.Open(n.Stores, store.Own{})
	p.must(err)
	poster, err := post.New(post.Config{Endpoints: n.Endpoints, ChainID: n.ChainID, FeeModel: n.FeeModel,
		Account: post.Account{Address: p.account, Open: func() (*ecdsa.PrivateKey, error) { return p.key, nil }}})
	p.must(err)
	p.Cleanup(poster.Close)
	return admin.New(admin.Config{
		Receipts: p.receipts,
		Home:     p.home, Anchor: p.org, Network: n, Identity: p.id, Ledger: log, Stores: stores, Account: p.account, Poster: poster,
		Passphrase: func(string) ([]byte, error) { return []byte("drill"), nil },
		Now:        func() time.Time { return time.Unix(int64(p.chain.Time()), 0) },
	})
}

// member is the request by which somebody is handed keys.
func (d *drill) member(p *person) *bundle.Request {
	d.Helper()
	r, err := p.id.NewRequest(d.org, "bob", "")
	d.must(err)
	return r
}

// pass moves the chain's time, and with it every clock.
func (d *drill) pass(by time.Duration) {
	d.Helper()
	d.must(d.chain.AdjustTime(by))
}

func (d *drill) must(err error) {
	d.Helper()
	if err != nil {
		d.Fatal(err)
	}
}

// refused wants an error whose text matches.
func (d *drill) refused(err error, want string) {
	d.Helper()
	if err == nil || !regexp.MustCompile(want).MatchString(err.Error()) {
		d.Fatalf("got %v, want %q", err, want)
	}
}

// sign takes the proposal that an error names round to the others, and sends it.
func (d *drill) sign(err error, submits *person, others ...*person) error {
	d.Helper()
	p := d.proposal(err)
	for _, o := range others {
		desk := o.desk()
		r, err := desk.ReviewProposal(d.Context(), p)
		d.must(err)
		if unseen := r.Unseen(); len(unseen) > 0 {
			d.Fatalf("not shown: %+v", unseen)
		}
		d.must(desk.ApproveProposal(d.Context(), p, r))
	}
	_, err = submits.desk().SubmitProposal(d.Context(), p)
	return err
}

// guardians names three of whom two recover, and all three without a veto.
func (d *drill) guardians() (list [3]*person) {
	d.Helper()
	var accounts []state.Address
	for i := range list {
		list[i] = d.person(nil)
		accounts = append(accounts, list[i].account)
	}
	_, err := d.root.desk().SetGuardians(d.Context(), state.Guardians{Timelock: uint64(timelock / time.Second), Needed: 2, Final: 3, Accounts: accounts})
	d.must(err)
	return list
}

func (d *drill) grant(by *person, account string) (*admin.Granted, error) {
	d.Helper()
	return by.desk().Grant(d.Context(), admin.GrantRequest{Targets: []string{"gate-7"}, Account: account, For: 2 * 24 * time.Hour, Key: sshkey.New(d.T).PublicKey()})
}

// admits asks the device's own decision for the certificate of a grant.
func (d *drill) admits(g *admin.Granted) bool {
	d.Helper()
	e, err := d.root.desk().Explain(d.Context(), "gate-7", g.Grants[0].Account, g.Grants[0].Cert)
	d.must(err)
	return e.Allow
}

// TestLostRoot: the only root key is gone. Two of three guardians and an hour
// later another has the power, and what was granted before runs on.
func TestLostRoot(t *testing.T) {
	d := newDrill(t)
	g := d.guardians()
	before, err := d.grant(d.root, "deploy")
	d.must(err)
	next := d.person(nil)

	_, err = g[0].desk().StartRecovery(t.Context(), []state.Address{next.account}, 1)
	d.must(d.sign(err, g[2], g[1]))
	_, err = g[2].desk().FinishRecovery(t.Context())
	d.refused(err, "timelock ends at")
	d.pass(timelock + time.Minute)
	_, err = g[2].desk().FinishRecovery(t.Context())
	d.must(err)
	if !d.admits(before) {
		t.Error("what was granted before the recovery does not run on")
	}
	_, _, err = limit(t.Context(), d.root)
	d.refused(err, "is not an administrator")
	_, _, err = limit(t.Context(), next)
	d.must(err)
}

func limit(ctx context.Context, by *person) ([]string, *admin.Posted, error) {
	return by.desk().SetLimit(ctx, "GRANT", 0, 3600)
}

// TestHackedRoot: whoever stole the root key vetoes the recovery by two guardians.
// He can do so once: that of all three he cannot veto, and it ends his power.
func TestHackedRoot(t *testing.T) {
	d := newDrill(t)
	g := d.guardians()
	next := d.person(nil)
	thief := d.root

	_, err := g[0].desk().Freeze(t.Context(), 24*time.Hour)
	d.must(d.sign(err, g[1], g[1]))
	_, err = d.grant(thief, "root")
	d.refused(err, "Frozen")
	_, err = g[0].desk().StartRecovery(t.Context(), []state.Address{next.account}, 1)
	d.must(d.sign(err, g[1], g[1]))
	_, err = thief.desk().VetoRecovery(t.Context())
	d.must(err)
	_, err = g[0].desk().StartRecovery(t.Context(), []state.Address{next.account}, 1)
	d.refused(err, "needs 3 approvals")
	d.must(d.sign(err, g[1], g[1], g[2]))
	_, err = thief.desk().VetoRecovery(t.Context())
	d.refused(err, "cannot be vetoed")
	d.pass(timelock + time.Minute)
	_, err = next.desk().FinishRecovery(t.Context())
	d.must(err)
	_, _, err = limit(t.Context(), thief)
	d.refused(err, "is not an administrator")
	_, _, err = limit(t.Context(), next)
	d.must(err)
}

// TestStolenAdmin: an administrator's key is stolen. Revoked, it grants nothing
// more; distrusted, what the thief granted is void, and what others granted is not.
func TestStolenAdmin(t *testing.T) {
	d := newDrill(t)
	bob := d.person(nil)
	_, err := d.root.desk().AddAdmin(t.Context(), admin.NewAdmin{Account: bob.account, Zone: "plant", Puts: []string{"GRANT,GRANT_PRIV"}, For: 30 * 24 * time.Hour, Member: d.member(bob)})
	d.must(err)
	d.copyCA(bob)
	good, err := d.grant(d.root, "deploy")
	d.must(err)
	d.pass(time.Minute)
	theft := d.chain.Time()
	bad, err := d.grant(bob, "root")
	d.must(err)
	if !d.admits(bad) {
		t.Fatal("the thief's grant does not count before it is known")
	}
	_, err = bob.desk().Distrust(t.Context(), d.root.account, theft, 0)
	d.refused(err, "has no power to put DISTRUST")

	_, gone, err := d.root.desk().RevokeAdmin(t.Context(), bob.account.String())
	d.must(err)
	if len(gone) != 1 {
		t.Fatalf("%d entries revoked, want 1", len(gone))
	}
	_, err = d.grant(bob, "root")
	d.refused(err, "is not an administrator")
	_, err = d.root.desk().Distrust(t.Context(), bob.account, theft, 0)
	d.must(err)
	if d.admits(bad) {
		t.Error("the thief's grant still counts")
	}
	if !d.admits(good) {
		t.Error("twin: another administrator's grant does not count")
	}
}

// TestStolenRoot: one root of two is stolen and makes an administrator, who makes
// another. Who distrusts the root is told of both: the contract lets them write
// until they are revoked.
func TestStolenRoot(t *testing.T) {
	d := newDrill(t)
	bob, mallory, eve, carol := d.person(nil), d.person(nil), d.person(nil), d.person(nil)
	month := 30 * 24 * time.Hour
	add := func(by, who *person, root bool, puts ...string) {
		t.Helper()
		n := admin.NewAdmin{Account: who.account, Root: root, Puts: puts}
		if !root {
			n.For = month
			if by != d.root && by != bob {
				n.For /= 2 // nobody hands on more than he has
			}
		}
		_, err := by.desk().AddAdmin(t.Context(), n)
		d.must(err)
	}
	add(d.root, bob, true)
	add(d.root, carol, false, "GRANT")
	d.pass(time.Minute)
	theft := d.chain.Time()
	add(bob, mallory, false, "ADMIN,GRANT")
	add(mallory, eve, false, "GRANT")
	_, _, err := d.root.desk().RevokeAdmin(t.Context(), bob.account.String())
	d.must(err)
	_, err = d.root.desk().Distrust(t.Context(), bob.account, theft, 0)
	d.must(err)
	made, err := d.root.desk().MadeSince(t.Context(), bob.account, theft, 0)
	d.must(err)
	if len(made) != 2 || made[0].Account != mallory.account.String() || made[0].By != bob.account.String() || made[1].Account != eve.account.String() || made[1].By != mallory.account.String() {
		t.Fatalf("made: %+v", made)
	}
	for _, m := range made {
		_, gone, err := d.root.desk().RevokeAdmin(t.Context(), m.ID[:12])
		if err != nil || len(gone) != 1 {
			t.Errorf("revoking %s: %+v, %v", m.Account, gone, err)
		}
	}
	if made, err = d.root.desk().MadeSince(t.Context(), bob.account, theft, 0); err != nil || len(made) != 0 {
		t.Errorf("after it: %+v, %v", made, err)
	}
	if list, err := d.root.desk().Admins(t.Context(), false); err != nil || len(list) != 2 {
		t.Errorf("twin: the root and whom he made himself are %+v, %v", list, err)
	}
}

// copyCA hands over the key of the CA, as the administrators would.
func (d *drill) copyCA(to *person) {
	d.Helper()
	d.must(home.Make(to.home.CAs()))
	files, err := os.ReadDir(d.root.home.CAs())
	d.must(err)
	for _, f := range files {
		text, err := os.ReadFile(filepath.Join(d.root.home.CAs(), f.Name()))
		d.must(err)
		d.must(os.WriteFile(filepath.Join(to.home.CAs(), f.Name()), text, 0o600))
	}
}
