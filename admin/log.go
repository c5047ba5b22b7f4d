package admin

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"dpki/bundle"
	"dpki/state"
)

// LogLine is one verified entry in words.
type LogLine struct {
	Scope   string `json:"scope"` // organisation, a zone's name, ZONE/NAME
	ScopeID string `json:"scope_id"`
	Seq     uint64 `json:"seq"`
	Block   uint64 `json:"block"`
	Time    Time   `json:"time"`
	Author  string `json:"author"`
	Action  string `json:"action"`
	Kind    string `json:"kind"`
	Subject string `json:"subject"`
	From    Time   `json:"from,omitempty"`
	Until   Time   `json:"until,omitempty"`
	// Text is what the entry says, as far as this administrator's keys open it.
	Text  string `json:"text"`
	Final bool   `json:"final"`
	// AuthorNames are what the reader's roster calls the authors; absent where it knows none.
	AuthorNames []string `json:"author_names,omitempty"`
}

// Log returns entries in the order of their blocks: of one device's or person's
// mailbox, of one zone with its members, or of everything.
func (d *Desk) Log(ctx context.Context, of string) ([]LogLine, error) {
	if err := d.open(ctx); err != nil {
		return nil, err
	}
	scopes, err := d.logScopes(of)
	if err != nil {
		return nil, err
	}
	if err := d.need(ctx, scopes...); err != nil {
		return nil, err
	}
	lines := []LogLine{}
	for _, scope := range scopes {
		entries := d.Ledger.Entries(scope)
		for i := range entries {
			lines = append(lines, d.logLine(ctx, scope, &entries[i], entries))
		}
	}
	slices.SortStableFunc(lines, func(a, b LogLine) int { return cmp.Compare(a.Block, b.Block) })
	return lines, nil
}

func (d *Desk) logScopes(of string) ([]state.Word, error) {
	if of != "" {
		for _, z := range d.zones() {
			if z.Name == of || "zone:"+z.Name == of {
				return append([]state.Word{z.Zone}, d.membersLogs(z.Zone)...), nil
			}
		}
		m, err := d.findRecipient(of)
		if err == nil {
			return []state.Word{m.Device}, nil
		}
		var gone []state.Word // what was entered for who is retired stays in the log
		for _, m := range slices.Concat(d.roster.Devices, d.roster.People) {
			if (m.Name == of || d.memberName(m) == of || isPrefix(of, m.Device)) && d.retired(m) {
				gone = append(gone, m.Device)
			}
		}
		if len(gone) == 0 {
			return nil, err
		}
		return gone, nil
	}
	scopes := []state.Word{d.Anchor.Org}
	for _, zone := range d.liveZones() {
		scopes = append(append(scopes, zone), d.membersLogs(zone)...)
	}
	return scopes, nil
}

// membersLogs are the mailboxes of a zone's devices and people, the retired too.
func (d *Desk) membersLogs(zone state.Word) []state.Word {
	return append(d.mailboxes(zone), mailboxesOf(within(d.roster, zone).People)...)
}

func (d *Desk) mailboxes(zone state.Word) []state.Word {
	var list []state.Word
	for _, m := range d.roster.Devices {
		if m.Zone == zone {
			list = append(list, m.Device)
		}
	}
	return list
}

func (d *Desk) logLine(ctx context.Context, scope state.Word, e *state.Entry, log []state.Entry) LogLine {
	line := plainLine(scope, e)
	line.Scope, line.Final, line.AuthorNames = d.scopeName(scope), e.Block <= d.Ledger.Head().Finalized, d.calledNames(e.Authors)
	if e.Action == state.ActionPut {
		line.Text = d.words(ctx, scope, e)
		return line
	}
	line.Text = actionWords(e)
	for i := range log {
		if e.Action == state.ActionRevoke && log[i].Action == state.ActionPut && log[i].Kind == e.Kind && log[i].Subject == e.Subject {
			line.Text = "revoked: " + d.words(ctx, scope, &log[i])
		}
	}
	if e.Kind == state.KindDevice {
		line.Text = d.retirementWords(e.Subject)
	}
	return line
}

// retirementWords says who is retired: entries call all of them devices.
func (d *Desk) retirementWords(member state.Word) string {
	if slices.Contains(mailboxesOf(d.roster.People), member) {
		return "retired person " + d.scopeName(member)
	}
	return "retired device " + d.scopeName(member)
}

// plainLine is what stands in an entry without any key; what it means is left out.
func plainLine(scope state.Word, e *state.Entry) LogLine {
	var authors []string
	for _, a := range e.Authors {
		authors = append(authors, a.String())
	}
	line := LogLine{
		ScopeID: scope.String(), Seq: e.Seq, Block: e.Block, Time: Time(e.Time), Author: strings.Join(authors, ","),
		Action: e.Action.String(), Kind: e.Kind.String(), Subject: e.Subject.String(),
	}
	if e.Action == state.ActionPut || e.Action == state.ActionFreeze {
		line.From, line.Until = Time(e.From), Time(e.Until)
	}
	return line
}

// actionWords says what an entry that puts nothing does.
func actionWords(e *state.Entry) string {
	switch e.Action {
	case state.ActionRevoke:
		return fmt.Sprintf("revoked %s %s", strings.ToLower(e.Kind.String()), short(e.Subject))
	case state.ActionFreeze:
		return "guardians freeze the organisation until " + Time(e.Until).String()
	case state.ActionRecover:
		return "guardians begin a recovery: " + short(e.Subject)
	case state.ActionVeto:
		return fmt.Sprintf("veto of %s %s", strings.ToLower(e.Kind.String()), short(e.Subject))
	case state.ActionComplete:
		return "a recovery is complete, all administrators of before are void: " + short(e.Subject)
	}
	return fmt.Sprintf("%s of %s %s, which this version does not know", e.Action, strings.ToLower(e.Kind.String()), short(e.Subject))
}

// maxNamed is how many recipients of a batch the log names.
const maxNamed = 5

// maxAsked is the largest roster for which they are looked for: a batch does
// not list its recipients, each is asked for.
const maxAsked = 200

// batchWords names whom a batch has something for, as far as the stores and the
// roster tell.
func (d *Desk) batchWords(ctx context.Context, e *state.Entry) string {
	root, err := state.ParseBatch(e.Data)
	if err != nil {
		return "batch that cannot be read"
	}
	b, err := bundle.OpenBatch(ctx, d.cache, e.Subject, root)
	if err != nil {
		return "content that no store gives"
	}
	members := slices.Concat(d.roster.Devices, d.roster.People)
	if len(members) > maxAsked {
		return "content for members"
	}
	var names []string
	for _, m := range members {
		if _, err := b.Find(ctx, m.MailboxSecret, 0); err == nil {
			names = append(names, m.Name)
		}
	}
	slices.Sort(names)
	switch n := len(names); {
	case n == 0:
		return "content for somebody else"
	case n > maxNamed:
		return fmt.Sprintf("content for %s and %d more", strings.Join(names[:maxNamed], ", "), n-maxNamed)
	}
	return "content for " + strings.Join(names, ", ")
}

// words says what a put means.
func (d *Desk) words(ctx context.Context, scope state.Word, e *state.Entry) string {
	if text, clear := clearWords(e, d.scopeName, d.shown); clear {
		return text
	}
	switch e.Kind {
	case state.KindBatch:
		return d.batchWords(ctx, e)
	case state.KindZone, state.KindCAUser, state.KindCAHost, state.KindGrant, state.KindGrantPriv, state.KindDeny, state.KindDelivery, state.KindPolicy, state.KindRequest:
		return d.openedWords(scope, e)
	}
	return fmt.Sprintf("%s, which this version does not know", e.Kind)
}

// clearWords says what a put means that nobody needs a key for. name is what
// scopes are called, who what accounts are.
func clearWords(e *state.Entry, name func(state.Word) string, who func(state.Address) string) (text string, clear bool) {
	if e.Action != state.ActionPut {
		return "", false
	}
	switch e.Kind {
	case state.KindAdmin:
		a, err := state.ParseAdmin(e.Data)
		switch {
		case err != nil:
			return "administrator that cannot be read", true
		case a.Flags&state.AdminRoot != 0:
			return "root administrator " + who(a.Account), true
		}
		return "administrator " + who(a.Account) + " of " + name(a.Power), true
	case state.KindLimit:
		l, err := state.ParseLimit(e.Data)
		if err != nil {
			return "limit that cannot be read", true
		}
		return limitWords(l), true
	case state.KindGuardian:
		return "guardians", true
	case state.KindPointer:
		return "pointer to another contract or chain", true
	case state.KindDistrust:
		dist, err := state.ParseDistrust(e.Data)
		switch {
		case err != nil:
			return "distrust that cannot be read", true
		case dist.Author.IsZero():
			return fmt.Sprintf("distrust of what anybody entered %s", window(dist.From, dist.To)), true
		}
		return fmt.Sprintf("distrust of what %s entered %s", who(dist.Author), window(dist.From, dist.To)), true
	case state.KindDenyClear:
		return "denied key " + fingerprintText(e.Subject), true
	case state.KindDevice:
		return "device " + name(e.Subject), true
	}
	return "", false
}

func (d *Desk) openedWords(scope state.Word, e *state.Entry) string {
	payload := e.Data
	if e.Kind != state.KindPolicy || scope != d.Anchor.Org {
		var err error
		if payload, err = d.ring.Open(scope, e); err != nil {
			return "sealed, and no key here opens it"
		}
	}
	text, err := payloadWords(e.Kind, payload)
	if err != nil {
		return "opened, and not understood"
	}
	return text
}

// What its author wrote freely is quoted: a label may hold a fingerprint.
func payloadWords(kind state.Kind, payload []byte) (string, error) {
	switch kind {
	case state.KindZone:
		z, err := state.ParseZone(payload)
		return "zone " + z.Name, err
	case state.KindCAUser, state.KindCAHost:
		ca, err := state.ParseCA(payload)
		return fmt.Sprintf("CA %q %s", ca.Label, fingerprintText(ca.Key)), err
	case state.KindDeny:
		deny, err := state.ParseDeny(payload)
		return "denied key " + fingerprintText(deny.Key), err
	case state.KindDelivery:
		dl, err := state.ParseDelivery(payload)
		if !dl.Signs.IsZero() {
			return "watchdogs' signatures on delivery " + short(dl.Signs), err
		}
		return strings.TrimSpace("delivery of " + bundle.Purpose(dl.Purpose).String() + " " + dl.Name), err
	case state.KindRequest:
		r, err := state.ParseRequest(payload)
		if err != nil {
			return "", err
		}
		text := fmt.Sprintf("request: %s for %s", r.Account, Length(time.Duration(r.Seconds)*time.Second))
		if r.Reason != "" {
			text += fmt.Sprintf(": %q", r.Reason)
		}
		return text, nil
	case state.KindPolicy:
		p, err := state.ParsePolicy(payload)
		return "policy: " + policyWords(p), err
	}
	g, err := state.ParseGrant(payload)
	text := fmt.Sprintf("%s to key %s", g.Account, fingerprintText(g.Key))
	if g.From != "" {
		text += " from " + g.From
	}
	if g.Command != "" {
		text += fmt.Sprintf(" for %q", g.Command)
	}
	if g.Label != "" {
		text += fmt.Sprintf(": %q", g.Label)
	}
	return text, err
}

// policyWords names what a policy sets, and not what it leaves to defaults.
func policyWords(p state.Policy) string {
	var words []string
	for _, m := range modeNames {
		if p.Modes&m.mode != 0 {
			words = append(words, m.name)
		}
	}
	if p.Offline != 0 {
		words = append(words, "offline "+Length(time.Duration(p.Offline)*time.Second))
	}
	if p.Fresh != 0 {
		words = append(words, "fresh "+Length(time.Duration(p.Fresh)*time.Second))
	}
	if len(p.Privileged) > 0 {
		words = append(words, "privileged "+strings.Join(p.Privileged, ","))
	}
	for _, w := range p.Watchdogs {
		words = append(words, "co-signed: "+showWatchdogs(w).String())
	}
	if len(words) == 0 {
		return "defaults"
	}
	return strings.Join(words, ", ")
}
