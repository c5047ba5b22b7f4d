package monitor

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"dpki/admin/ledger"
	"dpki/registry/verify"
	"dpki/state"
)

// Config is what a Monitor works with.
type Config struct {
	Org    state.Word
	Ledger *ledger.Ledger
	Rules  *Rules
	Path   string // state file
	// FromStart alerts on what is in the log at the first start too; else it is
	// taken as known.
	FromStart bool
	// Words says what an entry means, as far as somebody's keys open it.
	Words func(ctx context.Context, scope state.Word, e *state.Entry) string
	// Who is an account as people are told of it; nil is its address.
	Who func(account string) string
	// Mailboxes are the devices' logs, which no entry names in the clear; nil where
	// nobody's keys tell them.
	Mailboxes func(ctx context.Context) []state.Word
	// Witnesses are the names under which the reader knows its witnesses.
	Witnesses []string
	Stdout    io.Writer
	// Note hears what is nobody's alert: the first look, a sink that fails. May be nil.
	Note func(format string, args ...any)
	Now  func() time.Time // nil = time.Now
}

// Monitor watches one organisation.
type Monitor struct {
	Config
	memory *memory
	first  bool
}

// Open reads the state, and locks it until Close.
func Open(c Config) (*Monitor, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Note == nil {
		c.Note = func(string, ...any) {}
	}
	m, first, err := remember(c.Path, c.Org)
	if err != nil {
		return nil, err
	}
	return &Monitor{Config: c, memory: m, first: first}, nil
}

// Close lets another monitor use the state.
func (m *Monitor) Close() { m.memory.close() }

// Run looks until ctx ends. Its error is that the state could not be kept.
func (m *Monitor) Run(ctx context.Context) error {
	for {
		if err := m.Look(ctx); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(m.Rules.Every):
		}
	}
}

// Look reads the log once, judges what is new and delivers what waits. Its error
// is that the state could not be kept, or that ctx ended.
func (m *Monitor) Look(ctx context.Context) error {
	scopes, err := m.read(ctx)
	if ctx.Err() != nil {
		return nil // what was read half says nothing about endpoints
	}
	m.settle(m.conditions(ctx, err))
	m.Ledger.Forget() // they became conditions
	if err == nil {
		if err := m.judgeAll(ctx, scopes); err != nil {
			return err
		}
	}
	if err := m.memory.save(); err != nil {
		return err
	}
	return m.deliver(ctx)
}

// read brings the organisation's log up to date, then its zones', then the
// devices'.
func (m *Monitor) read(ctx context.Context) (scopes []state.Word, err error) {
	if err := m.Ledger.Read(ctx, m.Org); err != nil {
		return nil, err
	}
	scopes = append(scopes, m.Org)
	for _, e := range m.Ledger.Entries(m.Org) {
		if e.Kind == state.KindZone && e.Action == state.ActionPut {
			scopes = append(scopes, e.Subject)
		}
	}
	if err := m.Ledger.Read(ctx, scopes[1:]...); err != nil {
		return nil, err
	}
	if m.Mailboxes == nil {
		return scopes, nil
	}
	devices := m.Mailboxes(ctx)
	return append(scopes, devices...), m.Ledger.Read(ctx, devices...)
}

func (m *Monitor) judgeAll(ctx context.Context, scopes []state.Word) error {
	known := 0
	for _, scope := range scopes {
		if len(m.memory.Pending) >= maxPending {
			m.Note("%d alerts wait for their sinks: the log is judged when they are taken", len(m.memory.Pending))
			return nil
		}
		n, err := m.judge(ctx, scope)
		if err != nil {
			return err
		}
		known += n
	}
	if m.first {
		m.Note("begins after %d entries in %d logs", known, len(scopes))
		m.first = false
	}
	return nil
}

// judge looks at a log's entries that were not judged yet. known is how many
// entries it has.
func (m *Monitor) judge(ctx context.Context, scope state.Word) (known int, err error) {
	entries, base := m.Ledger.Entries(scope), m.Ledger.Base(scope)
	hashes := make([]state.Word, len(entries))
	tip := base
	for i := range entries {
		if tip, err = tip.Append(&entries[i]); err != nil {
			return 0, fmt.Errorf("log of scope %s: %w", scope, err) // the reader has checked it
		}
		hashes[i] = tip.H
	}
	at, seen := m.memory.Scopes[scope]
	silent := m.first && !m.FromStart
	if !seen {
		at = &cursor{Seq: base.Seq, H: base.H}
		m.memory.Scopes[scope] = at
	}
	start := int(int64(at.Seq) - int64(base.Seq))
	if start < 0 || start > len(entries) || start > 0 && hashes[start-1] != at.H || start == 0 && base.H != at.H {
		m.raise(Reorg, "cursor "+at.H.String(), fmt.Sprintf("the log of scope %s is another than the one that was judged up to entry %d; it is judged again", scope, at.Seq), nil)
		*at, start = cursor{Seq: base.Seq, H: base.H}, 0
	}
	for _, h := range at.Seen {
		if !slices.Contains(hashes[start:], h) {
			m.raise(Reorg, h.String(), fmt.Sprintf("an entry of scope %s that was seen is gone: the chain was reorganised", scope), nil)
		}
	}
	before := at.Seen
	at.Seen = nil
	final := m.Ledger.Head().Finalized
	for i := start; i < len(entries); i++ {
		e := &entries[i]
		if !silent && !slices.Contains(before, hashes[i]) {
			m.entry(ctx, scope, e, hashes[i])
		}
		m.memory.LastEntry = max(m.memory.LastEntry, e.Time)
		if e.Block <= final && len(at.Seen) == 0 {
			at.Seq, at.H = e.Seq, hashes[i]
		} else {
			at.Seen = append(at.Seen, hashes[i])
		}
	}
	return len(entries), nil
}

func (m *Monitor) entry(ctx context.Context, scope state.Word, e *state.Entry, h state.Word) {
	for _, kind := range m.Rules.about(e) {
		words := m.Words(ctx, scope, e) // it reads names, too
		var by []string
		for _, a := range e.Authors {
			by = append(by, m.who(a.String()))
		}
		text := fmt.Sprintf("%s, by %s", words, strings.Join(by, ", "))
		if kind == Hours {
			text += ", at " + time.Unix(int64(e.Time), 0).In(m.Rules.Location).Format("Mon 15:04")
		}
		m.raise(kind, h.String(), text, &Entry{Scope: scope, Seq: e.Seq, Block: e.Block, Time: e.Time, Authors: e.Authors, Action: e.Action.String(), Kind: e.Kind.String(), Subject: e.Subject})
	}
}

func (m *Monitor) who(account string) string {
	if m.Who == nil {
		return account
	}
	return m.Who(account)
}

// raise puts an alert into the queue of the sinks that want it.
func (m *Monitor) raise(kind, what, text string, e *Entry) { m.queue(kind, what, text, e, false) }

func (m *Monitor) queue(kind, what, text string, e *Entry, ended bool) {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s|%s|%v", kind, what, ended))
	p := &pending{Alert: Alert{ID: hex.EncodeToString(sum[:16]), Kind: kind, Org: m.Org.String(), Seen: m.Now().UTC().Truncate(time.Second), Text: text, Entry: e, Ended: ended}}
	for i := range m.Rules.Sinks {
		if m.Rules.Sinks[i].Wants(kind) {
			p.Sinks = append(p.Sinks, m.Rules.Sinks[i].Name)
		}
	}
	if len(p.Sinks) > 0 {
		m.memory.Pending = append(m.memory.Pending, p)
	}
}

// condition is one that holds now.
type condition struct {
	kind, text string
	patience   time.Duration // how long it must hold before it is told
}

// conditions are those that hold, by what they are about.
func (m *Monitor) conditions(ctx context.Context, failed error) map[string]condition {
	holds := map[string]condition{}
	now, head := m.Now(), m.Ledger.Head()
	if failed != nil {
		holds["away"] = condition{Away, oneLine(failed), m.Rules.Every} // a look may fail; two in a row say something
	}
	if age := now.Sub(time.Unix(int64(head.Time), 0)); m.Rules.Stalled > 0 && head.Number > 0 && age > m.Rules.Stalled {
		holds["stalled"] = condition{Stalled, fmt.Sprintf("the newest block that could be verified, %d, is of %s", head.Number, time.Unix(int64(head.Time), 0).UTC().Format(time.RFC3339)), 0}
	}
	if last := m.memory.LastEntry; m.Rules.Silent > 0 && last > 0 && now.Sub(time.Unix(int64(last), 0)) > m.Rules.Silent {
		holds["silent"] = condition{Silent, "nothing was entered since " + time.Unix(int64(last), 0).UTC().Format(time.RFC3339), 0}
	}
	for _, h := range m.Ledger.Health() {
		if h.Last == nil {
			continue
		}
		lied := (&verify.EndpointError{Endpoint: h.Name, Err: h.Last}).Lied()
		switch isWitness := slices.Contains(m.Witnesses, h.Name); {
		case isWitness && lied:
			holds["witness "+h.Name] = condition{Witness, h.Name + ": " + oneLine(h.Last), 0}
		case isWitness:
			holds["witness "+h.Name] = condition{Witness, h.Name + " lags or cannot be had: " + oneLine(h.Last), m.Rules.Witness}
		case lied:
			holds["endpoint "+h.Name] = condition{Endpoint, h.Name + ": " + oneLine(h.Last), 0}
		}
	}
	if failed == nil {
		for name, text := range m.Ledger.Contradicted(ctx) {
			holds["endpoint "+name] = condition{Endpoint, name + " " + text, m.Rules.Every}
		}
	}
	return holds
}

// settle begins, tells and ends conditions.
func (m *Monitor) settle(holds map[string]condition) {
	now := m.Now()
	for _, what := range sortedKeys(holds) {
		c := holds[what]
		s := m.memory.Conditions[what]
		if s == nil {
			s = &conditionState{Kind: c.kind, Since: now.UTC().Truncate(time.Second)}
			m.memory.Conditions[what] = s
		}
		s.Text = c.text
		if !s.Told && now.Sub(s.Since) >= c.patience {
			s.Told = true
			m.queue(c.kind, what+s.Since.Format(time.RFC3339), c.text, nil, false)
		}
	}
	for _, what := range sortedKeys(m.memory.Conditions) {
		s := m.memory.Conditions[what]
		if _, ok := holds[what]; ok {
			continue
		}
		if s.Told {
			m.queue(s.Kind, what+s.Since.Format(time.RFC3339), s.Text, nil, true)
		}
		delete(m.memory.Conditions, what)
	}
}

func sortedKeys[T any](set map[string]T) []string {
	var keys []string
	for k := range set {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, cmp.Compare[string])
	return keys
}

// deliver hands out what waits, in its order. A sink that fails gets nothing more
// in this look, so that nothing overtakes.
func (m *Monitor) deliver(ctx context.Context) error {
	failed := map[string]bool{}
	for _, p := range slices.Clone(m.memory.Pending) {
		for _, name := range slices.Clone(p.Sinks) {
			i := slices.IndexFunc(m.Rules.Sinks, func(s Sink) bool { return s.Name == name })
			if failed[name] || ctx.Err() != nil {
				continue
			}
			if i >= 0 { // else it was taken out of the rules
				if err := m.Rules.Sinks[i].deliver(ctx, &p.Alert, m.Stdout); err != nil {
					failed[name] = true
					m.Note("sink %s does not take alerts, they wait: %v", name, err)
					continue
				}
			}
			p.Sinks = slices.DeleteFunc(p.Sinks, func(s string) bool { return s == name })
			m.memory.Pending = slices.DeleteFunc(m.memory.Pending, func(p *pending) bool { return len(p.Sinks) == 0 })
			if err := m.memory.save(); err != nil {
				return errors.Join(err, fmt.Errorf("alert %s was told and may be told again", p.Alert.ID))
			}
		}
	}
	return nil
}

func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }
