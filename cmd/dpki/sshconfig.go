package main

import (
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"dpki/admin"
	"dpki/admin/home"
)

func (t *tool) sshConfigCommand() *cli.Command {
	return verb("ssh-config", "", "write what ssh_config includes to know every device by its verified state, without a prompt", 0, 0, t.sshConfig,
		&cli.StringFlag{Name: "out", Usage: "write to `FILE`; - is the standard output (default: ssh_config beside the configuration)"})
}

func (t *tool) sshConfig(c *cli.Context) error {
	if received, err := t.personSSHConfig(c); received || err != nil {
		return err
	}
	d, err := t.open()
	if err != nil {
		return err
	}
	command, err := t.asksKnownHosts()
	if err != nil {
		return err
	}
	written, err := d.SSHConfig(c.Context, command)
	if err != nil {
		return err
	}
	if len(written.Skipped) > 0 {
		t.notef("left out, for want of an address: %s", strings.Join(written.Skipped, ", "))
	}
	path := c.String("out")
	switch {
	case path == "-":
		t.sayf("%s", strings.TrimSuffix(written.Text, "\n"))
		return nil
	case path == "":
		path = filepath.Join(d.Home.Config(), "ssh_config")
	}
	if path, err = filepath.Abs(path); err != nil {
		return usage(err.Error(), "name a file with --out")
	}
	if first, _, _ := strings.Cut(written.Text, "\n"); c.IsSet("out") {
		if err := overOwn(path, first); err != nil {
			return err
		}
	}
	if t.dryRun {
		return t.would("%s would have %s; nothing was written", path, plural(written.Devices, "device"))
	}
	if err := home.Replace(path, []byte(written.Text)); err != nil {
		return &admin.Problem{Class: admin.Failed, Text: "the file for ssh could not be written", Hint: "name another with --out", Err: err}
	}
	return t.show(map[string]any{"file": path, "devices": written.Devices}, func() {
		t.notef("%s has %s; above everything else in ~/.ssh/config:", path, plural(written.Devices, "device"))
		t.sayf("Include %s", path)
	})
}
