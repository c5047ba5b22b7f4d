package admin

import (
	"context"
	"fmt"
	"strings"

	"dpki/bundle"
	"dpki/internal/anchor"
	"dpki/state"
)

// Disclosure is the key of one sealed entry: whoever has it reads that entry, and
// no other. The entry holds the key's hash, so that it cannot be made to say two
// things.
type Disclosure struct {
	Subject state.Word
	Key     bundle.Key
}

// maxDisclosure bounds the text form, in bytes.
const maxDisclosure = 64 + 1 + 44

// ParseDisclosure reads SUBJECT:KEY, the subject as 64 hex digits and the key in
// base64, as Text writes it.
func ParseDisclosure(s string) (Disclosure, error) {
	var d Disclosure
	subject, key, ok := strings.Cut(s, ":")
	err := d.Subject.UnmarshalText([]byte(subject))
	if err == nil {
		err = d.Key.UnmarshalText([]byte(key))
	}
	if !ok || err != nil || len(s) != maxDisclosure {
		return Disclosure{}, problem(Usage, "write ID:KEY as dpki log --disclose ID prints it", "this opens no entry")
	}
	return d, nil
}

// Text is the form that ParseDisclosure reads. It is not called String: what
// opens an entry is not printed by accident.
func (d Disclosure) Text() (string, error) {
	key, err := d.Key.MarshalText()
	return d.Subject.String() + ":" + string(key), err
}

// Disclosed is an entry whose key is given away, and what it says.
type Disclosed struct {
	LogLine
	Open string `json:"open"` // ID:KEY
}

// Disclose finds a sealed entry by the beginning of its identifier and gives the
// key that opens it and nothing else.
func (d *Desk) Disclose(ctx context.Context, id string) (*Disclosed, error) {
	if err := d.member(ctx); err != nil {
		return nil, err
	}
	scopes, err := d.logScopes("")
	if err != nil {
		return nil, err
	}
	if err := d.need(ctx, scopes...); err != nil {
		return nil, err
	}
	var found []Disclosed
	for _, scope := range scopes {
		entries := d.Ledger.Entries(scope)
		for i := range entries {
			e := &entries[i]
			if e.Action != state.ActionPut || !isPrefix(grantID(id), e.Subject) {
				continue
			}
			k, err := d.ring.Disclose(scope, e)
			if err != nil {
				return nil, because(err, Failed, "what is in the clear needs no key; what is sealed with a key that is not here is another administrator's to disclose", "entry %s has no key that could be given", short(e.Subject))
			}
			text, err := openWith(k, d.Anchor, scope, e)
			if err != nil {
				return nil, because(err, Failed, "it would open for nobody", "entry %s does not open", short(e.Subject))
			}
			open, err := Disclosure{e.Subject, k}.Text()
			if err != nil {
				return nil, err
			}
			line := d.logLine(ctx, scope, e, entries)
			line.Text = text
			found = append(found, Disclosed{line, open})
		}
	}
	switch len(found) {
	case 1:
		return &found[0], nil
	case 0:
		return nil, problem(Failed, fmt.Sprintf("write at least %d digits of what dpki log shows under SUBJECT", minPrefix), "there is no entry %.80q", id)
	}
	return nil, problem(Failed, "write more of it", "%.80q stands for %d entries", id, len(found))
}

func openWith(k bundle.Key, a anchor.Anchor, scope state.Word, e *state.Entry) (string, error) {
	payload, err := bundle.OpenWith(k, a, scope, e)
	if err != nil {
		return "", err
	}
	return payloadWords(e.Kind, payload)
}
