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
			&cli.StringFlag{Name: "address", Usage: "`HOST:PORT` where sshd listens, for dpki ssh"},
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
		verb("retire", "DEVICE", "revoke a device: it lets nobody in any more and gets no more keys", 1, 1, t.deviceRetire),
	)
}

func (t *tool) deviceAdd(c *cli.Context) error {
	if c.IsSet("vendor") {
		return t.deviceAddVendor(c)
	}
	if c.NArg() == 0 || c.IsSet("vendor-key") || c.IsSet("sample") || c.IsSet("skip-bad") {
		return usage("enrol what?", "dpki device add REQUEST..., or dpki device add --vendor FILE --vendor-key PUB")
	}
	var requests []*bundle.Request
	for _, path := range c.Args().Slice() {
		b, err := home.Read(path, bundle.MaxRequest)
		if err != nil {
			return &admin.Problem{Class: admin.Usage, Text: "an enrolment request cannot be read", Hint: "dpkid enroll writes it on the device", Err: err}
		}
		r, err := bundle.ParseRequest(b)
		if err != nil {
			return &admin.Problem{Class: admin.Failed, Text: path + " is not an enrolment request", Hint: "copy it again from the device, whole", Err: err}
		}
		requests = append(requests, r)
	}
	d, err := t.open()
	if err != nil {
		return err
	}
	plan, err := d.PlanDevices(c.Context, admin.AddDevices{Zone: c.String("zone"), Requests: requests, Address: c.String("address")})
	if err != nil {
		return err
	}
	if expected := c.StringSlice("fingerprint"); len(expected) > 0 {
		err = admin.Expect(plan, expected)
	} else {
		err = t.confirmDevices(plan)
	}
	if err != nil {
		return err
	}
	added, err := d.AddPlanned(c.Context, plan)
	if err != nil {
		return err
	}
	return t.show(added, func() {
		for _, e := range added.Devices {
			how := "enrolled"
			switch {
			case e.Already:
				how = "was enrolled before"
			case t.dryRun:
				how = "would be enrolled"
			}
			t.sayf("%s/%s %s, fingerprint %s", e.Zone, e.Name, how, e.Fingerprint)
		}
		t.posted(added.Posted)
	})
}

// confirmDevices has the fingerprints compared: the request came over some
// channel, and the fingerprint is what the device itself shows.
func (t *tool) confirmDevices(plan []admin.Enrolment) error {
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
	r, err := d.RetireDevice(c.Context, c.Args().First())
	if err != nil {
		return err
	}
	return t.showRevoked(r)
}
