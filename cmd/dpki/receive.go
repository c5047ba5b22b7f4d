package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/urfave/cli/v2"

	"dpki/admin"
	"dpki/admin/receive"
)

func (t *tool) receiveCommand() *cli.Command {
	return verb("receive", "", "fetch, check and install what was delivered to you; needs no account and no root", 0, 0, t.receive,
		&cli.BoolFlag{Name: "watch", Usage: "go on: look every so often until interrupted"},
		&cli.StringFlag{Name: "every", Value: "15s", Usage: "with --watch: `DURATION` between two looks"})
}

func (t *tool) receive(c *cli.Context) error {
	every, err := admin.ParseDuration(c.String("every"))
	if err != nil {
		return err
	}
	if t.dryRun {
		return usage("dpki receive has no --dry-run", "it changes nothing but its own folder; dpki deliver list is the administrator's")
	}
	r, err := t.receiver()
	if err != nil {
		return err
	}
	if !c.Bool("watch") {
		got, err := r.Receive(c.Context)
		if err != nil {
			return err
		}
		t.receiverWarnings(r)
		if err := t.show(got, func() { t.printReception(got, false) }); err != nil {
			return err
		}
		return receptionProblem(got)
	}
	return t.receiveOn(c.Context, r, every)
}

// receiveOn looks until it is interrupted. It tells what is new, and a trouble once.
func (t *tool) receiveOn(ctx context.Context, r *receive.Receiver, every time.Duration) error {
	told := ""
	for {
		got, err := r.Receive(ctx)
		if ctx.Err() != nil {
			return nil
		}
		trouble := err
		if err == nil {
			t.receiverWarnings(r)
			if err := t.show(got, func() { t.printReception(got, true) }); err != nil {
				return err
			}
			trouble = receptionProblem(got)
		}
		var p *admin.Problem
		if errors.As(err, &p) && p.Class == admin.Usage {
			return err
		}
		if now := text(trouble); now != told {
			if told = now; now != "" {
				t.notef("%s", now)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(every):
		}
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return admin.OneLine(err)
}

// receiver puts a person's side together. Nothing is asked of the network yet.
func (t *tool) receiver() (*receive.Receiver, error) {
	h, conf, err := t.config()
	if err != nil {
		return nil, err
	}
	name, o, err := t.organisation(conf)
	if err != nil {
		return nil, err
	}
	n, err := t.networkFile(h, o.Network)
	if err != nil {
		return nil, err
	}
	if err := sameNetwork(n, o.Anchor); err != nil {
		return nil, err
	}
	id, err := admin.LoadIdentity(h)
	if err != nil {
		return nil, err
	}
	login, err := admin.LoginKey(h)
	if err != nil {
		return nil, err
	}
	mirrors, err := dialMirrors(n)
	if err != nil {
		return nil, err
	}
	log, err := openLedger(n, o.Anchor, mirrors, filepath.Join(h.State(o.Anchor.Org), "ledger.json"))
	if err != nil {
		return nil, err
	}
	stores, err := openStores(h, n)
	if err != nil {
		return nil, err
	}
	var takers []receive.ReceiptTaker
	for _, m := range mirrors {
		takers = append(takers, m)
	}
	return receive.New(receive.Config{
		Home: h, Folder: h.Received(name), Anchor: o.Anchor, Network: n, Identity: id, LoginKey: login, Ledger: log, Stores: stores, Receipts: takers,
	}), nil
}

func (t *tool) receiverWarnings(r *receive.Receiver) {
	for _, w := range r.Warnings() {
		if !t.quiet {
			fmt.Fprintf(t.stderr, "dpki: warning: %s\n", w)
		}
	}
}

// printReception prints what there is, or only what is new.
func (t *tool) printReception(got *receive.Reception, fresh bool) {
	for _, v := range got.Received {
		switch {
		case v.Outcome == receive.Removed:
			t.sayf("%s %s of zone %s was taken away: it was revoked, replaced, or has ended", v.Purpose, v.Name, v.Zone)
		case v.Outcome != receive.Installed && !fresh:
			t.sayf("%s: %s %s of zone %s: %s", v.Outcome, v.Purpose, orDash(v.Name), v.Zone, v.Why)
		case v.New:
			t.sayf("received %s %s of zone %s, until %v: %s", v.Purpose, v.Name, v.Zone, v.Until, v.Path)
		case v.Outcome == receive.Installed && !fresh:
			t.sayf("there is %s %s of zone %s, until %v: %s", v.Purpose, v.Name, v.Zone, v.Until, v.Path)
		}
	}
	if got.SSHConfig != "" && !fresh {
		t.notef("above everything else in ~/.ssh/config, once: Include %s", got.SSHConfig)
	}
}

// receptionProblem is why not everything is as it should be, nil where it is.
func receptionProblem(got *receive.Reception) error {
	live := 0
	for _, p := range got.Places {
		if !p.Retired {
			live++
		}
	}
	refused, waiting := got.Count(receive.Refused), got.Count(receive.Waiting)
	switch {
	case len(got.Places) == 0:
		return &admin.Problem{Class: admin.Later, Text: "you are not enrolled in this organisation yet", Hint: "hand an administrator your request: dpki identity request; the fingerprint by another way"}
	case live == 0:
		return &admin.Problem{Class: admin.No, Text: "you were retired: what you had received was taken away", Hint: "ask an administrator; a new enrolment takes a new identity"}
	case refused > 0:
		return &admin.Problem{Class: admin.No, Text: fmt.Sprintf("of what was delivered %d cannot be used: %s", refused, firstWhy(got, receive.Refused)), Hint: "tell who delivered it; what was in use before is in use"}
	case waiting > 0:
		return &admin.Problem{Class: admin.Later, Text: fmt.Sprintf("of what was delivered %d cannot be used yet: %s", waiting, firstWhy(got, receive.Waiting)), Hint: "try again; dpki network show names the stores"}
	}
	return nil
}

func firstWhy(got *receive.Reception, outcome string) string {
	for _, v := range got.Received {
		if v.Outcome == outcome {
			return v.Purpose + " " + v.Name + ": " + v.Why
		}
	}
	return ""
}
