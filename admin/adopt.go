package admin

import (
	"context"
	"slices"

	"dpki/bundle"
	"dpki/internal/anchor"
	"dpki/state"
)

// Adopted is what Adopt did for one zone.
type Adopted struct {
	Zone    string    `json:"zone"`
	Made    bool      `json:"made,omitempty"` // the zone was not there
	Devices int       `json:"devices"`        // that have materials here now
	Already int       `json:"already"`        // of which had them before
	Posted  []*Posted `json:"transactions"`
}

// Adopt enrols the devices of the organisation that this one succeeds, by what
// their enrolment left in its roster: the same identities and secrets, so that each
// finds its materials here as on its first day. Zones go by their names, and those
// that are missing are made. Run again it does what is left to do.
//
// It carries no authority and no grant over: those are this organisation's to
// enter.
func (d *Desk) Adopt(ctx context.Context, from *Desk) ([]Adopted, error) {
	if from.Anchor == d.Anchor {
		return nil, problem(Usage, "--org names the successor; the argument is the organisation before it", "an organisation does not succeed itself")
	}
	if err := from.member(ctx); err != nil {
		return nil, err
	}
	if err := d.member(ctx); err != nil {
		return nil, err
	}
	var all []Adopted
	for _, old := range from.zones() {
		if err := from.need(ctx, old.Zone); err != nil {
			return all, err
		}
		done, err := d.adoptZone(ctx, old.Name, from.living(old.Zone))
		if done != nil {
			all = append(all, *done)
		}
		if err != nil {
			return all, err
		}
	}
	return all, nil
}

func (d *Desk) adoptZone(ctx context.Context, name string, devices []bundle.RosterMember) (*Adopted, error) {
	done := &Adopted{Zone: name, Devices: len(devices), Posted: []*Posted{}}
	z := d.zoneNamed(name)
	if z == nil {
		made, err := d.CreateZone(ctx, name)
		if err != nil {
			return nil, err
		}
		done.Made, done.Posted = true, append(done.Posted, made.Posted)
		if d.DryRun {
			return done, nil // what follows needs the zone
		}
		if z = d.zoneNamed(name); z == nil {
			return done, problem(Later, "try again", "zone %s is not shown yet", name)
		}
	}
	plan, err := d.planAdoption(*z, devices)
	if err != nil {
		return done, err
	}
	for _, e := range plan {
		if e.Already {
			done.Already++
		}
	}
	added, err := d.AddPlanned(ctx, plan)
	if err != nil {
		return done, err
	}
	if added.Posted != nil {
		done.Posted = append(done.Posted, added.Posted)
	}
	return done, nil
}

// planAdoption is each device as it will be here.
func (d *Desk) planAdoption(z bundle.RosterZone, devices []bundle.RosterMember) ([]Enrolment, error) {
	if name := namedTwice(devices); name != "" {
		return nil, problem(Failed, "retire the one that is none of yours in the organisation before: dpki device list, dpki device retire ID", "the organisation before has two devices %s in zone %s", name, z.Name)
	}
	var plan []Enrolment
	for _, m := range devices {
		m.Zone, m.Device = z.Zone, m.MailboxSecret.Mailbox(z.Zone)
		e := Enrolment{member: m}
		for _, known := range d.roster.Devices {
			switch {
			case known.Device == m.Device:
				e.Already = true // retired, or enrolled: either way it is not done again
			case known.Name == m.Name && known.Zone == m.Zone && !d.retired(known):
				return nil, problem(Failed, "give one of them another name: dpkid enroll --name, dpki device add", "zone %s has another device %s", z.Name, m.Name)
			}
		}
		e.Device = d.showDevice(m)
		plan = append(plan, e)
	}
	return plan, nil
}

// namedTwice is the name of two devices: dpki enrols no second one, so somebody else
// has. Empty where each has its own.
func namedTwice(devices []bundle.RosterMember) string {
	seen := map[string]bool{}
	for _, m := range devices {
		if seen[m.Name] {
			return m.Name
		}
		seen[m.Name] = true
	}
	return ""
}

// Succession is how two organisations stand to each other, as `network migrate`
// shows it.
type Succession struct {
	Answers bool `json:"answers"` // the successor points back
	Since   Time `json:"since,omitempty"`
	// Devices of this organisation: those that the successor has adopted, and those
	// that follow it, by their receipts.
	Devices int `json:"devices"`
	Adopted int `json:"adopted"`
	Moved   int `json:"moved"`
	// Silent have no receipt: nobody knows of them.
	Silent int `json:"silent"`
}

// Succession reads the other side of a pointer.
func (d *Desk) Succession(ctx context.Context, next *Desk) (*Succession, error) {
	if err := d.open(ctx); err != nil {
		return nil, err
	}
	if err := next.open(ctx); err != nil {
		return nil, err
	}
	s := &Succession{}
	back, ok := next.view(state.Word{}, state.Word{}).Pointing(state.Predecessor, max(uint64(next.Now().Unix()), next.Ledger.Head().Time), state.Live)
	if ok && anchorOf(back.Pointer) == d.Anchor.String() {
		s.Answers, s.Since = true, Time(back.Time)
	}
	var members []bundle.RosterMember
	for _, z := range d.zones() {
		members = append(members, d.living(z.Zone)...)
	}
	s.Devices = len(members)
	for _, m := range members {
		if slices.ContainsFunc(next.roster.Devices, func(o bundle.RosterMember) bool {
			return o.SigningKey == m.SigningKey && o.Recipient.String() == m.Recipient.String()
		}) {
			s.Adopted++
		}
	}
	receipts, err := d.receiptsBy(ctx, members, func(m bundle.RosterMember) *bundle.Receipt {
		return newestReceipt(ctx, append(slices.Clone(d.Receipts), next.Receipts...), m.SigningKey, func(*bundle.Receipt) bool { return true })
	})
	for _, r := range receipts {
		switch {
		case r == nil:
			s.Silent++
		case r.Anchor == next.Anchor:
			s.Moved++
		}
	}
	return s, err
}

// Points is the anchor that a pointer of this organisation names, live or waiting.
func (p *Pointers) Points() (to anchor.Anchor, ok bool) {
	for _, text := range []string{p.Successor, p.Waits} {
		if a, err := anchor.Parse(text); err == nil {
			return a, true
		}
	}
	return to, false
}
