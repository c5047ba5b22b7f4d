package admin

import (
	"context"
	"fmt"
	"strings"

	"dpki/bundle"
	"dpki/contracts"
	"dpki/state"
)

// targets resolves what grants are for and reads the mailboxes.
func (d *Desk) targets(ctx context.Context, names []string) ([]target, error) {
	if len(names) == 0 {
		return nil, problem(Usage, "dpki grant DEVICE --account ACCOUNT --for DURATION", "no device")
	}
	var list []target
	var mailboxes []state.Word
	for _, name := range names {
		if zone, ok := strings.CutPrefix(name, "zone:"); ok {
			z, err := d.findZone(zone)
			if err != nil {
				return nil, err
			}
			list = append(list, target{scope: z.Zone, zone: z.Zone})
			continue
		}
		m, err := d.findDevice(name)
		if err != nil {
			return nil, d.orPerson(name, err)
		}
		list = append(list, target{scope: m.Device, zone: m.Zone, member: &m})
		mailboxes = append(mailboxes, m.Device)
	}
	for i, t := range list {
		for _, u := range list[:i] {
			if t.scope == u.scope {
				return nil, problem(Usage, "name each once", "%s and %s are the same", names[i], d.scopeName(t.scope))
			}
		}
	}
	return list, d.need(ctx, mailboxes...)
}

// orPerson tells whoever names a person how a person is given a login; else it is err.
func (d *Desk) orPerson(name string, err error) error {
	for _, m := range d.people() {
		if m.Name == name || d.zoneName(m.Zone)+"/"+m.Name == name {
			return problem(Usage, fmt.Sprintf("name the device; the person's login to it: dpki deliver user-key %s --on DEVICE --account ACCOUNT --for DURATION", m.Name), "%s is a person, and a grant is for a device", name)
		}
	}
	return err
}

func (t target) mailbox() state.Word {
	if t.member == nil {
		return state.Word{}
	}
	return t.member.Device
}

func (t target) group(changes ...contracts.Change) contracts.Group {
	if t.member != nil {
		return inMailbox(*t.member, changes...)
	}
	return contracts.Group{Scope: t.scope, Changes: changes}
}

// inMailbox is changes in a recipient's mailbox, with what shows that it is of its
// zone: to write there, power over the zone is enough.
func inMailbox(m bundle.RosterMember, changes ...contracts.Change) contracts.Group {
	return contracts.Group{Scope: m.Device, Salt: m.MailboxSecret.Commitment(), Changes: changes}
}
