package admin

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"dpki/bundle"
	"dpki/state"
)

// batchInWords says whom a proposed batch has something for, and of this
// administrator's own part what it holds. What the others' parts hold nobody but
// they can read, whom the batch's author may have told something else.
func (d *Desk) batchInWords(ctx context.Context, scope state.Word, e *state.Entry) (text, unseen string) {
	root, err := state.ParseBatch(e.Data)
	if err != nil {
		return "batch that cannot be read", "it is malformed"
	}
	ctx, cancel := context.WithTimeout(ctx, fetchWait)
	defer cancel()
	b, err := bundle.OpenBatch(ctx, d.cache, e.Subject, root)
	if err != nil {
		return "content that no store gives", "whom it is for, and what, stands in a store that was not reached"
	}
	parts := map[bundle.Tag]bool{}
	b.Leaves(ctx, func(_ bundle.CID, named map[bundle.Tag]bundle.CID, unread error) {
		if unread != nil {
			err = unread
		}
		for tag := range named {
			parts[tag] = true
		}
	})
	if err != nil {
		return "content that no store gives in full", "whom it is for, and what, stands in a store that was not reached"
	}
	own := cut(parts, d.Identity.MailboxSecret(), e.Subject)
	mine, err := d.readRoster(ctx, batchEntry{scope: scope, Entry: *e}, d.roster)
	known := d.roster // and whom the part of this administrator brings
	for _, p := range mine {
		known = known.Merge(p)
	}
	var names []string
	for _, m := range slices.Concat(known.Devices, known.People) {
		if cut(parts, m.MailboxSecret, e.Subject) > 0 {
			names = append(names, m.Name)
		}
	}
	slices.Sort(names)
	names = few(names)
	if len(parts) > 0 {
		names = append(names, fmt.Sprintf("somebody who is not known here (parts: %d)", len(parts)))
	}
	others := strings.Join(names, ", ")
	switch {
	case own == 0:
		return "content for " + others, "what is in it only they can read, and this identity is none of them"
	case err != nil:
		return "content for this identity, " + others, "this identity's own part does not open: " + OneLine(err)
	case others == "":
		return "content for this identity alone: " + rosterWords(mine), "the keys in it are not shown"
	}
	return fmt.Sprintf("content for this identity: %s; and for %s", rosterWords(mine), others),
		"this identity's own part was opened, and says what is shown; what is in the others only they can read: " + others
}

// cut takes the parts of a mailbox away, and says how many there were.
func cut(parts map[bundle.Tag]bool, secret bundle.MailboxSecret, batch state.Word) (n int) {
	for part := uint16(0); parts[secret.Tag(batch, part)]; part++ {
		delete(parts, secret.Tag(batch, part))
		n++
	}
	return n
}

// rosterWords names what the parts of a roster tell of.
func rosterWords(parts []*bundle.Roster) string {
	var words []string
	for _, r := range parts {
		for _, z := range r.Zones {
			words = append(words, "zone "+z.Name)
		}
		for _, m := range r.Devices {
			words = append(words, "device "+m.Name)
		}
		for _, m := range r.People {
			word := "person " + m.Name
			if m.Account != "" {
				word += " with account " + m.Account
			}
			words = append(words, word)
		}
	}
	return firstText(strings.Join(few(words), ", "), "nothing")
}

func few(words []string) []string {
	if n := len(words); n > maxNamed {
		return append(words[:maxNamed:maxNamed], fmt.Sprintf("%d more", n-maxNamed))
	}
	return words
}
