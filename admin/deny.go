package admin

import (
	"context"
	"slices"
	"time"

	"golang.org/x/crypto/ssh"

	"dpki/admin/home"
	"dpki/bundle"
	"dpki/contracts"
	"dpki/sshca/profile"
	"dpki/state"
)

// DenyRequest is what `deny` asks for.
type DenyRequest struct {
	Key   state.Word
	Zones []string // empty = every zone
	// Clear writes the key's hash readable into the organisation's scope: for
	// whoever must act without a zone's key.
	Clear bool
	For   time.Duration
	// BeforeNow spares what is entered from now on.
	BeforeNow bool
}

// Denied is the outcome of Deny.
type Denied struct {
	Key     string   `json:"key"`
	Zones   []string `json:"zones,omitempty"`
	Clear   bool     `json:"clear,omitempty"`
	IDs     []string `json:"ids"`
	Until   Time     `json:"until"`
	Posted  *Posted  `json:"transaction"`
	Already bool     `json:"already,omitempty"`
}

// ParseDenied reads what `deny` names: a fingerprint, or a file with a public
// key or certificate, of which the key is denied.
func ParseDenied(s string) (state.Word, error) {
	if key, ok := parseFingerprint(s); ok {
		return key, nil
	}
	b, err := home.Read(s, 64<<10)
	if err == nil {
		var pub ssh.PublicKey
		if pub, _, _, _, err = ssh.ParseAuthorizedKey(b); err == nil {
			if cert, ok := pub.(*ssh.Certificate); ok {
				pub = cert.Key
			}
			return profile.Hash(pub), nil
		}
	}
	return state.Word{}, because(err, Usage, "name a public key file, or a fingerprint as ssh-keygen -l shows it: SHA256:...", "%.120q is not a key", s)
}

// Deny refuses a key everywhere in the zones, whatever is granted to it.
func (d *Desk) Deny(ctx context.Context, r DenyRequest) (*Denied, error) {
	if err := d.member(ctx); err != nil {
		return nil, err
	}
	out := &Denied{Key: fingerprintText(r.Key), Clear: r.Clear}
	from, until, err := d.window(r.For)
	if err != nil {
		return nil, err
	}
	if r.Clear {
		return d.denyClear(ctx, r, out)
	}
	zones, err := d.namedZones(r.Zones)
	if err != nil {
		return nil, err
	}
	before := state.Never
	if r.BeforeNow { // the newest block may be a little ahead of this clock
		before = max(uint64(d.Now().Unix()), d.Ledger.Head().Time) + 1
	}
	payload, err := state.Deny{Key: r.Key, Before: before}.Marshal()
	if err != nil {
		return nil, because(err, Usage, "", "the denial is not valid")
	}
	var groups []contracts.Group
	for _, z := range zones {
		sealed, err := d.ring.Seal(bundle.Entry{Scope: z.Zone, Kind: state.KindDeny, From: from, Until: until}, payload)
		if err != nil {
			return nil, err
		}
		groups = append(groups, contracts.Group{Scope: z.Zone, Changes: []contracts.Change{put(state.KindDeny, sealed, from, until)}})
		out.Zones, out.IDs = append(out.Zones, z.Name), append(out.IDs, sealed.Subject.String())
	}
	out.Until = Time(until)
	out.Posted, err = d.write(ctx, groups...)
	return out, err
}

// denyClear names the key by its hash: the subject is the hash, so each key is
// denied this way once, for ever.
func (d *Desk) denyClear(ctx context.Context, r DenyRequest, out *Denied) (*Denied, error) {
	out.IDs, out.Until = []string{r.Key.String()}, Time(state.Never)
	for _, e := range d.Ledger.Entries(d.Anchor.Org) {
		if e.Kind == state.KindDenyClear && e.Subject == r.Key {
			if e.Action == state.ActionRevoke {
				return nil, problem(Failed, "deny it in the zones instead: dpki deny "+out.Key, "the denial of %s was revoked, which is final", out.Key)
			}
			out.Already = true
		}
	}
	if out.Already {
		return out, nil
	}
	posted, err := d.write(ctx, contracts.Group{Scope: d.Anchor.Org, Changes: []contracts.Change{{
		Action: state.ActionPut, Kind: state.KindDenyClear, From: 0, Until: state.Never, Subject: r.Key,
	}}})
	out.Posted = posted
	return out, err
}

func (d *Desk) namedZones(names []string) ([]bundle.RosterZone, error) {
	if len(names) == 0 {
		zones := d.zones()
		if len(zones) == 0 {
			return nil, problem(Failed, "dpki zone create NAME; or deny it in the organisation: --clear", "there is no zone")
		}
		return zones, nil
	}
	var list []bundle.RosterZone
	for _, n := range names {
		z, err := d.findZone(n)
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(list, func(o bundle.RosterZone) bool { return o.Zone == z.Zone }) {
			list = append(list, z)
		}
	}
	return list, nil
}

// denials are the DENY and DENY_CLEAR entries, for revoke.
func (d *Desk) denials() []revocable {
	var list []revocable
	scopes := []state.Word{d.Anchor.Org}
	for _, z := range d.zones() {
		scopes = append(scopes, z.Zone)
	}
	for _, scope := range scopes {
		revoked := map[state.Word]bool{}
		for _, e := range d.Ledger.Entries(scope) {
			if e.Action == state.ActionRevoke && (e.Kind == state.KindDeny || e.Kind == state.KindDenyClear) {
				revoked[e.Subject] = true
			}
		}
		for _, e := range d.Ledger.Entries(scope) {
			if e.Action == state.ActionPut && (e.Kind == state.KindDeny || e.Kind == state.KindDenyClear) && revoked[e.Subject] {
				list = append(list, revocable{What: "denial", Name: d.deniedName(scope, &e), scope: scope, kind: e.Kind, subject: e.Subject, done: true})
			}
		}
		// What was renewed is one denial: lifting it lifts every entry of it.
		for _, n := range d.denialsIn(scope) {
			name := short(n.subjects[0])
			if n.readable {
				name = fingerprintText(n.deny.Key)
			}
			list = append(list, revocable{What: "denial", Name: name, scope: scope, kind: n.kind, subject: n.subjects[0], also: n.subjects[1:]})
		}
	}
	return list
}

func (d *Desk) deniedName(scope state.Word, e *state.Entry) string {
	if deny, readable := d.denialOf(scope, e); readable {
		return fingerprintText(deny.Key)
	}
	return short(e.Subject)
}
