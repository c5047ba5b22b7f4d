package admin

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"dpki/admin/home"
	"dpki/bundle"
	"dpki/contracts"
	"dpki/internal/file"
	"dpki/registry/post"
	"dpki/state"
)

// proposalLasts is how long approvals may be collected, unless what is proposed
// ends sooner.
const proposalLasts = 7 * 24 * time.Hour

// ProposedError says that a write waits in a file until enough have approved it.
type ProposedError struct {
	File          string
	Needs, Signed int // approvals
	Deadline      Time
}

func (e *ProposedError) Error() string { return "wrote proposal " + e.File }

// Review is a proposal as an approver is shown it.
type Review struct {
	Digest string   `json:"digest"` // what is signed
	By     string   `json:"by"`     // administrators or guardians
	Needs  int      `json:"needs"`  // signatures; 0 where the log could not be read
	Signed []string `json:"signed"`
	// Unchecked are accounts whose signature is none of a key: of a contract's, or
	// wrong, which nobody was there to say.
	Unchecked []string   `json:"unchecked,omitempty"`
	Missing   []string   `json:"missing"` // who could sign too
	Deadline  Time       `json:"deadline"`
	Changes   []Proposed `json:"changes"`
	// Offline says that nothing newer than what was read before is known.
	Offline bool `json:"offline"`
}

// Unseen are the changes that this administrator cannot know the meaning of.
func (r *Review) Unseen() (list []Proposed) {
	for _, c := range r.Changes {
		if c.Unseen != "" {
			list = append(list, c)
		}
	}
	return list
}

// approvals is how many administrators the groups need, as the contract counts.
func (d *Desk) approvals(groups []contracts.Group) (int, error) {
	now, err := d.now()
	if err != nil {
		return 0, err
	}
	view, most := d.view(state.Word{}, state.Word{}), 1
	for _, g := range groups {
		for _, c := range g.Changes {
			kinds := []state.Kind{c.Kind}
			switch {
			case c.Action == state.ActionVeto:
				kinds = []state.Kind{state.KindAdmin}
			case c.Kind == state.KindPointer:
				kinds = strongKinds
			}
			for _, k := range kinds {
				most = max(most, view.Approvals(k, now))
			}
		}
	}
	return most, nil
}

// strongKinds are those that decide over all others.
var strongKinds = []state.Kind{state.KindAdmin, state.KindLimit, state.KindGuardian, state.KindDistrust, state.KindPointer, state.KindPolicy}

// propose writes the groups into a file, with this account's approval, and says
// so as an error: nothing is in force.
func (d *Desk) propose(ctx context.Context, groups []contracts.Group, needs int) error {
	p, err := d.newProposal(groups, false)
	if err != nil {
		return err
	}
	if d.DryRun {
		return problem(Later, "without --dry-run it is written into a file", "needs %d approvals, and nothing can be estimated before", needs)
	}
	if err := d.sign(ctx, p); err != nil {
		return err
	}
	return d.keep(p, needs)
}

// keep writes the file of a proposal.
func (d *Desk) keep(p *Proposal, needs int) error {
	digest, err := p.Digest(p.Anchor.Registry)
	if err != nil {
		return err
	}
	path := "proposal-" + digest.String()[:12] + ".json"
	if d.Propose != nil && d.Propose.File != "" {
		path = d.Propose.File
	}
	text, err := p.Marshal()
	if err == nil && len(text) > MaxProposal {
		err = errors.New("it does not fit")
	}
	if err == nil {
		err = home.Create(path, text)
	}
	if err != nil {
		if errors.Is(err, file.ErrExists) {
			return because(err, Failed, "name another file with --out, or move that one away: it is not written over", "proposal %s is there already", path)
		}
		return because(err, Failed, "change into a folder that you may write to", "proposal %s could not be written", path)
	}
	return &Problem{Class: Later, Text: fmt.Sprintf("needs %d approvals, and has yours", needs),
		Err:  &ProposedError{File: path, Needs: needs, Signed: len(p.Signed), Deadline: Time(p.Deadline)},
		Hint: "the others: dpki proposal approve FILE; then anybody: dpki proposal submit FILE"}
}

func (d *Desk) newProposal(groups []contracts.Group, guarded bool) (*Proposal, error) {
	now, err := d.now()
	if err != nil {
		return nil, err
	}
	p := &Proposal{Anchor: d.Anchor, Guarded: guarded, Proposal: contracts.Proposal{
		Org: d.Anchor.Org, Groups: groups, Deadline: now + uint64(d.collecting()/time.Second),
		Epoch: d.view(state.Word{}, state.Word{}).Guardianship(now).Epoch,
	}}
	rand.Read(p.Nonce[:])
	for _, g := range groups {
		for _, c := range g.Changes {
			if c.Until > now {
				p.Deadline = min(p.Deadline, c.Until-1)
			}
			e := &state.Entry{Seq: 1, Action: c.Action, Kind: c.Kind, Subject: c.Subject, From: c.From, Until: c.Until, Data: c.Data}
			k, err := d.ring.Disclose(g.Scope, e)
			if err != nil {
				continue // it is in the clear
			}
			if _, err := bundle.OpenWith(k, d.Anchor, g.Scope, e); err == nil {
				p.Open = append(p.Open, Disclosure{c.Subject, k})
			}
		}
	}
	return p, nil
}

// ReviewProposal says in words what a proposal would do. Without the network it
// goes by what was read before.
func (d *Desk) ReviewProposal(ctx context.Context, p *Proposal) (*Review, error) {
	if p.Anchor != d.Anchor {
		return nil, problem(Failed, "give --org", "the proposal is of another organisation, %s", short(p.Anchor.Org))
	}
	digest, err := p.Digest(p.Anchor.Registry)
	if err != nil {
		return nil, err
	}
	r := &Review{Digest: "0x" + digest.String(), By: "administrators", Signed: []string{}, Missing: []string{}, Deadline: Time(p.Deadline)}
	if p.Guarded {
		r.By = "guardians"
	}
	if err := d.open(ctx); err != nil {
		// Approving needs no network: what is signed stands in the file.
		r.Offline, d.unasked = true, true
		if err := d.open(ctx); err != nil {
			d.warn("nothing of this organisation was read on this machine before: names cannot be checked")
		}
	}
	now := uint64(d.Now().Unix())
	if now > p.Deadline {
		return nil, problem(Failed, "propose it anew", "the proposal ended at %s", Time(p.Deadline))
	}
	standing := d.view(state.Word{}, state.Word{}).Guardianship(now)
	if !r.Offline && standing.Epoch != p.Epoch {
		return nil, problem(Failed, "propose it anew", "the proposal is of before a recovery")
	}
	if err := d.checkSigned(ctx, p, digest, r); err != nil {
		return nil, err
	}
	for _, g := range p.Groups {
		for _, c := range g.Changes {
			r.Changes = append(r.Changes, d.inWords(ctx, p, g, c))
		}
	}
	r.Needs = d.needs(p, standing)
	for _, a := range d.signersOf(p, standing, now) {
		if !slices.Contains(r.Signed, a.String()) && !slices.Contains(r.Unchecked, a.String()) {
			r.Missing = append(r.Missing, a.String())
		}
	}
	return r, nil
}

// checkSigned tells whose signatures the proposal has. One of a key is checked here;
// whether one is a contract's only that contract can say, as it stands on the chain.
func (d *Desk) checkSigned(ctx context.Context, p *Proposal, digest state.Word, r *Review) error {
	for _, s := range p.Signed {
		good, err := d.signed(ctx, digest, s, r.Offline)
		switch {
		case err != nil:
			r.Unchecked = append(r.Unchecked, s.Account.String())
		case !good:
			return problem(Failed, "ask for the file again", "a signature of the proposal is not of %s over what stands in it", d.shown(s.Account))
		default:
			r.Signed = append(r.Signed, s.Account.String())
		}
	}
	return nil
}

// errOffline: nobody was asked.
var errOffline = errors.New("a contract's signature cannot be checked offline")

func (d *Desk) signed(ctx context.Context, digest state.Word, s SignedBy, offline bool) (bool, error) {
	if who, err := post.SignerOf(digest, s.Signature); err == nil && who == s.Account {
		return true, nil
	}
	if offline {
		return false, errOffline
	}
	return d.Poster.Accepts(ctx, s.Account, digest, s.Signature)
}

// AttachSignature adds what an account has signed elsewhere, by a wallet or as a
// contract, to a proposal that was reviewed.
func (d *Desk) AttachSignature(ctx context.Context, p *Proposal, r *Review, s SignedBy) error {
	if len(s.Signature) == 0 || len(s.Signature) > maxSignature {
		return problem(Usage, "0x and the hex digits that the wallet has shown", "a signature has 1 to %d bytes", maxSignature)
	}
	if r.Needs > 0 && !slices.Contains(slices.Concat(r.Missing, r.Signed, r.Unchecked), s.Account.String()) {
		return problem(Failed, "it can be signed by "+strings.Join(d.ShownAll(r.Missing), " or "), "account %s has no power to approve it", s.Account)
	}
	digest, err := p.Digest(p.Anchor.Registry)
	if err != nil {
		return err
	}
	good, err := d.signed(ctx, digest, s, r.Offline)
	if err != nil {
		return because(err, Later, "dpki network check; a contract is asked itself", "the signature cannot be checked")
	}
	if !good {
		return problem(No, "sign what dpki proposal show FILE --typed prints, as that account", "this is not %s's signature over what stands in the proposal", s.Account)
	}
	p.replace(s)
	return nil
}

// needs is how many signatures a proposal needs, 0 where that is not known.
func (d *Desk) needs(p *Proposal, g state.Guardianship) int {
	if len(d.Ledger.Entries(d.Anchor.Org)) == 0 {
		return 0
	}
	if p.Guarded {
		return guardiansNeeded(g, p.Groups)
	}
	n, err := d.approvals(p.Groups)
	if err != nil {
		return 0
	}
	return n
}

// signersOf are the accounts that may sign a proposal, as far as the log was read.
func (d *Desk) signersOf(p *Proposal, g state.Guardianship, now uint64) []state.Address {
	if p.Guarded {
		return g.Guardians.Accounts
	}
	var list []state.Address
	for _, a := range d.admins(now) {
		if allowed(d.Anchor.Org, a, p.Groups) {
			list = append(list, a.Account)
		}
	}
	return list
}

// ApproveProposal signs what was reviewed.
func (d *Desk) ApproveProposal(ctx context.Context, p *Proposal, r *Review) error {
	me := d.Account.String()
	if len(r.Missing) > 0 || len(r.Signed) > 0 {
		if r.Needs > 0 && !slices.Contains(slices.Concat(r.Missing, r.Signed, r.Unchecked), me) {
			return problem(Failed, "it can be signed by "+strings.Join(d.ShownAll(r.Missing), " or "), "account %s has no power to approve it", d.Account)
		}
	}
	if err := d.unlock(); err != nil {
		return err
	}
	return d.sign(ctx, p)
}

func (d *Desk) sign(ctx context.Context, p *Proposal) error {
	signature, err := d.Poster.SignProposal(ctx, p.Anchor.Registry, p.Proposal)
	if err != nil {
		return postProblem(err)
	}
	return p.add(SignedBy{Account: d.Account, Signature: signature})
}

// Unite takes the signatures of copies of one proposal together. Of a contract's,
// which cannot be told from a wrong one here, the first copy's counts; whoever
// submits has them checked.
func (p *Proposal) Unite(copies ...*Proposal) error {
	want, err := p.Digest(p.Anchor.Registry)
	if err != nil {
		return err
	}
	for _, c := range copies {
		got, err := c.Digest(c.Anchor.Registry)
		if err != nil || got != want || c.Guarded != p.Guarded {
			return problem(Failed, "submit one at a time", "the files are of different proposals")
		}
		for _, s := range c.Signed {
			if err := p.add(s); err != nil && !slices.ContainsFunc(p.Signed, func(old SignedBy) bool { return old.Account == s.Account }) {
				p.replace(s)
			}
		}
	}
	return nil
}

// SubmitProposal sends what enough have signed. This account pays and needs no
// power.
func (d *Desk) SubmitProposal(ctx context.Context, p *Proposal) (*Posted, error) {
	r, err := d.ReviewProposal(ctx, p)
	if err != nil {
		return nil, err
	}
	if r.Offline {
		return nil, problem(Later, "dpki network check", "no endpoint could be used")
	}
	if len(r.Unchecked) > 0 {
		return nil, problem(Later, "dpki network check", "the signature of %s could not be checked", strings.Join(d.ShownAll(r.Unchecked), " and "))
	}
	if len(p.Signed) > state.MaxAuthors {
		return nil, problem(Failed, "leave copies out", "more than %d signatures", state.MaxAuthors)
	}
	now := uint64(d.Now().Unix())
	guardians := d.view(state.Word{}, state.Word{}).Guardianship(now).Guardians
	var approvals []contracts.Approval
	var consents []contracts.Consent
	for _, s := range p.Signed {
		for _, g := range guardians.Accounts {
			if g == s.Account && p.Guarded {
				consents = append(consents, contracts.Consent{Guardian: g, Signature: s.Signature})
			}
		}
		if a, ok := d.adminOf(s.Account, p.Groups, now); ok && !p.Guarded {
			approvals = append(approvals, contracts.Approval{Admin: a, Signature: s.Signature})
		}
	}
	if have := len(approvals) + len(consents); have < r.Needs || have == 0 {
		return nil, problem(No, "ask "+strings.Join(d.ShownAll(r.Missing), " or ")+": dpki proposal approve FILE", "the proposal has %d of %d approvals", have, r.Needs)
	}
	call, err := d.calls().WriteApproved(p.Proposal, approvals)
	if p.Guarded {
		call, err = d.calls().WriteGuarded(p.Proposal, guardians, consents)
	}
	if err != nil {
		return nil, because(err, Failed, "propose it anew", "the transaction could not be made")
	}
	return d.post(ctx, call)
}

func (d *Desk) adminOf(account state.Address, groups []contracts.Group, now uint64) (state.Admin, bool) {
	for _, a := range d.admins(now) {
		if a.Account == account && allowed(d.Anchor.Org, a, groups) {
			return a, true
		}
	}
	return state.Admin{}, false
}
