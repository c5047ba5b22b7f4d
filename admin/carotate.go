package admin

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"dpki/bundle"
	"dpki/contracts"
	"dpki/state"
)

// ActivateCA has a prepared CA sign from now on. A user CA's devices must have said
// that they know it: one that nobody has heard of would refuse what it signs.
// anyway says that it shall be so nevertheless. Hosts' CAs are asked of the log by
// each client, so theirs need only be final.
func (d *Desk) ActivateCA(ctx context.Context, label, zone string, anyway bool) (*CA, error) {
	ca, err := d.findCA(ctx, label, zone)
	if err != nil {
		return nil, err
	}
	kept, err := d.keptLabel(ca)
	if err != nil {
		return nil, err
	}
	if !d.prepared(ca.CA.Key) {
		return nil, problem(Failed, "see dpki ca list", "CA %s signs already", ca.Label)
	}
	if err := d.known(ctx, ca); err != nil && !anyway {
		return nil, err
	}
	if !d.DryRun {
		if err := d.setStage(kept, false); err != nil {
			return nil, err
		}
	}
	shown := d.showCA(ca)
	return &shown, nil
}

// known says who does not trust a CA yet, as far as devices' receipts tell.
func (d *Desk) known(ctx context.Context, ca knownCA) error {
	name := d.zoneName(ca.Scope) + "/" + ca.Label
	if ca.Block > d.Ledger.Head().Finalized {
		return problem(Later, "try again in some minutes, or give --anyway", "CA %s is not in a final block yet", name)
	}
	if ca.Kind == state.KindCAHost {
		return nil
	}
	var members []bundle.RosterMember
	for _, m := range d.roster.Devices {
		if m.Zone == ca.Scope && !d.retired(m) {
			members = append(members, m)
		}
	}
	receipts, err := d.receiptsOf(ctx, members)
	if err != nil {
		return err
	}
	var behind []string
	for i, m := range members {
		if why := trusts(receipts[i], ca); why != "" {
			behind = append(behind, m.Name+" ("+why+")")
		}
	}
	if len(behind) == 0 {
		return nil
	}
	const most = 5
	list := strings.Join(behind[:min(most, len(behind))], ", ")
	if more := len(behind) - most; more > 0 {
		list += fmt.Sprintf(" and %d more", more)
	}
	return problem(Later, "dpki device list --ready shows all; --anyway activates it, and those refuse what it signs until they have it",
		"%d of %d devices have not said that they trust CA %s: %s", len(behind), len(members), name, list)
}

// trusts says why a receipt does not show that its device knows a CA, or "".
func trusts(r *bundle.Receipt, ca knownCA) string {
	if r == nil {
		return unknown
	}
	mark, ok := r.Of(ca.Scope)
	switch {
	case !ok:
		return unknown
	case mark.Seq < ca.Seq:
		return fmt.Sprintf("at entry %d, it is %d", mark.Seq, ca.Seq)
	case mark.Result != bundle.Applied:
		return mark.Result
	}
	return ""
}

// RetireCA revokes a CA once nothing depends on it: another signs instead, and what
// the CA signed has ended. Until then it says when to come back.
func (d *Desk) RetireCA(ctx context.Context, label, zone string) (*Revoked, error) {
	ca, err := d.findCA(ctx, label, zone)
	if err != nil {
		return nil, err
	}
	successor, ok := d.successor(ca)
	if !ok {
		return nil, problem(Failed, fmt.Sprintf("make its successor first: dpki ca prepare LABEL --zone %s, dpki ca activate LABEL; to stop it now: dpki ca revoke %s", d.zoneName(ca.Scope), ca.Label),
			"CA %s is the newest that signs in zone %s", ca.Label, d.zoneName(ca.Scope))
	}
	_, since := d.stage(successor.CA.Key)
	last, err := d.lastLeaf(ctx, ca, max(successor.Time, since))
	if err != nil {
		return nil, err
	}
	if last > 0 {
		return nil, problem(Later, "run it again then; to stop it now: dpki ca revoke "+ca.Label,
			"certificates of CA %s may be in use until %v", ca.Label, Time(last))
	}
	return d.revokeFact(ctx, d.revocableCA(ca))
}

// successor is the newest CA that signs instead of this one.
func (d *Desk) successor(ca knownCA) (knownCA, bool) {
	for _, other := range d.cas() {
		if other.Scope == ca.Scope && other.Kind == ca.Kind && other.standing == state.Live && other.Seq > ca.Seq && !d.prepared(other.CA.Key) {
			return other, true
		}
	}
	return knownCA{}, false
}

// lastLeaf is when the last certificate ends that a CA may have signed, 0 where all
// have: those of grants and deliveries entered until its successor signed, and of
// grants by other administrators, who may go on with the key that they have.
func (d *Desk) lastLeaf(ctx context.Context, ca knownCA, signed uint64) (last uint64, err error) {
	grants, err := d.allGrants(ctx, nil)
	if err != nil {
		return 0, err
	}
	if ca.Kind == state.KindCAUser {
		for _, g := range grants {
			if g.zone == ca.Scope && (g.standing == state.Live || g.standing == state.NotYet) && (g.Time <= signed || !slices.Contains(g.Authors, d.Account)) {
				last = max(last, g.Until)
			}
		}
	}
	for _, f := range d.certificates(ca.Scope, ca.Kind) {
		if f.Time <= signed || !slices.Contains(f.Authors, d.Account) {
			last = max(last, f.Until)
		}
	}
	return last, nil
}

// certificates are the live deliveries of certificates by CAs of a kind, of each
// mailbox those that no later one supersedes.
func (d *Desk) certificates(zone state.Word, kind state.Kind) (list []*state.DeliveryFact) {
	purpose := bundle.PurposeUserKey
	if kind == state.KindCAHost {
		purpose = bundle.PurposeHostCertificate
	}
	superseded := map[state.Word]bool{}
	for f := range d.survey(zone).Deliveries(uint64(d.Now().Unix())) {
		if bundle.Purpose(f.Purpose) == purpose {
			list = append(list, f)
			superseded[f.Supersedes] = true
		}
	}
	kept := list[:0]
	for _, f := range list {
		if !superseded[f.Subject] {
			kept = append(kept, f)
		}
	}
	return kept
}

// RevokeCA revokes a CA at once: what it signed lets nobody in, and names no host,
// any more.
func (d *Desk) RevokeCA(ctx context.Context, label, zone string) (*Revoked, error) {
	ca, err := d.findCA(ctx, label, zone)
	if err != nil {
		return nil, err
	}
	d.warnOthers(ca)
	return d.revokeFact(ctx, d.revocableCA(ca))
}

// ReplaceCA revokes a CA and has another, new one take its place, in one
// transaction: there is no block in which both or neither count. n has the new
// label; zone and use are the old one's.
func (d *Desk) ReplaceCA(ctx context.Context, label string, n NewCA) (*Revoked, *CA, error) {
	old, err := d.findCA(ctx, label, n.Zone)
	if err != nil {
		return nil, nil, err
	}
	d.warnOthers(old)
	n.Zone, n.Host, n.Prepare = d.zoneName(old.Scope), old.Kind == state.KindCAHost, false
	n.with = []contracts.Change{revoke(old.Kind, old.Subject)}
	made, err := d.CreateCA(ctx, n)
	if err != nil {
		return nil, nil, err
	}
	r := d.revocableCA(old)
	return &Revoked{What: r.What, Name: r.Name, ID: r.subject.String(), Posted: made.Posted}, made, nil
}

// warnOthers: a key that somebody stole is stolen in every zone and use.
func (d *Desk) warnOthers(ca knownCA) {
	for _, other := range d.cas() {
		if other.CA.Key == ca.CA.Key && other.Subject != ca.Subject && other.standing == state.Live {
			d.warn(fmt.Sprintf("the same key is live as %s CA %s of zone %s; if it is compromised, revoke that one too", useName(other.Kind), other.Label, d.zoneName(other.Scope)))
		}
	}
}

func (d *Desk) revocableCA(ca knownCA) revocable {
	return revocable{What: "ca", Name: d.zoneName(ca.Scope) + "/" + ca.Label, scope: ca.Scope, kind: ca.Kind, subject: ca.Subject}
}
