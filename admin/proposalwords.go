package admin

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"dpki/bundle"
	"dpki/contracts"
	"dpki/state"
)

// Proposed is one change of a proposal in words.
type Proposed struct {
	Scope   string `json:"scope"`
	ScopeID string `json:"scope_id"`
	Action  string `json:"action"`
	Kind    string `json:"kind"`
	Subject string `json:"subject"`
	From    Time   `json:"from,omitempty"`
	Until   Time   `json:"until,omitempty"`
	Text    string `json:"text"`
	// Unseen says why this administrator cannot know what the change means; empty
	// where Text says all of it.
	Unseen string `json:"unseen,omitempty"`
}

// inWords says what a change would enter. Names are those that this administrator
// has read for himself: what the file's author calls a device proves nothing.
func (d *Desk) inWords(ctx context.Context, p *Proposal, g contracts.Group, c contracts.Change) Proposed {
	shown := Proposed{Scope: d.scopeName(g.Scope), ScopeID: g.Scope.String(), Action: c.Action.String(), Kind: c.Kind.String(), Subject: c.Subject.String()}
	if c.Action == state.ActionPut || c.Action == state.ActionFreeze {
		shown.From, shown.Until = Time(c.From), Time(c.Until)
	}
	switch {
	case shown.Scope == short(g.Scope):
		shown.Unseen = "nothing here says which scope this is"
	case d.namesake(g.Scope):
		shown.Unseen = "several are called " + shown.Scope + ": compare the identifier"
	}
	e := &state.Entry{Seq: 1, Action: c.Action, Kind: c.Kind, Subject: c.Subject, From: c.From, Until: c.Until, Data: c.Data}
	var why string
	switch c.Action {
	case state.ActionPut:
		shown.Text, why = d.putInWords(ctx, p, g.Scope, e)
	case state.ActionRevoke:
		shown.Text, why = d.revokeInWords(ctx, g.Scope, e)
	case state.ActionRecover:
		shown.Text = "recovery that cannot be read"
		if r, err := state.ParseRecovery(c.Data); err == nil && r.ID() == c.Subject {
			shown.Text = fmt.Sprintf("end the power of every administrator; then root are %s, %d of whom together", d.accounts(r.Roots), r.Threshold)
		} else {
			why = "it is malformed"
		}
	case state.ActionFreeze:
		shown.Text = "freeze: nothing new that permits until " + Time(c.Until).String()
	case state.ActionVeto:
		shown.Text = actionWords(e)
	default:
		shown.Text, why = actionWords(e), "this version does not know the action"
	}
	shown.Unseen = firstText(shown.Unseen, why)
	return shown
}

func firstText(list ...string) string {
	for _, s := range list {
		if s != "" {
			return s
		}
	}
	return ""
}

func (d *Desk) putInWords(ctx context.Context, p *Proposal, scope state.Word, e *state.Entry) (text, unseen string) {
	if text, ok := d.exactly(e); ok {
		return text, ""
	}
	if text, clear := clearWords(e, d.scopeName, d.shown); clear {
		if strings.Contains(text, "cannot be read") {
			return text, "it is malformed"
		}
		return text, ""
	}
	switch {
	case e.Kind == state.KindBatch:
		return d.batchInWords(ctx, scope, e)
	case e.Kind == state.KindPolicy && scope == d.Anchor.Org:
		return plainWords(e.Kind, e.Data)
	}
	i := slices.IndexFunc(p.Open, func(o Disclosure) bool { return o.Subject == e.Subject })
	if i < 0 {
		if payload, err := d.ring.Open(scope, e); err == nil {
			return plainWords(e.Kind, payload)
		}
		return "sealed", "the proposal has no key to it"
	}
	payload, err := bundle.OpenWith(p.Open[i].Key, d.Anchor, scope, e)
	if err != nil {
		return "sealed", "the key in the proposal does not open it"
	}
	return plainWords(e.Kind, payload)
}

// plainWords says everything that a payload says; the log says the most important.
func plainWords(kind state.Kind, payload []byte) (text, unseen string) {
	text, err := payloadWords(kind, payload)
	if err != nil {
		return "opened, and not understood", "it is malformed"
	}
	switch kind {
	case state.KindGrant, state.KindGrantPriv:
		g, err := state.ParseGrant(payload)
		if err != nil {
			return text, "it is malformed"
		}
		return fmt.Sprintf("%s; allows %s", text, firstText(strings.Join(flagNames(g.Flags), ", "), "nothing more")), ""
	case state.KindPolicy:
		p, err := state.ParsePolicy(payload)
		if err == nil && p.SafeKinds != (state.KindMask{}) {
			text += ", safe " + strings.Join(kindsOf(p.SafeKinds), ",")
		}
	case state.KindDeny:
		deny, err := state.ParseDeny(payload)
		if err == nil && deny.Before != state.Never {
			text += " for what was entered before " + Time(deny.Before).String()
		}
	case state.KindZone, state.KindCAUser, state.KindCAHost, state.KindRequest:
	default:
		return text, "this version cannot say all of it"
	}
	return text, ""
}

// exactly says all of what decides over others, which the log shortens.
func (d *Desk) exactly(e *state.Entry) (string, bool) {
	switch e.Kind {
	case state.KindAdmin:
		if a, err := state.ParseAdmin(e.Data); err == nil && a.ID() == e.Subject {
			return d.adminWords(a), true
		}
		return "", false
	case state.KindGuardian:
		g, err := state.ParseGuardians(e.Data)
		if err != nil || g.ID() != e.Subject {
			return "", false
		}
		return d.guardianWords(g), true
	case state.KindPointer:
		if to, err := state.ParsePointer(e.Data); err == nil {
			way := map[state.Direction]string{state.Successor: "go on as", state.Predecessor: "come from"}[to.Direction]
			return fmt.Sprintf("%s organisation %s at contract %s on chain %d", way, to.Org, to.Contract, to.ChainID), true
		}
	}
	return "", false
}

func (d *Desk) adminWords(a state.Admin) string {
	if a.Flags&state.AdminRoot != 0 {
		return "root administrator " + d.shown(a.Account) + ", who may do everything"
	}
	return fmt.Sprintf("administrator %s of %s: may put %s; may revoke %s", d.shown(a.Account), d.scopeName(a.Power),
		firstText(strings.Join(kindsOf(a.PutMask), ", "), "nothing"), firstText(strings.Join(kindsOf(a.RevokeMask), ", "), "nothing"))
}

// limitWords says a limit in full: most ask for approvals and leave the length alone.
func limitWords(l state.Limit) string {
	length := "of any length"
	if l.Longest <= uint64(math.MaxInt64/time.Second) {
		length = Length(time.Duration(l.Longest)*time.Second) + " at most"
	}
	return fmt.Sprintf("limit of %s: %s, %d approvals", l.Kind, length, l.Approvals)
}

func (d *Desk) guardianWords(g state.Guardians) string {
	if len(g.Accounts) == 0 {
		return "no guardians"
	}
	return fmt.Sprintf("guardians %s: %d freeze and recover, %d without a veto, timelock %s",
		d.accounts(g.Accounts), g.Needed, g.Final, Length(time.Duration(g.Timelock)*time.Second))
}

func (d *Desk) accounts(list []state.Address) string {
	return strings.Join(d.ShownAll(texts(list)), ", ")
}

// kindsOf are the names of a mask's kinds; those without a name are numbered.
func kindsOf(m state.KindMask) (names []string) {
	for k := state.Kind(0); k <= state.MaxKind; k++ {
		if m.Has(k) {
			names = append(names, k.String())
		}
	}
	return names
}

func (d *Desk) revokeInWords(ctx context.Context, scope state.Word, e *state.Entry) (text, unseen string) {
	if e.Kind == state.KindDevice {
		if d.scopeName(e.Subject) != short(e.Subject) {
			return d.retirementWords(e.Subject), ""
		}
	}
	_ = d.need(ctx, scope) // without the network, what was read before
	entries := d.Ledger.Entries(scope)
	for i := range entries {
		put := &entries[i]
		if put.Action != state.ActionPut || put.Kind != e.Kind || put.Subject != e.Subject {
			continue
		}
		if text, ok := d.exactly(put); ok {
			return "revoke: " + text, ""
		}
		text := d.words(ctx, scope, put)
		if strings.HasPrefix(text, "sealed") || strings.HasPrefix(text, "opened, and not") {
			return "revoke: " + text, "no key here opens what it revokes"
		}
		return "revoke: " + text, ""
	}
	return actionWords(e), "what it revokes is not in the log that was read here"
}
