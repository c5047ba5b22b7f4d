package admin

import (
	"context"
	"strings"

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
			return nil, err
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

func (t target) mailbox() state.Word {
	if t.member == nil {
		return state.Word{}
	}
	return t.member.Device
}

func (t target) group(changes ...contracts.Change) contracts.Group {
	g := contracts.Group{Scope: t.scope, Changes: changes}
	if t.member != nil {
		g.Salt = t.member.MailboxSecret.Commitment()
	}
	return g
}
