package admin

import (
	"context"

	"golang.org/x/crypto/ssh"

	"dpki/sshca"
	"dpki/sshca/profile"
	"dpki/state"
)

// Certifiable is a grant of the verified log that a CA's holder is asked to certify,
// for the key that it names; nil is that of the request which it answers, or of
// the person whose login key it is. He need not
// be who entered it, nor be able to enter any.
func (d *Desk) Certifiable(ctx context.Context, id string, key ssh.PublicKey) (*Grant, error) {
	g, _, err := d.certifiable(ctx, id, key)
	if err == nil {
		err = d.signs(g) // before he is asked whether he wants to
	}
	if err != nil {
		return nil, err
	}
	return d.shownGrant(g), nil
}

// Certify makes the certificate of such a grant, and writes nothing into the log.
func (d *Desk) Certify(ctx context.Context, id string, key ssh.PublicKey) (*Grant, error) {
	g, key, err := d.certifiable(ctx, id, key)
	if err == nil {
		err = d.signs(g)
	}
	if err != nil {
		return nil, err
	}
	ca, done, err := d.caFor(ctx, g.zone, state.KindCAUser)
	if err != nil {
		return nil, err
	}
	defer done.Close()
	cert, err := sshca.IssueGrant(ca, key, sshca.Grant{Subject: g.Subject, Until: g.Until, Terms: g.terms(g.Kind, g.GrantFact.Grant)})
	if err != nil {
		return nil, because(err, Failed, "", "the certificate could not be made")
	}
	shown := d.shownGrant(g)
	shown.Cert = cert
	return shown, nil
}

func (d *Desk) certifiable(ctx context.Context, id string, key ssh.PublicKey) (knownGrant, ssh.PublicKey, error) {
	g, err := d.grantByID(ctx, id)
	if err != nil {
		return g, nil, err
	}
	if key == nil {
		key = d.askedKey(g)
	}
	switch {
	case g.standing != state.Live && g.standing != state.NotYet:
		return g, nil, problem(No, "dpki grant list shows what lives", "grant %s is %s", short(g.Subject), g.standing)
	case key == nil:
		return g, nil, problem(Usage, "give --key FILE, the public key that the grant names: "+fingerprintText(g.Grant.Key), "for whose key? no request in the log brings it, and no person has it")
	case profile.Hash(key) != g.Grant.Key:
		return g, nil, problem(No, "name that key's .pub file: --key FILE", "grant %s is for key %s", short(g.Subject), fingerprintText(g.Grant.Key))
	}
	return g, key, nil
}

// signs says why no certificate for a grant can be made here.
func (d *Desk) signs(g knownGrant) error {
	if takesPlainKeys(d.view(g.zone, g.mailbox()).Policy(uint64(d.Now().Unix()))) {
		return problem(Failed, "the key alone logs in", "zone %s takes no certificates", d.zoneName(g.zone))
	}
	_, err := d.signing(g.zone, state.KindCAUser)
	return err
}

// askedKey is the key of a grant that answers a request in the log, or is for a
// person's own key, nil for none: a grant names its key by the hash alone.
func (d *Desk) askedKey(g knownGrant) ssh.PublicKey {
	for _, r := range d.requestsOf(g.target, 0) {
		if profile.Hash(r.key) == g.Grant.Key {
			return r.key
		}
	}
	for _, m := range d.people() {
		if key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(m.LoginKey)); err == nil && profile.Hash(key) == g.Grant.Key {
			return key
		}
	}
	return nil
}
