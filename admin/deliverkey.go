package admin

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"dpki/bundle"
	"dpki/contracts"
	"dpki/sshca"
	"dpki/sshca/profile"
	"dpki/state"
)

// DeliverUserKey is what `deliver user-key` asks for: a login elsewhere.
type DeliverUserKey struct {
	Delivering
	Name  string       // of the key's file; empty = device-account
	Grant GrantRequest // one target; its Key is the recipient's own, or nil: the one that he was enrolled with
	// MakeKey: a pair is made here for each, whatever they have.
	MakeKey bool
}

// DeliverUserKey grants a login to a key and delivers its certificate. A pair that
// is made here exists nowhere else once it is sealed.
func (d *Desk) DeliverUserKey(ctx context.Context, r DeliverUserKey) (*Deliveries, error) {
	if r.Grant.Key != nil && len(r.To) != 1 {
		return nil, problem(Usage, "deliver to each with its own key", "one key is one recipient's")
	}
	if err := d.member(ctx); err != nil {
		return nil, err
	}
	targets, err := d.targets(ctx, r.Grant.Targets)
	if err != nil {
		return nil, err
	}
	if len(targets) != 1 {
		return nil, problem(Usage, "deliver a key for each", "a key is for one device, or one zone:NAME")
	}
	t := targets[0]
	name, err := d.keyName(r.Name, t, r.Grant.Account)
	if err != nil {
		return nil, err
	}
	r.Grant.For = r.For
	recipients, err := d.recipients(ctx, r.To)
	if err != nil {
		return nil, err
	}
	for _, m := range recipients {
		if r.Grant.Key == nil && m.LoginKey == "" && !r.MakeKey {
			return nil, problem(Usage, "give --key FILE with the recipient's public key, or --make-key to make a pair here", "whose key? %s was enrolled without one", m.Name)
		}
	}
	d.warnAddresses(t, recipients)
	signers := newSigners(d)
	defer signers.close()
	return d.deliver(ctx, errand{Delivering: r.Delivering, purpose: bundle.PurposeUserKey, name: name, pack: func(ctx context.Context, p *parcel) error {
		g, m := r.Grant, p.to
		if g.Label != "" && len(r.To) > 1 {
			g.Label = m.Name + ": " + g.Label // whose it is must be found again
		}
		if g.Key == nil && !r.MakeKey {
			var err error
			if g.Key, _, _, _, err = ssh.ParseAuthorizedKey([]byte(m.LoginKey)); err != nil {
				return because(err, Failed, "he asks again: dpki identity request", "the login key of %s cannot be read", m.Name)
			}
		}
		return d.packUserKey(ctx, signers, p, t, g)
	}})
}

// packUserKey grants a login at t and packs what logs in by it. It makes a pair
// where the grant names no key.
func (d *Desk) packUserKey(ctx context.Context, signers *signers, p *parcel, t target, g GrantRequest) error {
	if err := d.checks(p.to, t); err != nil {
		return err
	}
	if err := d.uncertifiable(t, p.from); err != nil {
		return err
	}
	u := &bundle.UserKey{Version: 1, Name: p.name, Account: g.Account}
	if g.Key == nil {
		var err error
		if g.Key, u.PrivateKey, err = newPair(); err != nil {
			return err
		}
		defer clear(u.PrivateKey)
	}
	if g.Label == "" {
		g.Label = p.to.Name
	}
	payload, err := g.payload()
	if err != nil {
		return err
	}
	granted, group, err := d.grantOne(ctx, signers, t, g, payload, p.from, p.until)
	if err != nil {
		return err
	}
	p.with, p.shown.Grant = []contracts.Group{group}, granted
	if d.DryRun {
		return nil
	}
	return d.packLogin(p, t, u, granted.Cert)
}

// uncertifiable says why no certificate can be made here for a grant at t, nil where
// one can. at is when it is to count.
func (d *Desk) uncertifiable(t target, at uint64) error {
	if takesPlainKeys(d.view(t.zone, t.mailbox()).Policy(at)) {
		return problem(Failed, "grant the key itself: dpki grant", "zone %s asks for plain keys: there is no certificate to deliver", d.zoneName(t.zone))
	}
	_, err := d.signing(t.zone, state.KindCAUser)
	return err
}

// loginHosts are the devices that a grant is for, by their names.
func (d *Desk) loginHosts(t target) (list []bundle.LoginHost) {
	members := d.living(t.zone)
	if t.member != nil {
		members = []bundle.RosterMember{*t.member}
	}
	for _, m := range members[:min(len(members), bundle.MaxLoginHosts)] {
		list = append(list, bundle.LoginHost{Name: m.Name, Device: m.Device, Address: m.Address, HostKey: m.HostKey})
	}
	return slices.CompactFunc(list, func(a, b bundle.LoginHost) bool { return a.Name == b.Name })
}

// warnAddresses names devices that a person's ssh will not find by what is delivered.
func (d *Desk) warnAddresses(t target, to []bundle.RosterMember) {
	if !slices.ContainsFunc(to, func(m bundle.RosterMember) bool { return m.HostKey == "" }) {
		return // devices' programs are not told where to go
	}
	var without []string
	for _, h := range d.loginHosts(t) {
		if h.Address == "" {
			without = append(without, h.Name)
		}
	}
	if len(without) == 0 {
		return
	}
	d.warn(fmt.Sprintf("no address is kept of %s, and ssh is told none: dpki device address %s HOST:PORT, then deliver again", fewOf(without), without[0]))
}

// fewOf names the first three.
func fewOf(names []string) string {
	if len(names) <= 3 {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d others", strings.Join(names[:3], ", "), len(names)-3)
}

// newPair makes an Ed25519 pair in OpenSSH's form. The caller overwrites it.
func newPair() (ssh.PublicKey, bundle.PrivateKey, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	defer clear(private)
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		return nil, nil, err
	}
	defer clear(block.Bytes)
	key, err := ssh.NewPublicKey(public)
	return key, pem.EncodeToMemory(block), err
}

// DeliverHostCertificate is what `deliver host-cert` asks for.
type DeliverHostCertificate struct {
	Delivering
	Windows int           // how many are certified ahead, 1 to 64
	Each    time.Duration // how long each is; the next begins at three quarters of it
	NewKey  bool          // also a new host key, made here

	pulled *bundle.RosterMember // the one recipient, with a host key that it has made itself
}

// hostName is the name of host certificates' deliveries: a device has one set.
const hostName = "host"

// DeliverHostCertificate certifies the host keys of devices.
func (d *Desk) DeliverHostCertificate(ctx context.Context, r DeliverHostCertificate) (*Deliveries, error) {
	if err := checkWindows(r.Windows, r.Each); err != nil {
		return nil, err
	}
	step := r.Each / 4 * 3
	r.For = time.Duration(r.Windows-1)*step + r.Each
	return d.deliver(ctx, errand{Delivering: r.Delivering, purpose: bundle.PurposeHostCertificate, name: hostName, pack: func(ctx context.Context, p *parcel) error {
		return d.packHost(ctx, r, p, uint64(step/time.Second))
	}})
}

// hostKeyDenied reports whether the host key that a device is known by is denied. A
// denial with a `before` spares what is entered later; a host key is entered once.
func (d *Desk) hostKeyDenied(m bundle.RosterMember) bool {
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(m.HostKey))
	return err == nil && d.view(m.Zone, m.Device).Denied(profile.Hash(key), 0, uint64(d.Now().Unix()))
}

// deniedHostKey: people read no denials, and would go by the certificate; and who has
// the key need only connect to the device to be shown it.
func deniedHostKey(m bundle.RosterMember) error {
	return problem(No, "give it another: dpki deliver host-cert "+m.Name+" --new-key", "the host key of %s is denied, and is not certified", m.Name)
}

// checkWindows: 1 to 64, each of a minute at least.
func checkWindows(n int, each time.Duration) error {
	if n < 1 || n > 64 || each < time.Minute {
		return problem(Usage, "at most 64 windows, each of a minute at least", "%d windows of %s", n, Length(each))
	}
	return nil
}

// packHost certifies a host key for windows that begin step seconds apart.
func (d *Desk) packHost(ctx context.Context, r DeliverHostCertificate, p *parcel, step uint64) error {
	m := p.to
	if r.pulled != nil {
		m = *r.pulled
	}
	if m.HostKey == "" {
		return problem(Failed, "name a device", "%s is a person and has no host key", m.Name)
	}
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(m.HostKey))
	if err != nil {
		return because(err, Failed, "enrol the device again", "the host key of %s cannot be read", m.Name)
	}
	h := &bundle.HostCertificate{Version: 1}
	p.changed = r.pulled
	if r.NewKey {
		if key, h.PrivateKey, err = newPair(); err != nil {
			return err
		}
		defer clear(h.PrivateKey)
		m.HostKey = profile.Line(key)
		p.changed = &m
	}
	if d.hostKeyDenied(m) {
		return deniedHostKey(m)
	}
	p.shown.HostKey = ssh.FingerprintSHA256(key)
	if d.DryRun {
		return nil
	}
	known, err := d.signing(m.Zone, state.KindCAHost)
	if err != nil {
		return err
	}
	if h.Authority, err = d.authorityOf(known); err != nil {
		return err
	}
	ca, done, err := d.signer(ctx, known.CA.Key, known.Label)
	if err != nil {
		return err
	}
	defer done.Close()
	for i := range uint64(r.Windows) {
		start := p.from + i*step
		cert, err := sshca.IssueHost(ca, key, sshca.Host{Device: m.Device, From: start, Until: start + uint64(r.Each/time.Second)})
		if err != nil {
			return because(err, Failed, "", "the host certificate could not be made")
		}
		h.Certificates = append(h.Certificates, profile.Line(cert))
	}
	p.content, err = h.Marshal()
	return because(err, Failed, "", "the host certificate could not be made")
}

// HostCAs is what the delivery of a zone's host CAs is called unless somebody
// calls it otherwise.
const HostCAs = "dpki"

// DeliverCA is what `deliver ca` asks for.
type DeliverCA struct {
	Delivering
	Name string
	Use  string // "user" or "host"
}

// DeliverCA delivers the live CAs of each recipient's zone.
func (d *Desk) DeliverCA(ctx context.Context, r DeliverCA) (*Deliveries, error) {
	kind, ok := map[string]state.Kind{bundle.ForUsers: state.KindCAUser, bundle.ForHosts: state.KindCAHost}[r.Use]
	if !ok || !state.ValidName(r.Name) {
		return nil, problem(Usage, "--use user or --use host; names have 1 to 63 of a-z 0-9 . _ -", "use %.40q, name %.80q", r.Use, r.Name)
	}
	return d.deliver(ctx, errand{Delivering: r.Delivering, purpose: bundle.PurposeCA, name: r.Name, pack: func(_ context.Context, p *parcel) error {
		return d.packCA(p, kind, r.Use)
	}})
}

func (d *Desk) packCA(p *parcel, kind state.Kind, use string) error {
	zone, t := p.to.Zone, &bundle.Trust{Version: 1, Name: p.name, Use: use}
	for _, ca := range d.cas() {
		if ca.Scope != zone || ca.Kind != kind || ca.standing != state.Live {
			continue
		}
		key := d.publicCA(ca.CA.Key)
		if key == nil {
			return problem(Failed, "put its public key into "+d.Home.CAs()+" as "+ca.Label+".pub", "the log names CA %s by its hash, and the key is not here", ca.Label)
		}
		authority, err := d.authorityOf(ca)
		if err != nil {
			return err
		}
		t.CAs = append(t.CAs, bundle.TrustedCA{Key: profile.Line(key), Authority: authority})
	}
	if len(t.CAs) == 0 {
		return problem(Failed, "dpki ca list", "zone %s has no live %s CA", d.zoneName(zone), use)
	}
	var err error
	p.content, err = t.Marshal()
	return because(err, Failed, "", "the CAs could not be delivered")
}

// publicCA finds a CA's public key by its hash, in a file or an agent.
func (d *Desk) publicCA(key state.Word) ssh.PublicKey {
	for _, place := range d.caFiles(key) {
		if pub, err := readPublic(place + ".pub"); err == nil {
			return pub
		}
	}
	return d.agentKey(key)
}
