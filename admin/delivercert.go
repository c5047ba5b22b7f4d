package admin

import (
	"context"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"dpki/bundle"
	"dpki/sshca/profile"
	"dpki/state"
)

// DeliverCertificate is what `deliver user-key --cert` asks for: a login that was
// granted before, by the certificate that the CA's holder has made for it (Certify).
// Who delivers needs neither the CA's key nor power to grant.
type DeliverCertificate struct {
	Delivering        // to one recipient; the length is the grant's
	Name       string // of the key's file; empty = device-account
	Cert       *ssh.Certificate
}

// DeliverCertificate delivers a certificate that was made elsewhere, and enters no
// grant. What was made for something else, for another key, or by no live CA of the
// zone is refused here already.
func (d *Desk) DeliverCertificate(ctx context.Context, r DeliverCertificate) (*Deliveries, error) {
	if len(r.To) != 1 {
		return nil, problem(Usage, "deliver to each with its own certificate", "one certificate is one recipient's")
	}
	g, err := d.certified(ctx, r.Cert)
	if err != nil {
		return nil, err
	}
	name, err := d.keyName(r.Name, g.target, g.Account)
	if err != nil {
		return nil, err
	}
	recipients, err := d.recipients(ctx, r.To)
	if err != nil {
		return nil, err
	}
	m := recipients[0]
	if err := d.checks(m, g.target); err != nil {
		return nil, err
	}
	if login, _, _, _, err := ssh.ParseAuthorizedKey([]byte(m.LoginKey)); m.HostKey == "" && (err != nil || profile.Hash(login) != g.Grant.Key) {
		return nil, problem(No, "have the grant entered for the login key that dpki person show "+m.Name+" prints", "the certificate is for key %s, which is not that of %s", fingerprintText(g.Grant.Key), m.Name)
	}
	d.warnAddresses(g.target, recipients)
	until, now := min(g.Until, r.Cert.ValidBefore), uint64(d.Now().Unix())
	if until <= now {
		return nil, problem(No, "grant anew: dpki grant --uncertified", "the certificate ended at %v", Time(until))
	}
	r.For = time.Duration(until-now) * time.Second
	return d.deliver(ctx, errand{Delivering: r.Delivering, purpose: bundle.PurposeUserKey, name: name, pack: func(_ context.Context, p *parcel) error {
		p.shown.Grant = d.shownGrant(g)
		return d.packLogin(p, g.target, &bundle.UserKey{Version: 1, Name: name, Account: g.Account}, r.Cert)
	}})
}

// certified is the grant of the verified log that a certificate was made for.
func (d *Desk) certified(ctx context.Context, cert *ssh.Certificate) (knownGrant, error) {
	p, err := profile.CheckUser(cert)
	if err == nil {
		err = profile.CheckSignature(cert)
	}
	if err != nil || p.Account {
		return knownGrant{}, because(err, Usage, "name the file that dpki ca certify wrote", "this is no certificate of a grant")
	}
	g, _, err := d.certifiable(ctx, p.Grant.String(), cert.Key)
	if err != nil {
		return g, err
	}
	if cert.KeyId != g.keyID(g.Subject, g.Kind, g.GrantFact.Grant) {
		return g, problem(No, "have it certified again: dpki ca certify "+short(g.Subject), "the certificate was made for something else than grant %s allows", short(g.Subject))
	}
	return g, nil
}

// keyName is what a login's key file is called unless somebody calls it otherwise.
func (d *Desk) keyName(name string, t target, account string) (string, error) {
	if name == "" {
		scope := d.scopeName(t.scope)
		name = strings.ToLower(scope[strings.LastIndex(scope, "/")+1:] + "-" + account)
	}
	if !state.ValidName(name) {
		return "", problem(Usage, "give --name: 1 to 63 of a-z 0-9 . _ -, the first a letter or digit", "%.80q cannot be a key's name", name)
	}
	return name, nil
}

// packLogin packs what logs in at t: a certificate, where to go by it, and what
// leads the recipient to the entry of the CA that has signed it.
func (d *Desk) packLogin(p *parcel, t target, u *bundle.UserKey, cert *ssh.Certificate) error {
	ca, err := d.liveCA(t.zone, cert.SignatureKey)
	if err != nil {
		return err
	}
	if u.Authority, err = d.authorityOf(ca); err != nil {
		return err
	}
	u.Hosts, u.Certificate = d.loginHosts(t), profile.Line(cert)
	p.content, err = u.Marshal()
	return because(err, Failed, "", "the user key could not be made")
}

// checks refuses a recipient who cannot check a login at t: he reads the CAs of his
// own zone.
func (d *Desk) checks(m bundle.RosterMember, t target) error {
	if t.zone != m.Zone {
		return problem(Failed, "enrol the recipient in zone "+d.zoneName(t.zone), "%s is in zone %s and cannot check a CA of zone %s", m.Name, d.zoneName(m.Zone), d.zoneName(t.zone))
	}
	return nil
}

// liveCA is a zone's user CA with this key.
func (d *Desk) liveCA(zone state.Word, key ssh.PublicKey) (knownCA, error) {
	for _, ca := range d.cas() {
		if ca.Scope == zone && ca.Kind == state.KindCAUser && ca.CA.Key == profile.Hash(key) && ca.standing == state.Live {
			return ca, nil
		}
	}
	return knownCA{}, problem(No, "dpki ca list shows who signs; have it certified again", "CA %s is no live user CA of zone %s", ssh.FingerprintSHA256(key), d.zoneName(zone))
}

// ReadCertificate reads the certificate that somebody names.
func ReadCertificate(path string) (*ssh.Certificate, error) {
	pub, err := readPublic(path)
	cert, ok := pub.(*ssh.Certificate)
	if err == nil && !ok {
		err = profile.ErrNotCertificate
	}
	return cert, because(err, Usage, "name the file that dpki ca certify wrote", "%.200q cannot be used", path)
}
