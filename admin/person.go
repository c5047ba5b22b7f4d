package admin

import (
	"context"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"

	"dpki/bundle"
	"dpki/contracts"
	"dpki/state"
)

// Person is what `person` commands show: a recipient who is no device.
type Person struct {
	Name        string `json:"name"`
	Zone        string `json:"zone"`
	ID          string `json:"id"`
	LoginKey    string `json:"login_key,omitempty"` // fingerprint
	Fingerprint string `json:"fingerprint"`
	Retired     bool   `json:"retired"`
	// Grants and Deliveries are his, as far as the log tells, that live. Lists of
	// people leave them out.
	Grants     []*Grant    `json:"grants,omitempty"`
	Deliveries []*Delivery `json:"deliveries,omitempty"`
}

// PersonEnrolment is one request as it would be added.
type PersonEnrolment struct {
	Person
	// Already: nothing is left to do.
	Already bool `json:"already,omitempty"`

	member bundle.RosterMember
}

// AddPeople is what `person add` asks for.
type AddPeople struct {
	Zone     string
	Requests []*bundle.Request
	// replaces is who may have the same name: he is retired with it.
	replaces state.Word
}

// PlanPeople checks requests and says what adding them would mean, so that
// somebody can compare fingerprints before.
func (d *Desk) PlanPeople(ctx context.Context, add AddPeople) ([]PersonEnrolment, error) {
	if err := d.member(ctx); err != nil {
		return nil, err
	}
	z, err := d.findZone(add.Zone)
	if err != nil {
		return nil, err
	}
	var plan []PersonEnrolment
	for _, r := range add.Requests {
		e, err := d.planPerson(z, r, add.replaces)
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(plan, func(p PersonEnrolment) bool {
			return p.member.Name == e.member.Name || p.member.Device == e.member.Device
		})
		switch {
		case i < 0:
			plan = append(plan, e)
		case plan[i].Fingerprint != e.Fingerprint:
			return nil, problem(Usage, "have one of them asked for under another name: dpki identity request --name", "two of the requests are of %s", e.Name)
		}
	}
	return plan, nil
}

func (d *Desk) planPerson(z bundle.RosterZone, r *bundle.Request, replaces state.Word) (PersonEnrolment, error) {
	if r.Anchor != d.Anchor {
		return PersonEnrolment{}, problem(Failed, "he asks with dpki identity request "+d.Anchor.String(), "the request of %s is for another organisation: %s", r.Name, r.Anchor)
	}
	if r.HostKey != "" {
		return PersonEnrolment{}, problem(Failed, "dpki device add", "%s is a device: its request names a host key", r.Name)
	}
	m := r.Member(z.Zone)
	e := PersonEnrolment{Person: d.showPerson(m), member: m}
	for _, known := range slices.Concat(d.roster.People, d.roster.Devices) {
		switch same := known.Device == m.Device; {
		case same && d.retired(known):
			return PersonEnrolment{}, problem(Failed, "he makes a new identity and asks again: dpki identity request", "this identity of %s was retired", r.Name)
		case same && (known.Recipient.String() != m.Recipient.String() || known.SigningKey != m.SigningKey || known.Name != m.Name || known.HostKey != ""):
			// Whoever has seen a request knows its mailbox secret and could ask to be
			// that person.
			return PersonEnrolment{}, problem(Failed, "if it is the same person: a new identity there, and dpki person replace "+known.Name+" REQUEST here",
				"the request of %s uses the mailbox of %s with other keys", r.Name, known.Name)
		case same:
			e.Already = known.LoginKey == m.LoginKey
		case known.Name == m.Name && known.Zone == m.Zone && known.Device != replaces && !d.retired(known):
			return PersonEnrolment{}, problem(Failed, "dpki person replace "+m.Name+" REQUEST if it is the same person on a new machine; else he asks under another name: dpki identity request --name",
				"zone %s has another recipient %s", z.Name, m.Name)
		}
	}
	return e, nil
}

// PeopleAdded is the outcome of AddPlannedPeople.
type PeopleAdded struct {
	People []PersonEnrolment `json:"people"`
	Posted *Posted           `json:"transaction,omitempty"` // absent where nothing was left to do
}

// AddPlannedPeople enrols who was planned and confirmed. Nobody among them is
// given a zone's key: they learn where they are, and read their mailboxes.
func (d *Desk) AddPlannedPeople(ctx context.Context, plan []PersonEnrolment) (*PeopleAdded, error) {
	out := &PeopleAdded{People: plan}
	fresh := slices.DeleteFunc(slices.Clone(plan), func(e PersonEnrolment) bool { return e.Already })
	if len(fresh) == 0 {
		return out, nil
	}
	if err := d.unlock(); err != nil {
		return nil, err
	}
	group, err := d.announcePeople(ctx, fresh)
	if err != nil {
		return nil, err
	}
	if out.Posted, err = d.write(ctx, group); err != nil || d.DryRun {
		return out, err
	}
	return out, d.reload(ctx)
}

// announcePeople stores what people of one zone, and the administrators, are to
// learn, and returns the entry that announces it.
func (d *Desk) announcePeople(ctx context.Context, fresh []PersonEnrolment) (contracts.Group, error) {
	zone := fresh[0].member.Zone
	b := d.newBatch(zone)
	delta := &bundle.Roster{Version: 1}
	for _, e := range fresh {
		content, err := (&bundle.Person{Version: 1, Name: e.Name, Zone: zone, ZoneName: d.zoneName(zone)}).Marshal()
		if err == nil {
			err = b.add(bundle.Item{To: e.member.Recipient, Mailbox: e.member.MailboxSecret, Purpose: bundle.PurposePerson, Content: content})
		}
		if err != nil {
			return contracts.Group{}, because(err, Failed, "", "the enrolment of %s could not be sealed", e.Name)
		}
		delta.People = append(delta.People, e.member)
	}
	if err := d.addRoster(b, delta); err != nil {
		return contracts.Group{}, err
	}
	from, err := d.begin()
	if err != nil {
		return contracts.Group{}, err
	}
	change, err := d.finish(ctx, b, from, from+longestEntry)
	return contracts.Group{Scope: zone, Changes: []contracts.Change{change}}, err
}

// People lists people by zone and name; zone may be empty, retired ones are asked for.
func (d *Desk) People(ctx context.Context, zone string, retired bool) ([]Person, error) {
	if err := d.member(ctx); err != nil {
		return nil, err
	}
	only, err := d.onlyZone(zone)
	if err != nil {
		return nil, err
	}
	list := []Person{}
	for _, m := range d.roster.People {
		if m.Zone != d.Anchor.Org && (only.IsZero() || m.Zone == only) && (retired || !d.retired(m)) {
			list = append(list, d.showPerson(m))
		}
	}
	slices.SortFunc(list, func(a, b Person) int { return strings.Compare(a.Zone+"/"+a.Name, b.Zone+"/"+b.Name) })
	return list, nil
}

// Person shows one person, what was delivered to him and what he may.
func (d *Desk) Person(ctx context.Context, name string) (*Person, error) {
	m, err := d.person(ctx, name)
	if err != nil {
		return nil, err
	}
	shown := d.showPerson(m)
	his, err := d.possessions(ctx, m)
	if err != nil {
		return nil, err
	}
	for _, p := range his {
		if p.grant != nil {
			shown.Grants = append(shown.Grants, d.shownGrant(*p.grant))
		}
		if p.delivery != nil {
			shown.Deliveries = append(shown.Deliveries, d.showDelivery(m, p.delivery, p.delivery.Until, false))
		}
	}
	return &shown, nil
}

// person finds somebody and reads his mailbox. One who was retired is found where
// nobody else has his name, and of several in a zone who was retired last.
func (d *Desk) person(ctx context.Context, name string) (bundle.RosterMember, error) {
	if err := d.member(ctx); err != nil {
		return bundle.RosterMember{}, err
	}
	var found, retired []bundle.RosterMember
	var names []string
	for _, m := range d.roster.People {
		full := d.zoneName(m.Zone) + "/" + m.Name
		matches := m.Name == name || full == name || isPrefix(name, m.Device)
		switch {
		case m.Zone == d.Anchor.Org:
		case matches && d.retired(m):
			retired = append(retired, m)
		case matches:
			found = append(found, m)
		case !d.retired(m):
			names = append(names, m.Name, full)
		}
	}
	if len(found) == 0 {
		found = d.lastRetired(retired)
	}
	switch {
	case len(found) == 1:
		return found[0], d.need(ctx, found[0].Device)
	case len(found) > 1:
		return bundle.RosterMember{}, problem(Failed, "write ZONE/NAME, or the beginning of the identifier: dpki person list --all", "%.80q is the name of %d people", name, len(found))
	case len(names) == 0:
		return bundle.RosterMember{}, problem(Failed, "he: dpki identity request "+d.Anchor.String()+"; here: dpki person add REQUEST", "nobody is enrolled yet")
	}
	return bundle.RosterMember{}, problem(Failed, suggest(name, names), "there is nobody called %.80q", name)
}

// lastRetired has one member for each zone.
func (d *Desk) lastRetired(list []bundle.RosterMember) (last []bundle.RosterMember) {
	when := func(m bundle.RosterMember) int {
		return slices.IndexFunc(d.Ledger.Entries(m.Zone), func(e state.Entry) bool {
			return e.Kind == state.KindDevice && e.Action == state.ActionRevoke && e.Subject == m.Device
		})
	}
	for _, m := range list {
		i := slices.IndexFunc(last, func(other bundle.RosterMember) bool { return other.Zone == m.Zone })
		switch {
		case i < 0:
			last = append(last, m)
		case when(m) > when(last[i]):
			last[i] = m
		}
	}
	return last
}

func (d *Desk) showPerson(m bundle.RosterMember) Person {
	p := Person{Name: m.Name, Zone: d.zoneName(m.Zone), ID: m.Device.String(), Fingerprint: m.Fingerprint, Retired: d.retired(m)}
	if key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(m.LoginKey)); err == nil {
		p.LoginKey = ssh.FingerprintSHA256(key)
	}
	return p
}

// ExpectPeople is Expect for people.
func ExpectPeople(plan []PersonEnrolment, fingerprints []string) error {
	var as []Enrolment
	for _, e := range plan {
		as = append(as, Enrolment{Device: Device{Name: e.Name, Fingerprint: e.Fingerprint}, Already: e.Already})
	}
	return Expect(as, fingerprints)
}
