package admin

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"

	"dpki/bundle"
	"dpki/state"
)

// Device is what `device` commands show.
type Device struct {
	Name        string `json:"name"`
	Zone        string `json:"zone"`
	ID          string `json:"id"`
	Address     string `json:"address,omitempty"`
	HostKey     string `json:"host_key"` // fingerprint
	Fingerprint string `json:"fingerprint"`
	Retired     bool   `json:"retired"`
	Grants      int    `json:"live_grants"`
}

// Enrolment is one request as it would be added.
type Enrolment struct {
	Device
	// Already: the same request was added before; nothing is left to do.
	Already bool `json:"already,omitempty"`

	member bundle.RosterMember
}

// AddDevices is what `device add` asks for.
type AddDevices struct {
	Zone     string
	Requests []*bundle.Request
	Address  string // HOST:PORT, for a single request
}

// PlanDevices checks requests against the organisation and says what adding
// them would mean, so that somebody can compare fingerprints before.
func (d *Desk) PlanDevices(ctx context.Context, add AddDevices) ([]Enrolment, error) {
	if err := d.member(ctx); err != nil {
		return nil, err
	}
	z, err := d.findZone(add.Zone)
	if err != nil {
		return nil, err
	}
	if add.Address != "" && len(add.Requests) != 1 {
		return nil, problem(Usage, "add the devices one by one to give each its address", "--address goes with one request")
	}
	if add.Address != "" && !bundle.ValidAddress(add.Address) {
		return nil, noAddress(add.Address)
	}
	p := d.enrolling(z)
	for _, r := range add.Requests {
		if err := p.add(r, add.Address); err != nil {
			return nil, err
		}
	}
	return p.plan, nil
}

// enrolling is a plan in the making. It looks devices up by id and name: there may
// be thousands on either side.
type enrolling struct {
	desk  *Desk
	zone  bundle.RosterZone
	known map[state.Word]*bundle.RosterMember
	named map[string]*bundle.RosterMember // those of the zone that are not retired
	// people by their mailboxes, and by name those of the zone that are not retired.
	people  map[state.Word]string
	persons map[string]bool
	// replaces, unless zero, is the device whose name is free: it is retired with the
	// same transaction.
	replaces state.Word
	plan     []Enrolment
	planned  map[state.Word]int
	names    map[string]int
}

func (d *Desk) enrolling(z bundle.RosterZone) *enrolling {
	p := &enrolling{
		desk: d, zone: z, known: map[state.Word]*bundle.RosterMember{}, named: map[string]*bundle.RosterMember{},
		planned: map[state.Word]int{}, names: map[string]int{}, people: map[state.Word]string{}, persons: map[string]bool{},
	}
	for _, m := range d.roster.People {
		p.people[m.Device] = m.Name
		if m.Zone == z.Zone && !d.retired(m) {
			p.persons[m.Name] = true
		}
	}
	for i := range d.roster.Devices {
		m := &d.roster.Devices[i]
		p.known[m.Device] = m
		if m.Zone == z.Zone && !d.retired(*m) {
			p.named[m.Name] = m
		}
	}
	return p
}

// add plans one request; the same one again changes nothing.
func (p *enrolling) add(r *bundle.Request, address string) error {
	e, err := p.one(r, address)
	if err != nil {
		return err
	}
	if i, twice := p.planned[e.member.Device]; twice {
		if p.plan[i].Fingerprint != e.Fingerprint {
			return problem(Usage, "give the last that dpkid enroll has made", "two different requests are of one identity, %s", e.Name)
		}
		return nil
	}
	if _, twice := p.names[e.Name]; twice {
		return problem(Usage, "rename one of them on the device: dpkid enroll --name", "two of the requests name their device %s", e.Name)
	}
	p.planned[e.member.Device], p.names[e.Name] = len(p.plan), len(p.plan)
	p.plan = append(p.plan, e)
	return nil
}

func (p *enrolling) one(r *bundle.Request, address string) (Enrolment, error) {
	d, z := p.desk, p.zone
	if r.Anchor != d.Anchor {
		return Enrolment{}, problem(Failed, "enrol the device with "+d.Anchor.String(), "the request of %s is for another organisation: %s", r.Name, r.Anchor)
	}
	if r.HostKey == "" {
		return Enrolment{}, problem(Failed, "run dpkid enroll on the device, where its host key is", "the request of %s names no host key", r.Name)
	}
	m := r.Member(z.Zone)
	m.Address = address
	if err := p.noPerson(m); err != nil {
		return Enrolment{}, err
	}
	e := Enrolment{Device: d.showDevice(m), member: m}
	if known := p.known[m.Device]; known != nil {
		switch {
		case d.retired(*known):
			return Enrolment{}, problem(Failed, "on the device: dpkid leave, then dpkid enroll again", "this identity of %s was retired", r.Name)
		case known.Recipient.String() != m.Recipient.String() || known.SigningKey != m.SigningKey || known.Name != m.Name:
			// Whoever has seen a request knows its mailbox secret and could ask
			// to be that device.
			return Enrolment{}, problem(Failed, "if it is the same device: dpkid leave, dpkid enroll there, and dpki device retire "+known.Name+" here",
				"the request of %s uses the mailbox of %s with other keys", r.Name, known.Name)
		}
		if address == "" {
			e.member.Address, e.Address = known.Address, known.Address
		}
		e.Already = known.HostKey == m.HostKey && e.member.Address == known.Address
	}
	if other := p.named[m.Name]; other != nil && other.Device != m.Device && other.Device != p.replaces {
		return Enrolment{}, problem(Failed, fmt.Sprintf("dpki device replace %s REQUEST if this one takes its place, or give it another name: dpkid enroll --name", m.Name),
			"zone %s has another device %s", z.Name, m.Name)
	}
	return e, nil
}

// noPerson refuses a device that would share a mailbox or a name with a person: who
// has seen his request knows his mailbox's secret, and what is delivered by a name is
// one recipient's.
func (p *enrolling) noPerson(m bundle.RosterMember) error {
	if name, is := p.people[m.Device]; is {
		return problem(Failed, "on the device: dpkid leave, then dpkid enroll again", "the request of %s uses the mailbox of %s, a person", m.Name, name)
	}
	if p.persons[m.Name] {
		return problem(Failed, "give it another name: dpkid enroll --name", "zone %s has a person %s", p.zone.Name, m.Name)
	}
	return nil
}

// DevicesAdded is the outcome of AddPlanned.
type DevicesAdded struct {
	Devices []Enrolment `json:"devices"`
	Posted  *Posted     `json:"transaction,omitempty"` // absent where nothing was left to do
}

// AddPlanned enrols what was planned and confirmed: the bundles go to the
// stores, then one entry announces them all. Those already enrolled are left alone.
func (d *Desk) AddPlanned(ctx context.Context, plan []Enrolment) (*DevicesAdded, error) {
	fresh := slices.DeleteFunc(slices.Clone(plan), func(e Enrolment) bool { return e.Already })
	if len(fresh) == 0 {
		return &DevicesAdded{Devices: plan}, nil
	}
	zone := fresh[0].member.Zone
	i := slices.IndexFunc(d.roster.Zones, func(z bundle.RosterZone) bool { return z.Zone == zone })
	if i < 0 {
		return nil, problem(Failed, "dpki zone list", "the keys of zone %s are not here", short(zone))
	}
	delta := &bundle.Roster{Version: 1}
	for _, e := range fresh {
		delta.Devices = append(delta.Devices, e.member)
	}
	posted, err := d.announce(ctx, d.roster.Zones[i], delta.Devices, delta)
	if err != nil {
		return nil, err
	}
	added := &DevicesAdded{Devices: plan, Posted: posted}
	if d.DryRun {
		return added, nil
	}
	return added, d.reload(ctx)
}

// Devices lists devices by name; zone may be empty, retired ones are asked for.
func (d *Desk) Devices(ctx context.Context, zone string, retired bool) ([]Device, error) {
	if err := d.member(ctx); err != nil {
		return nil, err
	}
	only, err := d.onlyZone(zone)
	if err != nil {
		return nil, err
	}
	var members []bundle.RosterMember
	var mailboxes []state.Word
	for _, m := range d.roster.Devices {
		if (only.IsZero() || m.Zone == only) && (retired || !d.retired(m)) {
			members, mailboxes = append(members, m), append(mailboxes, m.Device)
		}
	}
	if err := d.need(ctx, mailboxes...); err != nil {
		return nil, err
	}
	live := d.liveGrants()
	list := []Device{}
	for _, m := range members {
		shown := d.showDevice(m)
		if !shown.Retired {
			shown.Grants = live[m.Device] + live[m.Zone]
		}
		list = append(list, shown)
	}
	slices.SortFunc(list, func(a, b Device) int { return strings.Compare(a.Zone+"/"+a.Name, b.Zone+"/"+b.Name) })
	return list, nil
}

// Device shows one device.
func (d *Desk) Device(ctx context.Context, name string) (*Device, error) {
	m, err := d.device(ctx, name)
	if err != nil {
		return nil, err
	}
	shown, live := d.showDevice(m), d.liveGrants()
	shown.Grants = live[m.Device] + live[m.Zone]
	return &shown, nil
}

// liveGrants counts the live grants of each scope that was read.
func (d *Desk) liveGrants() map[state.Word]int {
	live, now := map[state.Word]int{}, uint64(d.Now().Unix())
	for _, z := range d.zones() {
		view := d.survey(z.Zone)
		for g := range view.AllGrants() {
			if view.Standing(&g.Fact, now) == state.Live {
				live[g.Scope]++
			}
		}
	}
	return live
}

// device finds a device and reads its mailbox.
func (d *Desk) device(ctx context.Context, name string) (bundle.RosterMember, error) {
	if err := d.member(ctx); err != nil {
		return bundle.RosterMember{}, err
	}
	m, err := d.findDevice(name)
	if err != nil {
		return m, err
	}
	return m, d.need(ctx, m.Device)
}

func (d *Desk) showDevice(m bundle.RosterMember) Device {
	shown := Device{
		Name: m.Name, Zone: d.zoneName(m.Zone), ID: m.Device.String(), Address: m.Address, Fingerprint: m.Fingerprint,
	}
	if key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(m.HostKey)); err == nil {
		shown.HostKey = ssh.FingerprintSHA256(key)
	}
	shown.Retired = d.retired(m)
	return shown
}
