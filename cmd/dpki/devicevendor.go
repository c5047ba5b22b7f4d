package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"
	"golang.org/x/crypto/ssh"

	"dpki/admin"
	"dpki/admin/home"
	"dpki/bundle"
)

// deviceManifest is the vendor's: it needs no organisation, no network and no
// account.
func (t *tool) deviceManifest(c *cli.Context) (err error) {
	if c.String("key") == "" || c.String("out") == "" {
		return usage("signed by whom, and where to?", "dpki device manifest REQUEST... --key FILE --out FILE")
	}
	names, err := requestFiles(c.Args().Slice())
	if err != nil {
		return err
	}
	signer, done, err := t.signer(c)
	if err != nil {
		return err
	}
	defer done.Close()
	if t.dryRun {
		return t.would("would write %s to %s; nothing was written", plural(len(names), "request"), c.String("out"))
	}
	out, err := os.OpenFile(c.String("out"), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return &admin.Problem{Class: admin.Usage, Text: fmt.Sprintf("--out %.120q cannot be made", c.String("out")), Hint: "name a new file in a folder that is there", Err: err}
	}
	defer func() {
		if err = errors.Join(err, out.Close()); err != nil {
			err = errors.Join(err, os.Remove(out.Name()))
		}
	}()
	err = admin.WriteManifest(out, signer, names, func(name string) ([]byte, error) { return home.Read(name, bundle.MaxRequest) })
	if err != nil {
		return err
	}
	if err := out.Sync(); err != nil {
		return err
	}
	key := ssh.FingerprintSHA256(signer.PublicKey())
	return t.show(map[string]any{"file": c.String("out"), "requests": len(names), "key": key}, func() {
		t.sayf("%s in %s, signed by %s", plural(len(names), "request"), c.String("out"), key)
	})
}

// requestFiles are the files that are named, and all in the folders that are.
func requestFiles(args []string) ([]string, error) {
	var names []string
	for _, arg := range args {
		info, err := os.Stat(arg)
		if err != nil || !info.IsDir() {
			names = append(names, arg) // what is not there is told when it is read
			continue
		}
		err = filepath.WalkDir(arg, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() {
				names = append(names, path)
			}
			return err
		})
		if err != nil {
			return nil, &admin.Problem{Class: admin.Usage, Text: fmt.Sprintf("the folder %.120q cannot be read", arg), Err: err}
		}
	}
	return names, nil
}

// deviceAddVendor enrols a whole file. The vendor's signature stands for the
// comparing of fingerprints; a few are shown all the same.
func (t *tool) deviceAddVendor(c *cli.Context) error {
	switch {
	case c.NArg() > 0 || c.IsSet("address") || c.IsSet("fingerprint"):
		return usage("--vendor goes with no request, address or fingerprint", "dpki device add --vendor FILE --vendor-key PUB --zone ZONE")
	case c.String("vendor-key") == "":
		return usage("who has signed it?", "give the vendor's public key, which came another way than the file: --vendor-key PUB")
	}
	vendor, err := admin.ReadPublicKey(c.String("vendor-key"))
	if err != nil {
		return err
	}
	from, err := os.Open(c.String("vendor"))
	if err != nil {
		return &admin.Problem{Class: admin.Usage, Text: "the vendor's file cannot be read", Hint: "name a file that is here", Err: err}
	}
	defer from.Close()
	d, err := t.open()
	if err != nil {
		return err
	}
	plan, err := d.PlanVendor(c.Context, admin.AddVendor{Zone: c.String("zone"), File: from, Vendor: vendor, SkipBad: c.Bool("skip-bad")})
	if err != nil {
		return err
	}
	for _, b := range plan.Bad {
		t.notef("left out: line %d: %s", b.Line, b.Text)
	}
	fresh := len(plan.Fresh)
	if fresh > 0 {
		for _, e := range plan.Sample(c.Int("sample")) {
			t.notef("for example %s/%s  fingerprint %s  host key %s", e.Zone, e.Name, e.Fingerprint, e.HostKey)
		}
		question := fmt.Sprintf("Add %s of vendor %s to zone %s?", plural(fresh, "device"), plan.Vendor, plan.Zone)
		if err := t.confirm(question, "compare the key's fingerprint with what the vendor says, and give --yes"); err != nil {
			return err
		}
	}
	added, err := d.AddVendorPlanned(c.Context, plan, func(n, transactions int) {
		if n < fresh || transactions > 1 {
			t.notef("%s of %s, %s", grouped(n), grouped(fresh), plural(transactions, "transaction"))
		}
	})
	if added == nil {
		return err
	}
	return errors.Join(t.show(added, func() {
		verb := "enrolled"
		if t.dryRun {
			verb = "would be enrolled"
		}
		t.sayf("%s of vendor %s %s in zone %s; %s before, %s left out", plural(added.Added, "device"), plan.Vendor, verb, plan.Zone, grouped(plan.Already), grouped(len(plan.Bad)))
		for _, p := range added.Posted {
			t.posted(p)
		}
	}), err)
}

// grouped is a number with commas between thousands.
func grouped(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
