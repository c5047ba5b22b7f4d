package admin

import (
	"context"
	"errors"
	"time"

	"golang.org/x/crypto/ssh"

	"dpki/bundle"
	"dpki/contracts"
	"dpki/sshca"
	"dpki/sshca/profile"
	"dpki/state"
)

// GrantRequest is what `grant` asks for.
type GrantRequest struct {
	Targets []string // devices, or zone:NAME for all devices of a zone
	Account string
	For     time.Duration
	From    string // CIDR list, empty = anywhere
	Command string // forced command, empty = any
	Flags   state.GrantFlags
	Label   string
	Key     ssh.PublicKey // who may log in
	// Uncertified leaves the certificate to a CA's holder who enters no grants (Certify).
	Uncertified bool
	// AtOnce is for a key that is forgotten when the command ends: where several
	// must approve, nothing is proposed.
	AtOnce bool

	closes *contracts.Group // the access request that it answers, nil where there is none
}

// Grant is one grant, as it was entered.
type Grant struct {
	ID         string   `json:"id"`
	Device     string   `json:"device,omitempty"` // ZONE/NAME; absent for a whole zone
	Zone       string   `json:"zone"`
	Account    string   `json:"account"`
	Privileged bool     `json:"privileged"`
	Key        string   `json:"key"` // fingerprint
	From       string   `json:"from,omitempty"`
	Command    string   `json:"command,omitempty"`
	Allows     []string `json:"allows"`
	Label      string   `json:"label,omitempty"`
	Standing   string   `json:"standing"`
	Since      Time     `json:"since"`
	Until      Time     `json:"until"`
	Block      uint64   `json:"block,omitempty"`
	Author     string   `json:"author,omitempty"`
	// KeyID is the key ID that its certificates have: nothing else is accepted.
	KeyID string `json:"key_id"`
	// Certificate is where the command kept it; absent where none was made.
	Certificate string `json:"certificate,omitempty"`
	Address     string `json:"address,omitempty"`
	// Uncertified says that nobody logs in before a CA's holder has made its certificate.
	Uncertified bool `json:"uncertified,omitempty"`

	// Cert is what logs in together with the grant; nil where the zone asks
	// for the plain key only, and with DryRun.
	Cert *ssh.Certificate `json:"-"`

	revocable revocable
}

// Granted is the outcome of Grant.
type Granted struct {
	Grants []*Grant `json:"grants"`
	Posted *Posted  `json:"transaction"`
}

// target is where a grant goes.
type target struct {
	scope, zone state.Word
	member      *bundle.RosterMember // nil for a zone
}

// Grant enters one grant for each target, in one transaction, and makes the
// certificates that go with them. Where it needs several administrators it gives
// these with a *ProposedError.
func (d *Desk) Grant(ctx context.Context, r GrantRequest) (*Granted, error) {
	if err := d.member(ctx); err != nil {
		return nil, err
	}
	payload, err := r.payload()
	if err != nil {
		return nil, err
	}
	targets, err := d.targets(ctx, r.Targets)
	if err != nil {
		return nil, err
	}
	from, until, err := d.window(r.For)
	if err != nil {
		return nil, err
	}
	if err := d.unlock(); err != nil {
		return nil, err
	}
	signers := newSigners(d)
	defer signers.close()
	out := &Granted{}
	var groups []contracts.Group
	for _, t := range targets {
		g, group, err := d.grantOne(ctx, signers, t, r, payload, from, until)
		if err != nil {
			return nil, err
		}
		groups = append(groups, group)
		out.Grants = append(out.Grants, g)
	}
	if r.AtOnce {
		if n, err := d.approvals(groups); err != nil {
			return nil, err
		} else if n > 1 {
			return nil, problem(Failed, "grant it to a key of your own, which the others then approve: dpki grant; a host key: dpki deliver host-cert --new-key",
				"the grant needs %d approvals, and this command's key does not outlast it", n)
		}
	}
	if out.Posted, err = d.write(ctx, d.closing(groups, r.closes)...); err != nil {
		if waits := (*ProposedError)(nil); errors.As(err, &waits) {
			return out, err // the certificates are good as soon as it is submitted
		}
		return nil, err
	}
	for _, g := range out.Grants {
		g.Block, g.Author = out.Posted.Block, d.Account.String()
	}
	return out, nil
}

// grantOne seals one grant and makes its certificate. Nothing is written.
func (d *Desk) grantOne(ctx context.Context, signers *signers, t target, r GrantRequest, payload []byte, from, until uint64) (*Grant, contracts.Group, error) {
	policy := d.view(t.zone, t.mailbox()).Policy(from)
	kind := state.KindGrant
	if policy.NeedsPrivilege(r.Account) || r.Flags&state.GrantSudo != 0 {
		kind = state.KindGrantPriv
	}
	until, err := d.limited(kind, r.For, from, until)
	if err != nil {
		return nil, contracts.Group{}, err
	}
	sealed, err := d.ring.Seal(bundle.Entry{Scope: t.scope, Kind: kind, From: from, Until: until}, payload)
	if err != nil {
		return nil, contracts.Group{}, because(err, Failed, "the roster may be incomplete: dpki store check", "the grant could not be sealed")
	}
	g := d.showGrant(t, kind, sealed.Subject, r)
	g.Since, g.Until = Time(from), Time(until)
	g.Uncertified = r.Uncertified && !takesPlainKeys(policy)
	if !d.DryRun && !r.Uncertified {
		if g.Cert, err = signers.certificate(ctx, policy, r.Key, sshca.Grant{Subject: sealed.Subject, Until: until, Terms: t.terms(kind, r.says())}); err != nil {
			return nil, contracts.Group{}, err
		}
	}
	return g, t.group(put(kind, sealed, from, until)), nil
}

func (r GrantRequest) payload() ([]byte, error) {
	switch {
	case !state.ValidAccount(r.Account):
		return nil, problem(Usage, "accounts have 1 to 32 of A-Z a-z 0-9 _ . -, the first no dash or dot", "account %.80q is not possible", r.Account)
	case r.Key == nil:
		return nil, problem(Usage, "name the public key that may log in: --key FILE", "no key")
	case !state.ValidCommand(r.Command) && r.Command != "":
		return nil, problem(Usage, "printable ASCII, at most 256 bytes, no backslash at the end", "command %.80q is not possible", r.Command)
	case r.From != "" && !state.ValidFrom(r.From):
		return nil, problem(Usage, "write CIDRs separated by commas, as 10.0.0.0/8,192.0.2.7/32", "%.80q is not a list of networks", r.From)
	case !state.ValidLabel(r.Label):
		return nil, problem(Usage, "at most 64 bytes without control characters", "label %.80q is not possible", r.Label)
	}
	b, err := r.says().Marshal()
	return b, because(err, Usage, "see dpki grant --help", "the grant is not valid")
}

// says is what the entry says.
func (r GrantRequest) says() state.Grant {
	return state.Grant{Account: r.Account, Key: profile.Hash(r.Key), From: r.From, Command: r.Command, Flags: r.Flags, Label: r.Label}
}

// terms are what a certificate for a grant at this target is issued for.
func (t target) terms(kind state.Kind, g state.Grant) profile.Terms {
	terms := profile.Terms{Zone: t.zone, Kind: kind, Grant: g}
	if t.member != nil {
		terms.Device = t.member.Name
	}
	return terms
}

// keyID is that of a grant's certificates, for who issues them elsewhere; empty where
// there can be none.
func (t target) keyID(subject state.Word, kind state.Kind, g state.Grant) string {
	id, err := profile.GrantKeyID(subject, t.terms(kind, g))
	if err != nil {
		return ""
	}
	return id
}

// limited is the end of a grant under the organisation's longest validity for
// its kind; the latest limit counts. More than that is refused here, as the
// contract would. What is asked for exactly ends a little earlier: the contract
// counts from the block that is to come, this clock may be ahead of it.
func (d *Desk) limited(kind state.Kind, length time.Duration, from, until uint64) (uint64, error) {
	longest := d.longest(kind)
	if uint64(length/time.Second) > longest {
		return 0, problem(Failed, "ask for less: --for "+Length(time.Duration(longest)*time.Second),
			"this organisation limits %s to %s", kind, Length(time.Duration(longest)*time.Second))
	}
	return min(until, from+longest), nil
}

func (d *Desk) showGrant(t target, kind state.Kind, id state.Word, r GrantRequest) *Grant {
	g := &Grant{
		ID: id.String(), Zone: d.zoneName(t.zone), Account: r.Account, Privileged: kind == state.KindGrantPriv,
		Key: ssh.FingerprintSHA256(r.Key), From: r.From, Command: r.Command, Allows: flagNames(r.Flags), Label: r.Label,
		Standing: state.Live.String(), KeyID: t.keyID(id, kind, r.says()),
		revocable: revocable{
			What: "grant", Name: r.Account + " on " + d.scopeName(t.scope), scope: t.scope, kind: kind, subject: id, salt: t.group().Salt,
		},
	}
	if t.member != nil {
		g.Device, g.Address = g.Zone+"/"+t.member.Name, t.member.Address
	}
	return g
}

// grantFlags are the things that a grant may allow, as people write them.
var grantFlags = []struct {
	flag state.GrantFlags
	name string
}{
	{state.GrantPTY, "pty"},
	{state.GrantPortForwarding, "port-forwarding"},
	{state.GrantAgentForwarding, "agent-forwarding"},
	{state.GrantX11, "x11-forwarding"},
	{state.GrantSudo, "sudo"},
}

// GrantFlags are the flags whose names are wanted.
func GrantFlags(wanted func(name string) bool) (f state.GrantFlags) {
	for _, known := range grantFlags {
		if wanted(known.name) {
			f |= known.flag
		}
	}
	return f
}

func flagNames(f state.GrantFlags) []string {
	names := []string{}
	for _, known := range grantFlags {
		if f&known.flag != 0 {
			names = append(names, known.name)
		}
	}
	return names
}
