package admin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"dpki/bundle"
	"dpki/contracts"
	"dpki/internal/anchor"
	"dpki/sshca/profile"
	"dpki/state"
)

// Ask is what `request` asks for: a grant that somebody else shall enter.
type Ask struct {
	Device  string
	Account string
	For     time.Duration
	Reason  string
	Key     ssh.PublicKey
	Flags   state.GrantFlags
	Expires time.Duration // after which nobody should grant it
}

// Request is an access request as it stands.
type Request struct {
	ID       string   `json:"id"`
	Device   string   `json:"device"` // ZONE/NAME, or zone:NAME
	Account  string   `json:"account"`
	For      string   `json:"for"`
	Reason   string   `json:"reason,omitempty"`
	Key      string   `json:"key"` // fingerprint
	Allows   []string `json:"allows"`
	By       string   `json:"by"`                 // accounts, or signing key
	ByNames  []string `json:"by_names,omitempty"` // what the reader's roster calls the accounts
	Known    string   `json:"known,omitempty"`
	Since    Time     `json:"since,omitempty"` // entered; absent in a file
	Expires  Time     `json:"expires"`
	Standing string   `json:"standing"` // open, answered, expired
	Posted   *Posted  `json:"transaction,omitempty"`

	target  string
	seconds uint64
	key     ssh.PublicKey
	flags   state.GrantFlags
	closes  *contracts.Group // revokes the entry; nil for a file
}

// Asker is who asks, as people read it.
func (r *Request) Asker() string {
	if len(r.ByNames) == 0 {
		return r.By
	}
	accounts := strings.Split(r.By, ",")
	for i, name := range r.ByNames {
		accounts[i] = Beside(accounts[i], name)
	}
	return strings.Join(accounts, ", ")
}

// Question is what an approval would grant, in one sentence, for who decides.
func (r *Request) Question(a Approval) (string, error) {
	length, err := r.length(a)
	if err != nil {
		return "", err
	}
	by, long := r.Asker(), Length(length)
	if r.Known != "" {
		by = r.Known + " (" + by + ")"
	}
	if long != r.For {
		long += " (" + r.For + " were asked for)"
	}
	text := fmt.Sprintf("%s on %s for %s to key %s", r.Account, r.Device, long, r.Key)
	if len(r.Allows) > 0 {
		text += " with " + strings.Join(r.Allows, ", ")
	}
	if a.From != "" {
		text += ", only from " + a.From
	}
	text += ", asked for by " + by
	if r.Reason != "" {
		text += fmt.Sprintf(", reason %q", r.Reason)
	}
	return text, nil
}

// Standings of requests.
const (
	requestOpen     = "open"
	requestAnswered = "answered"
	requestExpired  = "expired"
)

func requestStanding(answered, inForce bool) string {
	switch {
	case answered:
		return requestAnswered
	case !inForce:
		return requestExpired
	}
	return requestOpen
}

func (a Ask) check() error {
	switch {
	case !state.ValidAccount(a.Account):
		return problem(Usage, "accounts have 1 to 32 of A-Z a-z 0-9 _ . -, the first no dash or dot", "account %.80q is not possible", a.Account)
	case !state.ValidReason(a.Reason):
		return problem(Usage, fmt.Sprintf("at most %d bytes without control characters", state.MaxReason), "the reason %.80q is not possible", a.Reason)
	case a.Key == nil:
		return problem(Usage, "name the public key that may log in: --key FILE", "no key")
	}
	return nil
}

// RequestAccess enters a request for an administrator who may enter nothing but
// requests, in the device's mailbox: its reason is sealed like a grant's. Those
// who may grant see it in the log.
func (d *Desk) RequestAccess(ctx context.Context, a Ask) (*Request, error) {
	if err := a.check(); err != nil {
		return nil, err
	}
	if err := d.member(ctx); err != nil {
		return nil, err
	}
	targets, err := d.targets(ctx, []string{a.Device})
	if err != nil {
		return nil, err
	}
	if len(a.Key.Marshal()) > state.MaxRequestKey {
		return nil, problem(Usage, "use an Ed25519 or ECDSA key, or send a file: --to RECIPIENT --out FILE", "an RSA key does not fit an entry")
	}
	payload, err := state.Request{Account: a.Account, Key: a.Key.Marshal(), Seconds: uint64(a.For / time.Second), Reason: a.Reason, Flags: a.Flags}.Marshal()
	if err != nil {
		return nil, because(err, Usage, "see dpki request --help", "the request is not valid")
	}
	from, until, err := d.window(a.Expires)
	if err != nil {
		return nil, err
	}
	if err := d.unlock(); err != nil {
		return nil, err
	}
	t := targets[0]
	sealed, err := d.ring.Seal(bundle.Entry{Scope: t.scope, Kind: state.KindRequest, From: from, Until: until}, payload)
	if err != nil {
		return nil, because(err, Failed, "the roster may be incomplete: dpki store check", "the request could not be sealed")
	}
	posted, err := d.write(ctx, t.group(put(state.KindRequest, sealed, from, until)))
	if err != nil {
		return nil, err
	}
	return &Request{
		ID: sealed.Subject.String(), Device: d.targetName(t), Account: a.Account, For: Length(a.For), Reason: a.Reason, Key: ssh.FingerprintSHA256(a.Key),
		Allows: flagNames(a.Flags), By: d.Account.String(), ByNames: d.calledNames([]state.Address{d.Account}), Since: posted.Time, Expires: Time(until), Standing: requestOpen, Posted: posted,
	}, nil
}

func (d *Desk) targetName(t target) string {
	if t.member == nil {
		return "zone:" + d.zoneName(t.zone)
	}
	return d.zoneName(t.zone) + "/" + t.member.Name
}

// SealRequest makes the request of somebody who has an identity and nothing else:
// a file for one administrator, by any channel. It needs no network.
func SealRequest(id *bundle.Identity, org anchor.Anchor, to bundle.Recipient, a Ask, now time.Time) ([]byte, error) {
	if err := a.check(); err != nil {
		return nil, err
	}
	b, err := id.SealAccess(to, bundle.AccessRequest{
		Anchor: org, Device: a.Device, Account: a.Account, Key: strings.TrimSuffix(string(ssh.MarshalAuthorizedKey(a.Key)), "\n"),
		Seconds: uint64(a.For / time.Second), Reason: a.Reason, Flags: a.Flags, Expires: uint64(now.Add(a.Expires).Unix()),
	})
	return b, because(err, Usage, "see dpki request --help", "the request is not valid")
}

// Requests lists what was asked for in the log, the newest first: what is open,
// or all.
func (d *Desk) Requests(ctx context.Context, all bool) ([]*Request, error) {
	if err := d.member(ctx); err != nil {
		return nil, err
	}
	if err := d.need(ctx, d.allMailboxes()...); err != nil {
		return nil, err
	}
	now, err := d.now()
	if err != nil {
		return nil, err
	}
	var targets []target
	for _, z := range d.zones() {
		targets = append(targets, target{scope: z.Zone, zone: z.Zone})
	}
	for i := range d.roster.Devices {
		m := &d.roster.Devices[i]
		targets = append(targets, target{scope: m.Device, zone: m.Zone, member: m})
	}
	list := []*Request{}
	for _, t := range targets {
		for _, r := range d.requestsOf(t, now) {
			if all || r.Standing == requestOpen {
				list = append(list, r)
			}
		}
	}
	slices.SortStableFunc(list, func(a, b *Request) int { return int(int64(b.Since) - int64(a.Since)) })
	return list, nil
}

func (d *Desk) requestsOf(t target, now uint64) (list []*Request) {
	entries := d.Ledger.Entries(t.scope)
	answered := map[state.Word]bool{}
	for i := range entries {
		if entries[i].Kind == state.KindRequest && entries[i].Action == state.ActionRevoke {
			answered[entries[i].Subject] = true
		}
	}
	for i := range entries {
		e := &entries[i]
		if e.Kind != state.KindRequest || e.Action != state.ActionPut {
			continue
		}
		payload, err := d.ring.Open(t.scope, e)
		if err != nil {
			continue
		}
		asked, err := state.ParseRequest(payload)
		if err != nil {
			continue
		}
		key, err := ssh.ParsePublicKey(asked.Key)
		if err != nil || profile.Accepted(key) != nil {
			continue
		}
		var by []string
		for _, a := range e.Authors {
			by = append(by, a.String())
		}
		closes := t.group(revoke(state.KindRequest, e.Subject))
		r := &Request{
			ID: e.Subject.String(), Device: d.targetName(t), Account: asked.Account, For: Length(time.Duration(asked.Seconds) * time.Second), Reason: asked.Reason,
			Key: ssh.FingerprintSHA256(key), Allows: flagNames(asked.Flags), By: strings.Join(by, ","), ByNames: d.calledNames(e.Authors), Since: Time(e.Time), Expires: Time(e.Until), Standing: requestStanding(answered[e.Subject], e.InForce(now)),
			target: d.targetName(t), seconds: asked.Seconds, key: key, flags: asked.Flags, closes: &closes,
		}
		list = append(list, r)
	}
	return list
}

// FindRequest resolves the beginning of a request's identifier.
func (d *Desk) FindRequest(ctx context.Context, id string) (*Request, error) {
	all, err := d.Requests(ctx, true)
	if err != nil {
		return nil, err
	}
	var found []*Request
	for _, r := range all {
		if len(id) >= minPrefix && strings.HasPrefix(r.ID, id) {
			found = append(found, r)
		}
	}
	if len(found) == 1 {
		return found[0], nil
	}
	return nil, problem(Failed, "dpki request list --all shows them", "%.80q stands for %d requests", id, len(found))
}

// OpenRequest reads a request that somebody carried here.
func (d *Desk) OpenRequest(ctx context.Context, file []byte) (*Request, error) {
	if err := d.member(ctx); err != nil {
		return nil, err
	}
	asked, err := d.Identity.OpenAccess(d.Anchor, file)
	switch {
	case errors.Is(err, bundle.ErrNotForUs):
		return nil, because(err, Failed, "it is sealed to one administrator: give it to that one", "the request is not for this identity")
	case err != nil:
		return nil, because(err, Failed, "ask for it again: dpki request DEVICE --to RECIPIENT --out FILE", "the request cannot be used")
	}
	key, err := asked.SSHKey()
	if err != nil {
		return nil, err
	}
	now, err := d.now()
	if err != nil {
		return nil, err
	}
	signing, _, _, _, err := ssh.ParseAuthorizedKey([]byte(asked.SigningKey))
	if err != nil {
		return nil, because(err, Failed, "ask for it again", "the request cannot be used")
	}
	r := &Request{
		ID: asked.ID().String(), Device: asked.Device, Account: asked.Account, For: Length(time.Duration(asked.Seconds) * time.Second), Reason: asked.Reason,
		Key: ssh.FingerprintSHA256(key), Allows: flagNames(asked.Flags), By: "signing key " + ssh.FingerprintSHA256(signing), Expires: Time(asked.Expires),
		target: asked.Device, seconds: asked.Seconds, key: key, flags: asked.Flags,
	}
	for _, m := range slices.Concat(d.roster.People, d.roster.Devices) {
		if m.SigningKey == asked.SigningKey {
			r.Known = m.Name
		}
	}
	grants, err := d.allGrants(ctx, nil)
	if err != nil {
		return nil, err
	}
	answered := slices.ContainsFunc(grants, func(g knownGrant) bool { return g.Label == r.label() })
	r.Standing = requestStanding(answered, now < asked.Expires)
	return r, nil
}

// label is how the grant names what it answers.
func (r *Request) label() string { return "request " + r.ID[:16] }

// Approval is what who approves may make narrower.
type Approval struct {
	For  time.Duration // 0 = as asked for; never more
	From string        // CIDR list, empty = anywhere
	// Uncertified leaves the certificate to a CA's holder who enters no grants (Certify).
	Uncertified bool
}

// ApproveRequest grants what was asked for, and closes the request in the same
// transaction. Where grants need several approvals, what Grant does then is done
// here too.
func (d *Desk) ApproveRequest(ctx context.Context, r *Request, a Approval) (*Granted, error) {
	if r.Standing != requestOpen {
		return nil, problem(No, "ask again: dpki request", "the request is %s", r.Standing)
	}
	length, err := r.length(a)
	if err != nil {
		return nil, err
	}
	return d.Grant(ctx, GrantRequest{
		Targets: []string{r.target}, Account: r.Account, For: length, From: a.From, Flags: r.flags, Label: r.label(), Key: r.key, Uncertified: a.Uncertified, closes: r.closes,
	})
}

// length is for how long an approval grants: never longer than was asked for.
func (r *Request) length(a Approval) (time.Duration, error) {
	asked := time.Duration(r.seconds) * time.Second
	if a.For > asked {
		return 0, problem(Usage, "grant it yourself: dpki grant "+r.target, "the request is for %s, not for %s", r.For, Length(a.For))
	}
	return cmp.Or(a.For, asked), nil
}

// RefuseRequest closes a request that stands in the log.
func (d *Desk) RefuseRequest(ctx context.Context, r *Request) (*Posted, error) {
	if r.closes == nil {
		return nil, problem(Usage, "delete the file: it is nowhere else", "a request in a file is refused by granting nothing")
	}
	if r.Standing == requestAnswered {
		return nil, problem(No, "dpki grant list shows what was granted", "the request is answered")
	}
	if err := d.unlock(); err != nil {
		return nil, err
	}
	return d.write(ctx, *r.closes)
}

// closing adds the end of a request to the grant that answers it, where this
// account may.
func (d *Desk) closing(groups []contracts.Group, closes *contracts.Group) []contracts.Group {
	if closes == nil || len(groups) != 1 || groups[0].Scope != closes.Scope {
		return groups
	}
	both := slices.Clone(groups)
	both[0].Changes = slices.Concat(both[0].Changes, closes.Changes)
	if _, err := d.authority(both); err != nil {
		d.warn("the request stays open: this account may not revoke REQUEST")
		return groups
	}
	return both
}
