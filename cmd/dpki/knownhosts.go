package main

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"github.com/urfave/cli/v2"

	"dpki/admin"
)

// knownHostsTime bounds the whole command: ssh waits for it with every connection
// and has no limit of its own.
const knownHostsTime = 10 * time.Second

func (t *tool) knownHostsCommand() *cli.Command {
	return verb("known-hosts", "HOST [TYPE KEY]", "print what ssh may take for a device's host key: KnownHostsCommand's answer to %H %t %K", 1, 3, t.knownHosts)
}

func (t *tool) knownHosts(c *cli.Context) error {
	d, err := t.open()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.Context, knownHostsTime)
	defer cancel()
	lines, err := d.KnownHosts(ctx, admin.PresentedKey{Host: c.Args().Get(0), Type: c.Args().Get(1), Key: c.Args().Get(2)})
	if err != nil {
		return err
	}
	return t.show(append([]string{}, lines...), func() {
		for _, l := range lines {
			t.sayf("%s", l)
		}
	})
}

// asksKnownHosts is this program as KnownHostsCommand, for the same organisation.
// ssh starts it in whatever folder.
func (t *tool) asksKnownHosts() ([]string, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	command := []string{self}
	if t.home != "" {
		dir, err := filepath.Abs(t.home)
		if err != nil {
			return nil, usage(err.Error(), "give --home a folder")
		}
		command = append(command, "--home", dir)
	}
	if t.network != "" {
		file := t.network
		if filepath.Base(file) != file || filepath.Ext(file) == ".toml" { // a path, not a kept name
			if file, err = filepath.Abs(file); err != nil {
				return nil, usage(err.Error(), "give --network a file")
			}
		}
		command = append(command, "--network", file)
	}
	if t.org != "" {
		command = append(command, "--org", t.org)
	}
	return append(command, "known-hosts"), nil
}
