package admin

import (
	"context"
	"slices"
	"strings"
	"time"

	"dpki/bundle"
	"dpki/contracts"
	"dpki/state"
)

// Zone is what `zone` commands show.
type Zone struct {
	Name    string  `json:"name"`
	ID      string  `json:"id"`
	Devices int     `json:"devices"`
	CAs     int     `json:"cas"`
	Keys    int     `json:"keys"`
	Policy  Policy  `json:"policy"`
	Posted  *Posted `json:"transaction,omitempty"`
}

// Policy is what a zone's devices obey, the organisation's floor included.
type Policy struct {
	Modes      []string `json:"modes"`
	Offline    string   `json:"offline"` // how long unprivileged logins go on without news
	Fresh      string   `json:"fresh"`   // how old news may be for a privileged login
	Privileged []string `json:"privileged"`
	Cosigned   []Demand `json:"cosigned,omitempty"` // each is to be met
}

// Demand is who must sign which deliveries.
type Demand struct {
	Need       int      `json:"need"`
	Watchdogs  []string `json:"watchdogs"`  // fingerprints
	Deliveries []string `json:"deliveries"` // purposes
}

// CreateZone announces a zone, makes its first key and tells every administrator.
func (d *Desk) CreateZone(ctx context.Context, name string) (*Zone, error) {
	if !state.ValidName(name) {
		return nil, problem(Usage, "names have 1 to 63 of a-z 0-9 . _ -, the first a letter or digit", "%.80q cannot be a zone's name", name)
	}
	if err := d.member(ctx); err != nil {
		return nil, err
	}
	if z := d.zoneNamed(name); z != nil {
		return nil, problem(Failed, "see dpki zone show "+name, "there is a zone %s already", name)
	}
	from, err := d.begin()
	if err != nil {
		return nil, err
	}
	sealed, z, err := d.ring.SealZone(d.Anchor.Org, name, from, state.Never)
	if err != nil {
		return nil, because(err, Failed, "an administrator with the organisation's key can", "the zone could not be sealed")
	}
	b := d.newBatch(d.Anchor.Org)
	err = d.addRoster(b, &bundle.Roster{Version: 1, Zones: []bundle.RosterZone{{
		Name: name, Zone: sealed.Subject, Salt: z.Salt, Keys: []bundle.NumberedKey{{ID: 1, Key: bundle.NewKey()}},
	}}})
	if err != nil {
		return nil, err
	}
	announce, err := d.finish(ctx, b, from, state.Never)
	if err != nil {
		return nil, err
	}
	posted, err := d.write(ctx, contracts.Group{Scope: d.Anchor.Org, Changes: []contracts.Change{
		put(state.KindZone, sealed, from, state.Never), announce,
	}})
	if err != nil {
		return nil, err
	}
	shown := &Zone{Name: name, ID: sealed.Subject.String(), Keys: 1, Policy: showPolicy(d.view(sealed.Subject, state.Word{}).Policy(from)), Posted: posted}
	if d.DryRun {
		return shown, nil
	}
	return shown, d.open(ctx)
}

// Zones lists the zones that this administrator has keys of.
func (d *Desk) Zones(ctx context.Context) ([]Zone, error) {
	if err := d.member(ctx); err != nil {
		return nil, err
	}
	var list []Zone
	for _, z := range d.zones() {
		list = append(list, d.showZone(z))
	}
	slices.SortFunc(list, func(a, b Zone) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}

// Zone shows one zone.
func (d *Desk) Zone(ctx context.Context, name string) (*Zone, error) {
	if err := d.member(ctx); err != nil {
		return nil, err
	}
	z, err := d.findZone(name)
	if err != nil {
		return nil, err
	}
	shown := d.showZone(z)
	return &shown, nil
}

func (d *Desk) showZone(z bundle.RosterZone) Zone {
	view := d.view(z.Zone, state.Word{})
	now := uint64(d.Now().Unix())
	shown := Zone{Name: z.Name, ID: z.Zone.String(), Keys: len(z.Keys), Policy: showPolicy(view.Policy(now))}
	for _, m := range d.roster.Devices {
		if m.Zone == z.Zone && !d.retired(m) {
			shown.Devices++
		}
	}
	for ca := range view.CAs() {
		if view.Standing(&ca.Fact, now) == state.Live {
			shown.CAs++
		}
	}
	return shown
}

// SetPolicy writes a zone's policy; the latest counts. A zone can only tighten
// what the organisation allows, and readers see to that.
func (d *Desk) SetPolicy(ctx context.Context, zone string, p state.Policy, length time.Duration) (*Zone, error) {
	if err := d.member(ctx); err != nil {
		return nil, err
	}
	z, err := d.findZone(zone)
	if err != nil {
		return nil, err
	}
	payload, err := p.Marshal()
	if err != nil {
		return nil, because(err, Usage, "see dpki zone policy --help", "the policy is not valid")
	}
	from, until, err := d.window(length)
	if err != nil {
		return nil, err
	}
	sealed, err := d.ring.Seal(bundle.Entry{Scope: z.Zone, Kind: state.KindPolicy, From: from, Until: until}, payload)
	if err != nil {
		return nil, err
	}
	posted, err := d.write(ctx, contracts.Group{Scope: z.Zone, Changes: []contracts.Change{put(state.KindPolicy, sealed, from, until)}})
	if err != nil {
		return nil, err
	}
	if !d.DryRun {
		if err := d.reload(ctx); err != nil {
			return nil, err
		}
	}
	shown := d.showZone(z)
	shown.Posted = posted
	return &shown, nil
}

// zones are the roster's zones that the organisation has not revoked.
func (d *Desk) zones() []bundle.RosterZone {
	live := d.liveZones()
	return slices.DeleteFunc(slices.Clone(d.roster.Zones), func(z bundle.RosterZone) bool { return !slices.Contains(live, z.Zone) })
}

func (d *Desk) zoneNamed(name string) *bundle.RosterZone {
	for _, z := range d.zones() {
		if z.Name == name {
			return &z
		}
	}
	return nil
}
