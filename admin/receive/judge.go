package receive

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/crypto/ssh"

	"dpki/admin/ledger"
	"dpki/bundle"
	"dpki/sshca/profile"
	"dpki/state"
)

// receivable are the purposes that a person can use.
var receivable = []bundle.Purpose{bundle.PurposeUserKey, bundle.PurposeCA, bundle.PurposeFiles}

// oneBlock is a store of one block, and of others through another.
type oneBlock struct {
	id    bundle.CID
	bytes []byte
	rest  bundle.Getter
}

func (o oneBlock) Get(ctx context.Context, id bundle.CID, max int) ([]byte, error) {
	if id == o.id {
		return o.bytes, nil
	}
	return o.rest.Get(ctx, id, max)
}

// judge fetches a delivery, opens it and decides whether it may be used. An error
// that is no waits refuses it.
func (r *Receiver) judge(ctx context.Context, view *state.State, s *receivedSet, now uint64) error {
	id := bundle.CID(s.fact.Delivery.Block)
	block, err := bundle.Fetch(ctx, r.cache, id, bundle.MaxBlock)
	if err != nil {
		return waits{fmt.Errorf("its content cannot be fetched: %w", err)}
	}
	b, err := r.Identity.ReadDelivery(ctx, oneBlock{id, block, r.cache}, r.Anchor, s.fact, bundle.PersonDemandOn(view, s.place.Name, s.fact, now), receivable...)
	switch {
	case errors.Is(err, bundle.ErrNotCosigned):
		return waits{err}
	case err != nil:
		return err
	}
	defer clear(b.Content)
	switch b.Purpose {
	case bundle.PurposeUserKey:
		err = r.judgeUserKey(ctx, view, s, b.Content, now)
	case bundle.PurposeCA:
		err = r.judgeCAs(view, s, b.Content, now)
	default:
		err = judgeFiles(s, b.Content)
	}
	return err
}

func (r *Receiver) judgeUserKey(ctx context.Context, view *state.State, s *receivedSet, content []byte, now uint64) error {
	u, err := bundle.ParseUserKey(content)
	if err != nil {
		return err
	}
	cert, err := u.Cert()
	if err != nil {
		return err
	}
	s.name = u.Name
	if err := r.trusts(view, u.Authority, state.KindCAUser, cert.SignatureKey, now); err != nil {
		return err
	}
	own := len(u.PrivateKey) == 0
	if own && (r.LoginKey == nil || profile.Hash(r.LoginKey) != profile.Hash(cert.Key)) {
		return fmt.Errorf("the certificate is for another key than yours: %s", ssh.FingerprintSHA256(cert.Key))
	}
	if cert.ValidBefore <= now {
		return errors.New("the certificate has expired")
	}
	if err := r.grantStands(ctx, view, u, cert, now); err != nil {
		return err
	}
	hosts := inService(view, u.Hosts)
	if len(hosts) == 0 && len(u.Hosts) > 0 {
		return errors.New("its device was retired, or is another one now: what replaced it has to be delivered anew")
	}
	s.login = &receivedLogin{account: u.Account, hosts: hosts, own: own}
	s.files = []receivedFile{
		{keyFile + "-cert.pub", append([]byte(profile.Line(cert)), '\n'), 0o600},
		{keyFile + ".pub", ssh.MarshalAuthorizedKey(cert.Key), 0o600},
	}
	if !own {
		s.files = append(s.files, receivedFile{keyFile, u.PrivateKey, 0o600})
	}
	return nil
}

// inService are the hosts whose devices the zone's log has not retired: whoever
// has the disk of one that was must not pass for its successor of the same name.
func inService(view *state.State, hosts []bundle.LoginHost) (live []bundle.LoginHost) {
	for _, h := range hosts {
		device := *view
		device.Scopes.Mailbox = h.Device
		if !device.Retired() {
			live = append(live, h)
		}
	}
	return live
}

// grantStands refuses a certificate whose grant was revoked or has ended, as far as
// the logs tell that a person can read: what was granted stays sealed to him, that
// it was revoked does not.
func (r *Receiver) grantStands(ctx context.Context, view *state.State, u *bundle.UserKey, cert *ssh.Certificate, now uint64) error {
	p, err := profile.CheckUser(cert)
	if err != nil || p.Account {
		return err
	}
	scopes := []state.Word{view.Scopes.Zone}
	if len(u.Hosts) == 1 {
		scopes = append(scopes, u.Hosts[0].Device)
		if err := r.read(ctx, u.Hosts[0].Device); err != nil {
			return waits{err}
		}
	}
	for _, scope := range scopes {
		judge := r.Ledger.State(state.Scopes{Org: r.Anchor.Org, Zone: view.Scopes.Zone, Mailbox: scope}, nil)
		for _, e := range r.Ledger.Entries(scope) {
			if e.Subject != p.Grant || e.Kind != state.KindGrant && e.Kind != state.KindGrantPriv {
				continue
			}
			switch standing := judge.Standing(ledger.FactOf(scope, &e), now); standing {
			case state.Revoked, state.Distrusted, state.Expired:
				return fmt.Errorf("its grant is %s", standing)
			}
		}
	}
	return nil
}

func (r *Receiver) judgeCAs(view *state.State, s *receivedSet, content []byte, now uint64) error {
	t, err := bundle.ParseTrust(content)
	if err != nil {
		return err
	}
	keys, err := t.Keys()
	if err != nil {
		return err
	}
	s.name = t.Name
	var lines []byte
	var why []error
	for i, ca := range t.CAs {
		// One that was revoked since is left out; the others go on.
		if err := r.trusts(view, ca.Authority, t.Kind(), keys[i], now); err != nil {
			why = append(why, err)
			continue
		}
		lines = append(lines, ssh.MarshalAuthorizedKey(keys[i])...)
		if t.Use == bundle.ForHosts {
			s.hostCAs = append(s.hostCAs, keys[i])
		}
	}
	if len(lines) == 0 {
		return errors.Join(why...)
	}
	s.files = []receivedFile{{"ca.pub", lines, 0o644}}
	return nil
}

func judgeFiles(s *receivedSet, content []byte) error {
	f, err := bundle.ParseFiles(content)
	if err != nil {
		return err
	}
	s.name = f.Name
	for _, file := range f.Files {
		mode, err := file.Perm()
		if err != nil {
			return err
		}
		s.files = append(s.files, receivedFile{file.Path, file.Content, uint32(mode)})
	}
	return nil
}

// trusts asks the verified log whether the zone trusts a CA now, by the one entry
// that the sender has disclosed.
func (r *Receiver) trusts(view *state.State, a bundle.Authority, use state.Kind, key ssh.PublicKey, now uint64) error {
	zone := view.Scopes.Zone
	for _, e := range r.Ledger.Entries(zone) {
		if e.Action != state.ActionPut || e.Kind != use || e.Subject != a.Subject {
			continue
		}
		ca, err := a.Open(r.Anchor, zone, &e)
		if err != nil {
			return fmt.Errorf("the entry of its CA does not open: %w", err)
		}
		if ca.Key != profile.Hash(key) {
			return fmt.Errorf("the entry that it names is of another CA than %s", ssh.FingerprintSHA256(key))
		}
		switch standing := view.Standing(ledger.FactOf(zone, &e), now); {
		case standing == state.NotYet || standing == state.NotSafe:
			return waits{fmt.Errorf("its CA is %s", standing)}
		case standing != state.Live:
			return fmt.Errorf("its CA is %s", standing)
		case view.Denied(ca.Key, 0, now):
			return errors.New("its CA is denied")
		}
		return nil
	}
	return waits{errors.New("the zone's log does not announce its CA")}
}
