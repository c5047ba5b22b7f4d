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
	type answer struct {
		lines []string
		err   error
	}
	answered := make(chan answer, 1)
	go func() {
		lines, err := d.KnownHosts(ctx, admin.PresentedKey{Host: c.Args().Get(0), Type: c.Args().Get(1), Key: c.Args().Get(2)})
		answered <- answer{lines, err}
	}()
	var lines []string
	select {
	case a := <-answered:
		if lines, err = a.lines, a.err; err != nil {
			return err
		}
	case <-time.After(knownHostsTime + time.Second): // whatever does not mind its deadline
		t.desk = nil // it is still at work
		return &admin.Problem{Class: admin.Later, Text: "the host could not be looked up in time", Hint: "dpki network check"}
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
