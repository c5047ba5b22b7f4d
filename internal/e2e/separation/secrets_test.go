package separation

import (
	"dpki/bundle"
	"dpki/contracts"
	"dpki/state"
)

// reading is to open a sealed entry.
func reading(name string, which func(*world) (state.Word, contracts.Change)) *goal {
	return &goal{area: secrets, name: name, ways: []*way{{name: "opened", try: func(t *thief) gain {
		scope, c := which(t.world)
		ring := t.ring()
		if !t.opens(ring, scope, c.Subject) {
			return nil
		}
		return func(*chain) bool { return true }
	}}}}
}

func (t *thief) opens(ring *bundle.Ring, scope, subject state.Word) bool {
	t.Helper()
	for _, e := range t.entries(t.c, scope) {
		if e.Subject == subject {
			_, err := ring.Open(scope, e)
			return err == nil
		}
	}
	t.Fatal("no such entry")
	return false
}

// identities are those of the devices that he has, and his own.
func (t *thief) identities() []*bundle.Identity {
	list := []*bundle.Identity{t.thief.gadget}
	if t.has(neighbour) {
		list = append(list, t.gate8.identity)
	}
	if t.has(itself) {
		list = append(list, t.gate7.identity)
	}
	return list
}

func opening() *goal {
	return &goal{area: secrets, name: "open what is delivered to a device", ways: []*way{{name: "opened", try: func(t *thief) gain {
		for _, id := range t.identities() {
			if _, err := id.Open(t.deliveredBlock.Bytes, bundle.Expect{
				Anchor: t.org, Scope: t.gate7.mailbox, Subject: t.delivered.Subject, Purposes: []bundle.Purpose{bundle.PurposeFiles},
			}); err == nil {
				return func(*chain) bool { return true }
			}
		}
		return nil
	}}}}
}

func receipt() *goal {
	return &goal{area: secrets, name: "sign a device's receipts", ways: []*way{{name: "signed", try: func(t *thief) gain {
		for _, id := range t.identities() {
			r, err := id.NewReceipt(t.org, t.gate7.mailbox, t.c.time(), []bundle.Mark{{Scope: t.plant, Seq: 1, Result: bundle.Applied}})
			t.must(err)
			r.SigningKey = t.gate7.request.SigningKey
			if text, err := r.Marshal(); err == nil {
				if _, err := bundle.ParseReceipt(text); err == nil {
					return func(*chain) bool { return true }
				}
			}
		}
		return nil
	}}}}
}
