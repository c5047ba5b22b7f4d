package admin

import (
	"context"

	"dpki/state"
)

// EntryWords says what an entry means, as far as this administrator's keys open
// it.
func (d *Desk) EntryWords(ctx context.Context, scope state.Word, e *state.Entry) string {
	d.catchUp(ctx)
	return d.scopeName(scope) + ": " + d.logLine(ctx, scope, e, d.Ledger.Entries(scope)).Text
}

// Mailboxes are the logs of the devices and people that this administrator knows.
// No entry names them in the clear.
func (d *Desk) Mailboxes(ctx context.Context) []state.Word {
	d.catchUp(ctx)
	list := d.allMailboxes()
	for _, m := range d.roster.People {
		if m.Zone != d.Anchor.Org { // nothing is entered for an administrator of the organisation
			list = append(list, m.Device)
		}
	}
	return list
}

// catchUp reads keys and names again when the ledger has moved. A store that is
// away costs names and nothing else.
func (d *Desk) catchUp(ctx context.Context) {
	if d.opened && d.watched == d.Ledger.Moves() {
		return
	}
	if err := d.reload(ctx); err != nil {
		d.warn(OneLine(err))
	}
	d.watched = d.Ledger.Moves()
}

// PublicWords says what an entry means to who has no key.
func PublicWords(org, scope state.Word, e *state.Entry) string {
	line := publicLine(scopeWords{org: org}, scope, e)
	if e.Action == state.ActionPut && line.Text == "sealed" {
		line.Text = line.Kind + ", sealed"
	}
	return line.Scope + ": " + line.Text
}
