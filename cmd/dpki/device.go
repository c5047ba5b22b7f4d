package main

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"dpki/admin"
	"dpki/admin/home"
	"dpki/bundle"
)

func (t *tool) deviceCommand() *cli.Command {
	return noun("device", "enrolled devices",
		verb("add", "[REQUEST...]", "enrol devices by the requests that dpkid enroll made, or by a vendor's file of thousands", 0, -1, t.deviceAdd,
			&cli.StringFlag{Name: "zone", Usage: "put them into `ZONE` (default: the only one)"},
			&cli.StringFlag{Name: "address", Usage: "`HOST:PORT` where sshd listens, for dpki ssh; dpki device address changes it"},
			&cli.StringSliceFlag{Name: "fingerprint", Usage: "expect this `FINGERPRINT`, as the device shows it, instead of asking"},
			&cli.StringFlag{Name: "vendor", Usage: "add all of a vendor's `FILE`, as dpki device manifest makes it; run again it goes on where it was interrupted"},
			&cli.StringFlag{Name: "vendor-key", Usage: "the vendor's public key `FILE`, which has signed it"},
			&cli.IntFlag{Name: "sample", Value: 5, Usage: "with --vendor: show the fingerprints of `N` devices, drawn by chance, for comparing by eye"},
			&cli.BoolFlag{Name: "skip-bad", Usage: "with --vendor: leave out the lines that are no use, instead of refusing the file"}),
		verb("manifest", "REQUEST|FOLDER...", "make one file of many requests, signed by whoever made the devices", 1, -1, t.deviceManifest,
			&cli.StringFlag{Name: "key", Usage: "the vendor's private key `FILE`, or the .pub file of one in an ssh-agent"},
			&cli.StringFlag{Name: "out", Usage: "write a new `FILE`: confidential, as the requests are"}),
		verb("list", "", "list devices", 0, 0, t.deviceList,
			&cli.StringFlag{Name: "zone", Usage: "only those of `ZONE`"},
			&cli.BoolFlag{Name: "all", Usage: "also retired ones"},
			&cli.BoolFlag{Name: "ready", Usage: "ask the network's mirrors how far each device has come; no answer is never ready"}),
		verb("show", "DEVICE", "print a device", 1, 1, t.deviceShow),
		verb("retire", "DEVICE", "revoke a device: it lets nobody in any more and gets no more keys", 1, 1, t.deviceRetire,
			&cli.BoolFlag{Name: "rekey", Usage: "also give its zone another key, which it is not handed"}),
		verb("replace", "DEVICE REQUEST", "retire a device and enrol new hardware under its name, with another key for the zone", 2, 2, t.deviceReplace,
			&cli.StringFlag{Name: "address", Usage: "`HOST:PORT` where sshd listens (default: the old one's)"},
			&cli.StringSliceFlag{Name: "fingerprint", Usage: "expect this `FINGERPRINT`, as the new hardware shows it, instead of asking"},
			&cli.BoolFlag{Name: "grants", Usage: "enter the live grants of the old one again, under the same ids: certificates that people have go on"}, keepKey()),
		verb("address", "DEVICE HOST:PORT", "keep where its sshd listens, for dpki ssh, dpki ssh-config and the logins that are delivered", 2, 2, t.deviceAddress),
		verb("move", "DEVICE", "put a device into another zone; it follows by itself", 1, 1, t.deviceMove,
			&cli.StringFlag{Name: "zone", Usage: "`ZONE` to put it into"}, keepKey()),
	)
}

func (t *tool) deviceAdd(c *cli.Context) error {
	if c.IsSet("vendor") {
		return t.deviceAddVendor(c)
	}
	if c.NArg() == 0 || c.IsSet("vendor-key") || c.IsSet("sample") || c.IsSet("skip-bad") {
		return usage("enrol what?", "dpki device add REQUEST..., or dpki device add --vendor FILE --vendor-key PUB")
	}
	requests, err := readRequests(c.Args().Slice())
	if err != nil {
		return err
	}
	d, err := t.open()
	if err != nil {
		return err
	}
	plan, err := d.PlanDevices(c.Context, admin.AddDevices{Zone: c.String("zone"), Requests: requests, Address: c.String("address")})
	if err != nil {
		return err
	}
	if err := t.compareDevices(plan, c.StringSlice("fingerprint")); err != nil {
		return err
	}
	added, err := d.AddPlanned(c.Context, plan)
	if err != nil {
		return err
	}
	return t.show(added, func() {
		for _, e := range added.Devices {
			t.sayf("%s/%s %s, fingerprint %s", e.Zone, e.Name, t.enrolled(e.Already), e.Fingerprint)
		}
		t.posted(added.Posted)
	})
}

func readRequests(paths []string) (requests []*bundle.Request, err error) {
	for _, path := range paths {
		r, err := readRequest(path)
		if err != nil {
			return nil, err
		}
		requests = append(requests, r)
	}
	return requests, nil
}

func readRequest(path string) (*bundle.Request, error) {
	b, err := home.Read(path, bundle.MaxRequest)
	if err != nil {
		return nil, &admin.Problem{Class: admin.Usage, Text: "an enrolment request cannot be read", Hint: "devices make it with dpkid enroll, people with dpki identity request", Err: err}
	}
	r, err := bundle.ParseRequest(b)
	if err != nil {
		return nil, &admin.Problem{Class: admin.Failed, Text: path + " is not an enrolment request", Hint: "copy it again, whole", Err: err}
	}
	return r, nil
}

// compareDevices has the fingerprints compared: the request came over some
// channel, and the fingerprint is what the device itself shows.
func (t *tool) compareDevices(plan []admin.Enrolment, expected []string) error {
	if len(expected) > 0 {
		return admin.Expect(plan, expected)
	}
	var fresh []string
	for _, e := range plan {
		if !e.Already {
			t.notef("%s/%s  fingerprint %s  host key %s", e.Zone, e.Name, e.Fingerprint, e.HostKey)
			fresh = append(fresh, e.Name)
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	return t.confirm("Does "+strings.Join(fresh, ", ")+" show the same fingerprint?", "compare the fingerprint with the device's and give --fingerprint, or --yes")
}

func (t *tool) deviceList(c *cli.Context) error {
	d, err := t.open()
	if err != nil {
		return err
	}
	list, err := d.Devices(c.Context, c.String("zone"), c.Bool("all"))
	if err != nil {
		return err
	}
	if c.Bool("ready") {
		return t.deviceReadiness(c, d, list)
	}
	return t.show(list, func() {
		var rows [][]string
		for _, v := range list {
			standing := fmt.Sprint(v.Grants)
			if v.Retired {
				standing = "retired"
			}
			rows = append(rows, []string{v.Zone + "/" + v.Name, standing, orDash(v.Address), v.ID[:12], v.HostKey})
		}
		t.table([]string{"DEVICE", "GRANTS", "ADDRESS", "ID", "HOST KEY"}, rows, "no device is enrolled; on the device: dpkid enroll, here: dpki device add REQUEST")
	})
}

func (t *tool) deviceShow(c *cli.Context) error {
	d, err := t.open()
	if err != nil {
		return err
	}
	v, err := d.Device(c.Context, c.Args().First())
	if err != nil {
		return err
	}
	return t.show(v, func() {
		t.pairs("device", v.Zone+"/"+v.Name, "id", v.ID, "address", v.Address, "host key", v.HostKey, "fingerprint", v.Fingerprint, "live grants", fmt.Sprint(v.Grants))
	})
}

func (t *tool) deviceRetire(c *cli.Context) error {
	d, err := t.open()
	if err != nil {
		return err
	}
	v, err := d.Device(c.Context, c.Args().First())
	if err != nil {
		return err
	}
	if err := t.confirm(fmt.Sprintf("Retire %s/%s for ever? Nobody logs in there through dpki any more.", v.Zone, v.Name), "give --yes"); err != nil {
		return err
	}
	r, err := d.RetireDevice(c.Context, c.Args().First(), c.Bool("rekey"))
	if err != nil {
		return err
	}
	return t.show(r, func() {
		if !t.dryRun {
			t.sayf("revoked %s %s (%s)", r.What, r.Name, r.ID[:12])
		}
		t.deviceLeft(v.Zone, r.DeviceLeft)
		t.posted(r.Posted)
	})
}

func (t *tool) deviceAddress(c *cli.Context) error {
	d, err := t.open()
	if err != nil {
		return err
	}
	r, err := d.SetAddress(c.Context, c.Args().First(), c.Args().Get(1))
	if err != nil {
		return err
	}
	return t.show(r, func() {
		name := r.Zone + "/" + r.Name
		switch {
		case r.Posted == nil:
			t.sayf("%s has address %s already", name, r.Address)
			return
		case t.dryRun:
			t.sayf("%s would have address %s", name, r.Address)
		default:
			t.sayf("%s has address %s", name, r.Address)
			t.notef("who has received a login to it has not: dpki deliver user-key PERSON --on %s again; dpki ssh-config writes yours again", r.Name)
		}
		t.posted(r.Posted)
	})
}

func keepKey() cli.Flag {
	return &cli.BoolFlag{Name: "no-rekey", Usage: "let the zone go on with the keys that the old one has: many devices, then dpki zone rekey once"}
}

// deviceLeft says what goes on after a device has gone.
func (t *tool) deviceLeft(zone string, l *admin.DeviceLeft) {
	for _, g := range l.Grants {
		t.sayf("ended  grant %s as %s until %s (%s)", g.Key, g.Account, g.Until, g.ID[:12])
	}
	for _, v := range l.Deliveries {
		what := v.Purpose
		if v.Name != "" {
			what += " " + v.Name
		}
		t.sayf("left there  %s (%s)", what, v.ID[:12])
	}
	switch {
	case l.Rekeyed == nil:
		t.notef("it keeps the keys that zone %s goes on with: dpki zone rekey %s", zone, zone)
	case !t.dryRun:
		t.sayf("zone %s has key %d now, handed to %s", l.Rekeyed.Zone, l.Rekeyed.Key, plural(l.Rekeyed.Devices, "device"))
	}
}

func (t *tool) deviceReplace(c *cli.Context) error {
	request, err := readRequest(c.Args().Get(1))
	if err != nil {
		return err
	}
	d, err := t.open()
	if err != nil {
		return err
	}
	r, err := d.PlanReplaceDevice(c.Context, admin.ReplaceDevice{
		Name: c.Args().First(), Request: request, Address: c.String("address"), Grants: c.Bool("grants"), KeepKey: c.Bool("no-rekey"),
	})
	if err != nil {
		return err
	}
	if err := t.compareDevices([]admin.Enrolment{r.New}, c.StringSlice("fingerprint")); err != nil {
		return err
	}
	if err := d.ReplaceDevice(c.Context, r); err != nil {
		return err
	}
	return t.show(r, func() { t.printReplaced(r) })
}

func (t *tool) printReplaced(r *admin.DeviceReplacement) {
	name := r.Old.Zone + "/" + r.Old.Name
	switch {
	case r.New.Already:
		t.sayf("%s is that hardware already, fingerprint %s", name, r.New.Fingerprint)
		return
	case t.dryRun:
		t.sayf("%s would be replaced, fingerprint %s", name, r.New.Fingerprint)
	default:
		t.sayf("%s replaced, fingerprint %s; the old hardware is retired (%s)", name, r.New.Fingerprint, r.Old.ID[:12])
	}
	for _, g := range r.Entered {
		t.sayf("goes on  grant %s as %s until %s (%s)", g.Key, g.Account, g.Until, g.ID[:12])
	}
	t.deviceLeft(r.Old.Zone, r.DeviceLeft)
	t.deliverAgain(r.Old.Name, r.DeviceLeft)
	if len(r.Entered)+len(r.DeviceLeft.Grants) > 0 {
		t.notef("who has received a login to it knows the old hardware's host key: dpki deliver user-key PERSON --on %s again", r.Old.Name)
	}
	t.posted(r.Posted)
}

// deliverAgain says what the new mailbox lacks.
func (t *tool) deliverAgain(name string, l *admin.DeviceLeft) {
	if len(l.Deliveries) > 0 {
		t.notef("nothing of that is in its new mailbox: dpki rotate --due makes host certificates, dpki deliver ... %s the rest", name)
	}
}

func (t *tool) deviceMove(c *cli.Context) error {
	if c.String("zone") == "" {
		return usage("where to?", "dpki device move DEVICE --zone ZONE")
	}
	d, err := t.open()
	if err != nil {
		return err
	}
	v, err := d.Device(c.Context, c.Args().First())
	if err != nil {
		return err
	}
	if err := t.confirm(fmt.Sprintf("Move %s/%s to zone %s? Its grants end with their certificates, and it never comes back to zone %s.", v.Zone, v.Name, c.String("zone"), v.Zone), "give --yes"); err != nil {
		return err
	}
	r, err := d.MoveDevice(c.Context, c.Args().First(), c.String("zone"), c.Bool("no-rekey"))
	if err != nil {
		return err
	}
	return t.show(r, func() {
		if !t.dryRun {
			t.sayf("moved %s/%s to %s/%s, where its id is %s", r.From, r.Name, r.Zone, r.Name, r.ID[:12])
		}
		t.deviceLeft(r.From, r.DeviceLeft)
		if len(r.DeviceLeft.Grants) > 0 {
			t.notef("their certificates were issued for zone %s and are no use in zone %s: dpki grant %s/%s again", r.From, r.Zone, r.Zone, r.Name)
		}
		t.deliverAgain(r.Name, r.DeviceLeft)
		t.posted(r.Posted)
	})
}
