package bundle

import (
	"bytes"
	"fmt"

	"dpki/state"
)

// Roster is the content of purpose 2: what an admin needs to rebuild everything
// on a new machine from the chain and the stores. Nothing in it is a private
// key of a recipient. Large organisations send it in parts (Split, Merge).
type Roster struct {
	Version int            `json:"version"` // 1
	OrgKey  []NumberedKey  `json:"org_key"`
	Zones   []RosterZone   `json:"zones"`
	Devices []RosterMember `json:"devices"`
	People  []RosterMember `json:"people"`
}

// RosterZone is a zone and its keys.
type RosterZone struct {
	Name string        `json:"name"`
	Zone state.Word    `json:"zone"`
	Salt state.Word    `json:"salt"`
	Keys []NumberedKey `json:"keys"`
}

// RosterMember is an enrolled device or person: its request, and where it stands.
type RosterMember struct {
	Name          string        `json:"name"`
	Zone          state.Word    `json:"zone"`
	Device        state.Word    `json:"device"` // id of its mailbox
	MailboxSecret MailboxSecret `json:"mailbox_secret"`
	Recipient     Recipient     `json:"recipient"`
	SigningKey    string        `json:"signing_key"`
	HostKey       string        `json:"host_key"`            // empty for a person
	LoginKey      string        `json:"login_key,omitempty"` // a person's own, for logins elsewhere
	Fingerprint   string        `json:"fingerprint"`
	// Address is where the device's sshd listens, HOST:PORT, for the admins'
	// ssh command; empty where they find it otherwise. It is no identity: the
	// host key is.
	Address string `json:"address"`
	// Account is set of whoever was handed the keys of the organisation, or of a
	// zone, as an administrator: he gets the next ones while that account has power
	// there. 0x and 40 hex digits.
	Account string `json:"account,omitempty"`
}

// Member is the roster's line for an enrolment in a zone.
func (r *Request) Member(zone state.Word) RosterMember {
	return RosterMember{
		Name: r.Name, Zone: zone, Device: r.Mailbox(zone), MailboxSecret: r.MailboxSecret, Recipient: r.Recipient,
		SigningKey: r.SigningKey, HostKey: r.HostKey, LoginKey: r.LoginKey, Fingerprint: r.Fingerprint(),
	}
}

// Marshal checks and encodes the content. It is ErrTooLarge if it needs Split.
func (r *Roster) Marshal() ([]byte, error) {
	c := r.filled()
	if err := c.check(); err != nil {
		return nil, err
	}
	return marshalContent(c)
}

// ParseRoster decodes the content of a bundle with purpose 2, for the
// organisation org, from which the ids of zones and members are derived again.
func ParseRoster(b []byte, org state.Word) (*Roster, error) {
	r := &Roster{}
	if err := decodeStrict(b, MaxContent, r); err != nil {
		return nil, fmt.Errorf("admin roster: %w", err)
	}
	for _, z := range r.Zones {
		if state.ZoneID(org, z.Salt) != z.Zone {
			return nil, malformed("zone %q is not of this organisation", z.Name)
		}
	}
	if err := r.check(); err != nil {
		return nil, err
	}
	return r, nil
}

func (r *Roster) check() error {
	if r.Version != 1 {
		return malformed("admin roster of version %d", r.Version)
	}
	if err := checkKeys(r.OrgKey); err != nil {
		return err
	}
	for _, z := range r.Zones {
		if !state.ValidName(z.Name) {
			return malformed("zone name %.80q", z.Name)
		}
		if err := checkKeys(z.Keys); err != nil {
			return err
		}
	}
	for _, list := range [][]RosterMember{r.Devices, r.People} {
		for _, m := range list {
			if err := m.check(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (m *RosterMember) check() error {
	if !state.ValidName(m.Name) {
		return malformed("name %.80q", m.Name)
	}
	if m.Recipient.age == nil || m.MailboxSecret.Mailbox(m.Zone) != m.Device {
		return malformed("member %q: its id is not that of its mailbox", m.Name)
	}
	if m.Address != "" && !ValidAddress(m.Address) {
		return malformed("member %q: address %.80q", m.Name, m.Address)
	}
	if m.Account != "" {
		if _, err := state.ParseAddress(m.Account); err != nil {
			return malformed("member %q: account %.80q", m.Name, m.Account)
		}
	}
	if _, err := parseSigningKey(m.SigningKey); err != nil {
		return err
	}
	return checkKeysOf(m.HostKey, m.LoginKey)
}

// filled has empty lists instead of absent ones: null is refused by readers.
func (r *Roster) filled() *Roster {
	c := &Roster{Version: r.Version, OrgKey: r.OrgKey, Zones: r.Zones, Devices: r.Devices, People: r.People}
	if c.OrgKey == nil {
		c.OrgKey = []NumberedKey{}
	}
	zones := make([]RosterZone, len(c.Zones))
	for i, z := range c.Zones {
		if zones[i] = z; z.Keys == nil {
			zones[i].Keys = []NumberedKey{}
		}
	}
	c.Zones = zones
	if c.Devices == nil {
		c.Devices = []RosterMember{}
	}
	if c.People == nil {
		c.People = []RosterMember{}
	}
	return c
}

// Merge unites r with a later roster or part: zones, members and keys by their
// ids, the later one winning; the keys of a zone are united too. Neither
// argument is changed.
func (r *Roster) Merge(later *Roster) *Roster {
	zones := mergeBy(r.Zones, later.Zones, func(z RosterZone) state.Word { return z.Zone }, func(a, b RosterZone) int {
		return bytes.Compare(a.Zone[:], b.Zone[:])
	})
	for i := range zones {
		zones[i].Keys = mergeKeys(keysOf(r.Zones, zones[i].Zone), keysOf(later.Zones, zones[i].Zone))
	}
	return &Roster{
		Version: 1, OrgKey: mergeKeys(r.OrgKey, later.OrgKey), Zones: zones,
		Devices: mergeMembers(r.Devices, later.Devices), People: mergeMembers(r.People, later.People),
	}
}

func keysOf(zones []RosterZone, id state.Word) []NumberedKey {
	var keys []NumberedKey
	for _, z := range zones {
		if z.Zone == id {
			keys = mergeKeys(keys, z.Keys)
		}
	}
	return keys
}

func mergeMembers(earlier, later []RosterMember) []RosterMember {
	return mergeBy(earlier, later, func(m RosterMember) state.Word { return m.Device }, func(a, b RosterMember) int {
		return bytes.Compare(a.Device[:], b.Device[:])
	})
}
