package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
	"golang.org/x/crypto/ssh"

	"dpki/admin"
	"dpki/admin/login"
	"dpki/admin/sshconfig"
	"dpki/bundle"
)

// sshFailed is ssh's own status for "could not log in", and ours.
const sshFailed = 255

func (t *tool) sshCommand() *cli.Command {
	return verb("ssh", "DEVICE [-- SSH-ARGS]", "log in with a key made for this once; revoke the grant afterwards", 1, -1, t.ssh, append([]cli.Flag{
		&cli.StringFlag{Name: "account", Aliases: []string{"a"}, Usage: "`ACCOUNT` on the device", Value: "root"},
		&cli.StringFlag{Name: "for", Usage: "how long at most: `DURATION`", Value: "5m"},
		&cli.StringFlag{Name: "address", Usage: "`HOST:PORT` instead of the one that is kept"},
		&cli.BoolFlag{Name: "keep", Usage: "leave the grant to end by itself"},
	}, allowFlags()...)...)
}

// ssh has ssh's exit status, and 255 for whatever fails before or around it, as
// ssh itself has: a script that looks for 255 need not know the difference.
func (t *tool) ssh(c *cli.Context) error {
	err := t.sshOnce(c)
	if err != nil && t.status == 0 {
		t.status = sshFailed
	}
	return err
}

func (t *tool) sshOnce(c *cli.Context) error {
	length, err := admin.ParseDuration(c.String("for"))
	if err != nil {
		return err
	}
	d, err := t.open()
	if err != nil {
		return err
	}
	device, account := c.Args().First(), c.String("account")
	host, err := t.host(c, d, device)
	if err != nil {
		return err
	}
	known, err := t.hostOptions(host)
	if err != nil {
		return err
	}
	key, err := login.NewKey()
	if err != nil {
		return err
	}
	granted, err := d.Grant(c.Context, admin.GrantRequest{
		Targets: []string{device}, Account: account, For: length, Key: key.Public(), Flags: admin.GrantFlags(c.Bool), Label: c.String("label"), From: strings.Join(c.StringSlice("from"), ","), AtOnce: true,
	})
	if err != nil {
		return err
	}
	if t.dryRun {
		return t.show(granted, func() { t.posted(granted.Posted) })
	}
	g := granted.Grants[0]
	t.notef("%s on %s until %s, grant %s", g.Account, host.Name, g.Until, g.ID[:12])
	s := &login.Session{
		Key: key, Cert: g.Cert, Until: time.Unix(int64(g.Until), 0), Account: account, Address: host.Address, HostKey: host.HostKey,
		Alias: host.Alias, Known: known, Args: c.Args().Tail(), Stdin: t.stdin, Stdout: t.stdout, Stderr: t.stderr,
	}
	t.status, err = s.Run(c.Context)
	ended := !time.Now().Before(s.Until)
	switch {
	case ended:
		t.notef("grant %s has ended, and what it let in with it; --for says how long the next one lasts", g.ID[:12])
	case err == nil && t.status == sshFailed:
		t.whyNot(c.Context, d, device, account, key, g)
	}
	if !c.Bool("keep") && !ended { // what has ended need not be paid for
		t.revokeAfter(c.Context, d, g)
	}
	return err
}

// host is the device as the roster has it, with --address in place of its address.
func (t *tool) host(c *cli.Context, d *admin.Desk, device string) (*admin.Host, error) {
	address := c.String("address")
	if address != "" && !bundle.ValidAddress(address) {
		return nil, usage(fmt.Sprintf("%.80q is not an address", address), "write HOST:PORT, as gate-7.example:22")
	}
	return d.Host(c.Context, device, address)
}

// hostOptions have ssh ask about a host certificate; a zone without a host CA is
// asked nothing, the key that was enrolled is all that counts.
func (t *tool) hostOptions(host *admin.Host) ([]string, error) {
	if !host.Certified {
		return nil, nil
	}
	command, err := t.asksKnownHosts()
	if err != nil {
		return nil, err
	}
	asks, err := sshconfig.KnownHostsCommand(command)
	if err != nil {
		return nil, err
	}
	return sshconfig.HostOptions(host.Alias, host.HostKey, asks), nil
}

// whyNot says what the log has to say about a login that failed.
func (t *tool) whyNot(ctx context.Context, d *admin.Desk, device, account string, key *login.Key, g *admin.Grant) {
	var shown ssh.PublicKey = key.Public()
	if g.Cert != nil {
		shown = g.Cert
	}
	e, err := d.WhyNot(ctx, device, account, shown)
	var p *admin.Problem
	switch {
	case errors.As(err, &p) && p.Class == admin.Failed: // the device itself is gone
		t.notef("ssh failed: %v", err)
		fmt.Fprintf(t.stderr, "dpki: hint: %s\n", p.Hint)
	case err != nil:
		t.notef("ssh failed; why cannot be said: %v", err)
	case e.Allow:
		t.notef("ssh failed, and not for want of a grant: at block %d the log lets this key in. Is %s reached, does it have the account %s, is dpkid running there (dpkid status), does its sshd ask it for that account (dpkid doctor)?", e.Block, g.Device, account)
	default:
		t.notef("%s would refuse: %s", e.Device, e.Reason)
		fmt.Fprintf(t.stderr, "dpki: hint: %s\n", e.Hint)
	}
}

// revokeAfter runs also when the command was interrupted.
func (t *tool) revokeAfter(ctx context.Context, d *admin.Desk, g *admin.Grant) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	if _, err := d.RevokeGrant(ctx, g); err != nil {
		t.notef("grant %s was not revoked and lasts until %s: %v", g.ID[:12], g.Until, err)
		return
	}
	t.notef("grant %s revoked", g.ID[:12])
}
