package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/urfave/cli/v2"

	"dpki/admin"
	"dpki/admin/login"
)

func (t *tool) rotateCommand() *cli.Command {
	return verb("rotate", "[DEVICE...]", "renew what ends soon, for a timer; or have devices make new host keys", 0, -1, t.rotate,
		&cli.BoolFlag{Name: "due", Usage: "whatever has less than a third of its time left; what this account may not enter is listed and left"},
		&cli.BoolFlag{Name: "pull", Usage: "log in to each `DEVICE` as root, have it make a host key, and certify that; its enrolment identity signs it"},
		&cli.StringFlag{Name: "host-key-file", Usage: "with --pull: the present host key's `FILE` on the device (default: sshd's own)"},
		&cli.StringFlag{Name: "each", Value: "30d", Usage: "how long one host certificate is valid: `DURATION`"},
		&cli.IntFlag{Name: "ahead", Value: 6, Usage: "certify `N` windows of a host ahead"})
}

func (t *tool) rotate(c *cli.Context) error {
	if c.Bool("due") == c.Bool("pull") || c.Bool("pull") != (c.NArg() > 0) {
		return usage("rotate what?", "dpki rotate --due, or dpki rotate --pull DEVICE; a CA: dpki ca prepare; a zone's key: dpki zone rekey")
	}
	each, err := admin.ParseDuration(c.String("each"))
	if err != nil {
		return err
	}
	if c.Bool("pull") {
		return t.rotatePull(c, each)
	}
	d, err := t.open()
	if err != nil {
		return err
	}
	done, err := d.RotateDue(c.Context, admin.RotateDue{Windows: c.Int("ahead"), Each: each})
	if done == nil {
		return err
	}
	shown := t.show(done, func() {
		for _, r := range done.Rotations {
			what := fmt.Sprintf("%s of %s: %s", r.What, r.Name, r.Why)
			switch {
			case r.Left != "":
				t.sayf("left  %s; %s", what, r.Left)
			case t.dryRun:
				t.sayf("due  %s", what)
			case err == nil:
				t.sayf("renewed  %s", what)
			}
		}
		for _, p := range done.Posted {
			t.posted(p)
		}
		if len(done.Rotations) == 0 {
			t.notef("nothing is due")
		}
	})
	if err == nil {
		err = shown
	}
	return err
}

// rotatePull has each device make a host key, one after the other: what fails ends it.
func (t *tool) rotatePull(c *cli.Context, each time.Duration) error {
	d, err := t.open()
	if err != nil {
		return err
	}
	for _, device := range c.Args().Slice() {
		p, err := d.PullHostKey(c.Context, device, c.String("host-key-file"), c.Int("ahead"), each)
		if err != nil {
			return err
		}
		if t.dryRun {
			if err := t.would("%s would make a host key", p.Host.Name); err != nil {
				return err
			}
			continue
		}
		if err := t.pull(c.Context, d, device, p); err != nil {
			return err
		}
	}
	return nil
}

// pull is one session with a device, under a grant of its own.
func (t *tool) pull(ctx context.Context, d *admin.Desk, device string, p *admin.Pull) error {
	known, err := t.hostOptions(p.Host)
	if err != nil {
		return err
	}
	key, err := login.NewKey()
	if err != nil {
		return err
	}
	granted, err := d.Grant(ctx, admin.GrantRequest{Targets: []string{device}, Account: "root", For: 5 * time.Minute, Key: key.Public(), Label: "rotate", AtOnce: true})
	if err != nil {
		return err
	}
	g := granted.Grants[0]
	defer t.revokeAfter(ctx, d, g)
	// Pipes of the system: ssh ends although nobody has answered it.
	printed, prints, err := os.Pipe()
	if err != nil {
		return err
	}
	defer printed.Close()
	asked, answers, err := os.Pipe()
	if err != nil {
		return errors.Join(err, prints.Close())
	}
	s := &login.Session{
		Key: key, Cert: g.Cert, Until: time.Unix(int64(g.Until), 0), Account: "root", Address: p.Host.Address, HostKey: p.Host.HostKey,
		Alias: p.Host.Alias, Known: known, Args: []string{"-T", "--", p.Script}, Stdin: asked, Stdout: prints, Stderr: t.stderr,
	}
	type end struct {
		status int
		err    error
	}
	ended := make(chan end, 1)
	go func() {
		status, err := s.Run(ctx)
		prints.Close()
		asked.Close()
		ended <- end{status, err}
	}()
	done, err := p.Exchange(ctx, printed, answers)
	answers.Close()
	e := <-ended
	switch {
	case err != nil:
		return errors.Join(err, e.err)
	case e.err != nil:
		return e.err
	case e.status != 0:
		return &admin.Problem{Class: admin.Failed, Text: fmt.Sprintf("%s has not put its new host key in place, status %d", p.Host.Name, e.status), Hint: "run it again"}
	}
	return t.showDeliveries(done, nil)
}
