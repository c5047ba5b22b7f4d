package admin

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/crypto/ssh"

	"dpki/admin/fault"
	"dpki/admin/home"
	"dpki/bundle"
	"dpki/contracts"
	"dpki/internal/file"
	"dpki/sshca"
	"dpki/sshca/profile"
	"dpki/state"
)

// CA is one certificate authority of a zone.
type CA struct {
	Label       string  `json:"label"`
	ID          string  `json:"id"` // subject of its entry
	Zone        string  `json:"zone"`
	Use         string  `json:"use"` // "user" or "host"
	Fingerprint string  `json:"fingerprint"`
	Standing    string  `json:"standing"`
	Stage       string  `json:"stage,omitempty"` // "prepared" or "signs", of a live CA whose key is here
	Until       Time    `json:"until"`
	Key         string  `json:"key,omitempty"` // where its private key was found: a file, "agent", or nowhere
	Posted      *Posted `json:"transaction,omitempty"`
}

// NewCA is what `ca create` and `ca import` ask for.
type NewCA struct {
	Zone, Label string
	For         time.Duration
	Host        bool // certifies hosts, not users
	// Prepare has devices trust the CA while the one before it goes on signing,
	// until ActivateCA.
	Prepare bool
	// Elsewhere has ImportCA announce a public key whose private half somebody else
	// holds, who certifies what is granted here (Certify).
	Elsewhere bool
	// Passphrase encrypts the key file that CreateCA makes.
	Passphrase func() ([]byte, error)

	with []contracts.Change // written before it, in the same transaction
}

// CreateCA makes a key, keeps it encrypted, and announces it in the zone. Run
// again after an interruption it announces the key that it made before.
func (d *Desk) CreateCA(ctx context.Context, n NewCA) (*CA, error) {
	z, err := d.newCA(ctx, n)
	if err != nil {
		return nil, err
	}
	path := d.caFile(n.Label)
	if pub, err := readPublic(path + ".pub"); err == nil {
		if err := d.neverRevoked(pub); err != nil {
			return nil, err
		}
		d.warn("the key " + path + " exists already and is announced as it is")
		return d.announceCA(ctx, z, n, pub)
	}
	if d.DryRun { // any key costs the same
		return d.announceCA(ctx, z, n, nil)
	}
	if err := d.unlock(); err != nil {
		return nil, err
	}
	if err := home.Make(filepath.Dir(path)); err != nil {
		return nil, err
	}
	secret, err := n.Passphrase()
	if err != nil {
		return nil, err
	}
	if len(secret) == 0 {
		return nil, problem(Usage, "give one on the terminal, by --passphrase-file or by --passphrase-fd", "a CA's key needs a passphrase")
	}
	defer clear(secret)
	pub, err := sshca.CreateKey(path, "dpki CA "+n.Label, secret)
	if err != nil {
		return nil, because(err, Failed, "remove the file if it is left over", "the CA's key could not be made")
	}
	if err := home.Publish(path+".pub", ssh.MarshalAuthorizedKey(pub)); err != nil {
		return nil, err
	}
	return d.announceCA(ctx, z, n, pub)
}

// ImportCA announces a key that exists: a public key whose private half is in
// an ssh-agent or kept already, or an OpenSSH private key file, which is copied.
func (d *Desk) ImportCA(ctx context.Context, n NewCA, path string) (*CA, error) {
	z, err := d.newCA(ctx, n)
	if err != nil {
		return nil, err
	}
	pub, private, err := readCA(path)
	if err != nil {
		return nil, err
	}
	defer clear(private)
	if n.Elsewhere && private != nil {
		return nil, problem(Usage, "name its .pub file alone", "a private key is here, so its holder is not somebody else")
	}
	if err := d.neverRevoked(pub); err != nil {
		return nil, err
	}
	if d.DryRun {
		return d.announceCA(ctx, z, n, pub)
	}
	if err := d.unlock(); err != nil {
		return nil, err
	}
	if n.Elsewhere {
		return d.announceCA(ctx, z, n, pub)
	}
	if err := d.keepCA(n.Label, pub, private); err != nil {
		return nil, err
	}
	// A key that cannot be used is better found before everybody trusts it.
	s, done, err := d.signer(ctx, profile.Hash(pub), n.Label)
	if err != nil {
		return nil, err
	}
	defer done.Close()
	if !bytes.Equal(s.PublicKey().Marshal(), pub.Marshal()) {
		return nil, problem(Usage, "import the .pub file that was made with it", "the private and the public key do not belong together")
	}
	return d.announceCA(ctx, z, n, pub)
}

// readCA reads a public key file, or a private one with its public half beside it.
func readCA(path string) (pub ssh.PublicKey, private []byte, err error) {
	text, err := home.Read(path, 64<<10)
	if err != nil {
		return nil, nil, because(err, Usage, "name an OpenSSH public or private key file", "the CA's key could not be read")
	}
	if pub, _, _, _, err = ssh.ParseAuthorizedKey(text); err != nil {
		private = text
		if pub, err = readPublic(path + ".pub"); err != nil {
			clear(private)
			return nil, nil, because(err, Usage, "its public half must lie beside it; make it with ssh-keygen -y", "%s is a private key without %s.pub", path, path)
		}
	}
	if err := profile.Accepted(pub); err != nil {
		clear(private)
		return nil, nil, because(err, Usage, "use Ed25519, ECDSA on a NIST curve, or RSA of 2,048 to 8,192 bits", "this key cannot be a CA")
	}
	return pub, private, nil
}

// keepCA copies a CA's key under its label, where no other key stands.
func (d *Desk) keepCA(label string, pub ssh.PublicKey, private []byte) error {
	if err := home.Make(d.Home.CAs()); err != nil {
		return fault.Folder(err)
	}
	path := d.caFile(label)
	if there, err := readPublic(path + ".pub"); err == nil && !bytes.Equal(there.Marshal(), pub.Marshal()) {
		return problem(Failed, "choose another label; nothing is replaced", "%s.pub is another key", path)
	}
	if private != nil {
		if err := home.Create(path, private); err != nil && !errors.Is(err, file.ErrExists) {
			return err
		}
	}
	return home.Publish(path+".pub", ssh.MarshalAuthorizedKey(pub))
}

func (d *Desk) newCA(ctx context.Context, n NewCA) (bundle.RosterZone, error) {
	if !state.ValidName(n.Label) {
		return bundle.RosterZone{}, problem(Usage, "names have 1 to 63 of a-z 0-9 . _ -, the first a letter or digit", "%.80q cannot be a CA's label", n.Label)
	}
	if err := d.member(ctx); err != nil {
		return bundle.RosterZone{}, err
	}
	z, err := d.findZone(n.Zone)
	if err != nil {
		return z, err
	}
	for _, ca := range d.cas() {
		if ca.Label == n.Label && ca.standing == state.Live {
			return z, problem(Failed, "choose another label; see dpki ca list", "there is a CA %s already, in zone %s", n.Label, d.zoneName(ca.Scope))
		}
	}
	return z, nil
}

// neverRevoked refuses a key whose revocation stands in the log: announced
// again it would let in whoever stole it.
func (d *Desk) neverRevoked(pub ssh.PublicKey) error {
	key := profile.Hash(pub)
	for _, ca := range d.cas() {
		if ca.CA.Key == key && ca.standing == state.Revoked {
			return problem(Failed, "choose another label; the old key file may go once nothing needs it",
				"this key was revoked as CA %s of zone %s and is not announced again", ca.Label, d.zoneName(ca.Scope))
		}
	}
	return nil
}

func (d *Desk) announceCA(ctx context.Context, z bundle.RosterZone, n NewCA, pub ssh.PublicKey) (*CA, error) {
	ca := state.CA{Label: n.Label, Key: state.Word{1}}
	fingerprint := ""
	if pub != nil {
		ca.Key, fingerprint = profile.Hash(pub), ssh.FingerprintSHA256(pub)
	}
	payload, err := ca.Marshal()
	if err != nil {
		return nil, because(err, Usage, "", "%.80q cannot be a CA's label", n.Label)
	}
	from, until, err := d.window(n.For)
	if err != nil {
		return nil, err
	}
	sealed, err := d.ring.Seal(bundle.Entry{Scope: z.Zone, Kind: n.use(), From: from, Until: until}, payload)
	if err != nil {
		return nil, err
	}
	if !d.DryRun { // before the entry: a CA that is announced must not sign too early
		if err := d.setStage(n.Label, n.Prepare); err != nil {
			return nil, err
		}
	}
	changes := append(slices.Clone(n.with), put(n.use(), sealed, from, until))
	posted, err := d.write(ctx, contracts.Group{Scope: z.Zone, Changes: changes})
	if err != nil {
		return nil, err
	}
	shown := &CA{
		Label: n.Label, ID: sealed.Subject.String(), Zone: z.Name, Use: useName(n.use()), Fingerprint: fingerprint,
		Standing: state.Live.String(), Until: Time(until), Posted: posted,
	}
	if d.DryRun {
		return shown, nil
	}
	shown.Key, shown.Stage = d.whereKey(ca.Key), d.stageName(ca.Key)
	return shown, d.reload(ctx)
}

func (n NewCA) use() state.Kind {
	if n.Host {
		return state.KindCAHost
	}
	return state.KindCAUser
}

func useName(use state.Kind) string {
	if use == state.KindCAHost {
		return "host"
	}
	return "user"
}

// knownCA is a CA of some zone as the log has it.
type knownCA struct {
	state.CAFact
	standing state.Standing
}

// cas are all CAs of all zones, the newest entry first.
func (d *Desk) cas() []knownCA {
	var list []knownCA
	now := uint64(d.Now().Unix())
	for _, z := range d.zones() {
		view := d.view(z.Zone, state.Word{})
		for ca := range view.CAs() {
			list = append(list, knownCA{*ca, view.Standing(&ca.Fact, now)})
		}
	}
	slices.SortFunc(list, func(a, b knownCA) int {
		if a.Block != b.Block {
			return int(int64(b.Block) - int64(a.Block))
		}
		return int(int64(b.Seq) - int64(a.Seq))
	})
	return list
}

// CAs lists the certificate authorities of one zone, or of all.
func (d *Desk) CAs(ctx context.Context, zone string) ([]CA, error) {
	if err := d.member(ctx); err != nil {
		return nil, err
	}
	only, err := d.onlyZone(zone)
	if err != nil {
		return nil, err
	}
	list := []CA{}
	for _, ca := range d.cas() {
		if only.IsZero() || ca.Scope == only {
			list = append(list, d.showCA(ca))
		}
	}
	return list, nil
}

func (d *Desk) showCA(ca knownCA) CA {
	shown := CA{
		Label: ca.Label, ID: ca.Subject.String(), Zone: d.zoneName(ca.Scope), Use: useName(ca.Kind), Fingerprint: fingerprintText(ca.CA.Key),
		Standing: ca.standing.String(), Until: Time(ca.Until), Key: d.whereKey(ca.CA.Key),
	}
	if shown.Key != "" && ca.standing == state.Live {
		shown.Stage = d.stageName(ca.CA.Key)
	}
	return shown
}
