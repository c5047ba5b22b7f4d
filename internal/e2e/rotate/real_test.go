package rotate

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/crypto/ssh"

	"dpki/internal/harness"
	"dpki/internal/harness/desk"
	"dpki/internal/harness/machine"
	"dpki/internal/harness/sshd"
)

// realDevice is a device of dpkid and sshd. Several stand on one machine, each with
// folders of its own where dpkid has its only ones.
type realDevice struct {
	name, dir string
	request   string // its enrolment request
	sshd      *sshd.Server
	daemon    *harness.Proc
}

// newReal enrols it, which nobody has answered yet.
func newReal(d *desk.Desk, name string) *realDevice {
	d.Helper()
	m := &realDevice{name: name, dir: harness.RootDir(d.T)}
	m.request = filepath.Join(m.dir, name+".request")
	for _, at := range []string{"/etc/dpki", "/var/lib/dpki", "/run/dpki", m.dir + "/etc", m.dir + "/var", m.dir + "/run"} {
		d.Must(os.MkdirAll(at, 0o755))
	}
	// Its sshd takes what is delivered, and is told by its pid.
	d.Must(os.MkdirAll(m.dir+"/ssh/sshd_config.d", 0o755))
	m.sshd = sshd.Start(d.T, sshd.Config{Path: m.within(d, "/usr/sbin/sshd"), Command: machine.Helper, Lines: []string{
		"PidFile " + m.dir + "/ssh/sshd.pid", "Include " + m.dir + "/ssh/sshd_config.d/*.conf",
	}})
	d.Must(os.Symlink(m.sshd.ConfigFile, m.dir+"/ssh/sshd_config"))
	d.Must(os.WriteFile(m.dir+"/etc/deliveries.toml", fmt.Appendf(nil, "version = 1\nsshd_config = %q\n", m.dir+"/ssh/sshd_config"), 0o644))
	host := filepath.Join(m.dir, "host.pub")
	d.Must(os.WriteFile(host, ssh.MarshalAuthorizedKey(m.sshd.Host), 0o644))
	d.Run(0, "/root", m.within(d, harness.Bin(d.T, "dpkid")), "enroll", d.Anchor.String(), "--name", name, "--host-key", host, "--network", d.Network, "--out", m.request)
	return m
}

// within is a program that runs another among the device's own folders.
func (m *realDevice) within(d *desk.Desk, program string) string {
	d.Helper()
	path := filepath.Join(m.dir, filepath.Base(program))
	d.Must(os.WriteFile(path, fmt.Appendf(nil, `#!/bin/sh
exec unshare --mount --propagation private sh -c '
mount --bind %[1]s/etc /etc/dpki && mount --bind %[1]s/var /var/lib/dpki && mount --bind %[1]s/run /run/dpki && exec %[2]s "$@"' sh "$@"
`, m.dir, program), 0o755))
	return path
}

// run starts its daemon.
func (m *realDevice) run(d *desk.Desk) {
	d.Helper()
	dpkid := m.within(d, harness.Bin(d.T, "dpkid"))
	m.daemon = harness.Start(d.T, harness.Command{
		Path: dpkid, Args: []string{"run"}, Env: []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root"},
		Ready: func(context.Context, *harness.Proc) error {
			if got := d.Run(-1, "/root", dpkid, "status"); got.Stdout == "" {
				return fmt.Errorf("no status: %s", got.Stderr)
			}
			return nil
		},
	})
}

// login is a real login as alice.
func (m *realDevice) login(d *desk.Desk, c sshd.Client) sshd.Result {
	return m.sshd.Login(d.T, c, "true")
}
