package state

import "encoding/binary"

// GrantFlags are what a session under a grant may do beyond a command without
// a terminal.
type GrantFlags uint16

// Flags of version 1. An unknown flag makes the grant malformed.
const (
	GrantPTY             GrantFlags = 1
	GrantPortForwarding  GrantFlags = 2
	GrantAgentForwarding GrantFlags = 4
	GrantX11             GrantFlags = 8
	GrantSudo            GrantFlags = 16

	// AllGrantFlags are those that this version knows.
	AllGrantFlags = GrantPTY | GrantPortForwarding | GrantAgentForwarding | GrantX11 | GrantSudo
)

// Grant is the payload of GRANT and GRANT_PRIV: who may become whom.
type Grant struct {
	Account string     // account on the device, ValidAccount
	Key     Word       // sha-256 of the SSH public key blob (RFC 4253, 6.6) that may log in
	From    string     // CIDR list for from=, ValidFrom; empty = anywhere
	Command string     // forced command, ValidCommand; empty = none
	Flags   GrantFlags // what is allowed; zero = nothing but a command
	Label   string     // for people: a request's number, a reason; ValidLabel
}

// Marshal encodes the payload.
func (g Grant) Marshal() ([]byte, error) {
	w := newFields().addText(1, g.Account).add(2, g.Key[:]).addText(3, g.From).addText(4, g.Command)
	if g.Flags != 0 {
		w = w.add(5, binary.BigEndian.AppendUint16(nil, uint16(g.Flags)))
	}
	return checked(w.addText(6, g.Label), func(b []byte) error { _, err := ParseGrant(b); return err })
}

// ParseGrant decodes what Marshal encodes.
func ParseGrant(b []byte) (Grant, error) {
	f, err := parseFields(b, 6)
	if err != nil {
		return Grant{}, err
	}
	var g Grant
	var errs [6]error
	g.Account, errs[0] = f.text(1, 32, ValidAccount)
	g.Key, errs[1] = f.word(2)
	g.From, errs[2] = f.text(3, maxFrom, ValidFrom)
	g.Command, errs[3] = f.text(4, maxCommand, ValidCommand)
	flags, err := f.uint(5, 2, 0)
	g.Flags, errs[4] = GrantFlags(flags), err
	g.Label, errs[5] = f.text(6, maxLabel, ValidLabel)
	if err := first(errs[:]); err != nil {
		return Grant{}, err
	}
	if g.Account == "" || g.Flags&^AllGrantFlags != 0 || f[5] != nil && g.Flags == 0 {
		return Grant{}, malformed("grant")
	}
	return g, nil
}

// checked refuses to write what the reader would refuse: a mistake is found by
// who makes it, not by a device in the field.
func checked(b []byte, parse func([]byte) error) ([]byte, error) {
	if err := parse(b); err != nil {
		return nil, err
	}
	return b, nil
}

func first(errs []error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
