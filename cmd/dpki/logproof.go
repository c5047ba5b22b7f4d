package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"dpki/admin"
	"dpki/admin/home"
	"dpki/registry/audit"
	"dpki/registry/witness"
	"dpki/state"
)

func (t *tool) proveLog(c *cli.Context, d *admin.Desk) error {
	r, err := d.ProveLog(c.Context, c.Args().First(), c.String("export"))
	if err != nil {
		return err
	}
	return t.show(r, func() {
		if t.dryRun {
			t.sayf("would write %s with %d entries, proven in block %d, %d bytes", plural(r.Logs, "log"), r.Entries, r.Block, r.Bytes)
			return
		}
		t.sayf("%s with %d entries, proven in block %d, in %s", plural(r.Logs, "log"), r.Entries, r.Block, r.File)
		t.sayf("%s", r.BlockHash)
		if !r.Final {
			t.notef("block %d is not final yet: what is final stays", r.Block)
		}
		how := "--block HASH, from a node of their own"
		if r.Witnesses > 0 {
			how += fmt.Sprintf(", or --witness KEY: %d have signed it", r.Witnesses)
		}
		t.notef("others check it by dpki log --verify FILE --anchor %s and %s", d.Anchor, how)
	})
}

func (t *tool) disclose(c *cli.Context, d *admin.Desk) error {
	if c.NArg() > 0 {
		return usage(fmt.Sprintf("unexpected argument %q", c.Args().First()), "dpki log --disclose ID")
	}
	e, err := d.Disclose(c.Context, c.String("disclose"))
	if err != nil {
		return err
	}
	return t.show(e, func() {
		t.sayf("%s", e.Open)
		t.notef("it opens %s#%d, %s, and nothing else: %s", e.Scope, e.Seq, e.Kind, e.Text)
	})
}

func (t *tool) verifyLog(c *cli.Context) error {
	if c.NArg() > 0 {
		return usage(fmt.Sprintf("unexpected argument %q", c.Args().First()), "dpki log --verify FILE --anchor ANCHOR")
	}
	check, err := logCheck(c)
	if err != nil {
		return err
	}
	b, err := home.Read(c.String("verify"), audit.MaxSize)
	if err != nil {
		return &admin.Problem{Class: admin.Usage, Text: "the file cannot be read", Hint: "name one that dpki log --export wrote", Err: err}
	}
	r, err := admin.VerifyLog(b, check)
	if r == nil {
		return err
	}
	return errors.Join(t.show(r, func() {
		t.logLines(r.Lines, false)
		for _, s := range r.Verified {
			t.sayf("verified  %s", s)
		}
		for _, s := range r.Trusted {
			t.sayf("trusted   %s", s)
		}
	}), err)
}

// logCheck is what the flags say about whom to believe.
func logCheck(c *cli.Context) (check admin.LogCheck, err error) {
	if c.String("anchor") == "" {
		return check, usage("a file may be any organisation's", "give --anchor ANCHOR, and have it from elsewhere than the file")
	}
	if check.Anchor, err = admin.ParseAnchor(c.String("anchor")); err != nil {
		return check, err
	}
	if text := c.String("block"); text != "" {
		if check.Trust.Block, err = state.ParseWord(strings.ToLower(strings.TrimPrefix(text, "0x"))); err != nil || check.Trust.Block.IsZero() {
			return check, usage(fmt.Sprintf("--block %.80q is no block's hash", text), "give 0x and 64 hex digits")
		}
	}
	for _, text := range c.StringSlice("witness") {
		key, err := witness.ParseKey(text)
		if err != nil {
			return check, &admin.Problem{Class: admin.Usage, Text: fmt.Sprintf("--witness %.80q is no key", text), Hint: "dpki witness key FILE prints it", Err: err}
		}
		for _, k := range check.Trust.Witnesses {
			if k == key {
				return check, usage("a witness is named twice: it would agree with itself", "name each once")
			}
		}
		check.Trust.Witnesses = append(check.Trust.Witnesses, key)
	}
	check.Trust.Agree = len(check.Trust.Witnesses)
	if c.IsSet("agree") {
		if check.Trust.Agree = c.Int("agree"); check.Trust.Agree < 1 || check.Trust.Agree > len(check.Trust.Witnesses) {
			return check, usage(fmt.Sprintf("%d of %d witnesses cannot agree", check.Trust.Agree, len(check.Trust.Witnesses)), "name witnesses by --witness KEY, and --agree at most their number")
		}
	}
	for _, text := range c.StringSlice("open") {
		d, err := admin.ParseDisclosure(text)
		if err != nil {
			return check, err
		}
		check.Open = append(check.Open, d)
	}
	return check, nil
}
