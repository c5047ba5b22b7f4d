package admin

import (
	"context"
	"fmt"
	"net"
	"strings"

	"dpki/admin/sshconfig"
	"dpki/sshca/profile"
)

// SSHConfig is a part of ssh_config(5), to be included.
type SSHConfig struct {
	Text    string
	Devices int
	// Skipped are devices whose address nobody has said.
	Skipped []string
}

// SSHConfig writes an entry for each device: where it is, and by whom it is known.
// command is the absolute path and the arguments of KnownHostsCommand, to which
// the presented key is added.
func (d *Desk) SSHConfig(ctx context.Context, command []string) (*SSHConfig, error) {
	asks, err := sshconfig.KnownHostsCommand(command)
	if err != nil {
		return nil, err
	}
	devices, err := d.Devices(ctx, "", false)
	if err != nil {
		return nil, err
	}
	named := map[string]int{}
	for _, v := range devices {
		named[v.Name]++
	}
	out := &SSHConfig{}
	var b strings.Builder
	fmt.Fprintf(&b, "# Written by dpki ssh-config; write it again when devices come or go.\n")
	for _, v := range devices {
		full := v.Zone + "/" + v.Name
		host, port, err := net.SplitHostPort(v.Address)
		if err != nil {
			out.Skipped = append(out.Skipped, full)
			continue
		}
		m, err := d.findDevice(full)
		if err != nil {
			return nil, err
		}
		patterns := sshconfig.Names(v.Zone, v.Name, named[v.Name] == 1)
		fmt.Fprintf(&b, "\nHost %s\n    HostName %s\n    Port %s\n", strings.Join(patterns, " "), host, port)
		for _, o := range sshconfig.HostOptions(profile.HostPrincipal(m.Device), m.HostKey, asks) {
			name, value, _ := strings.Cut(o, "=")
			fmt.Fprintf(&b, "    %s %s\n", name, value)
		}
		out.Devices++
	}
	out.Text = b.String()
	return out, nil
}
