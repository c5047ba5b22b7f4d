package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"

	"dpki/device/answer"
	"dpki/internal/harness"
	"dpki/internal/harness/machine"
	"dpki/internal/harness/sshd"
	"dpki/pam/session"
)

// PAM's lines of the two: one asks the module as well, as set-up writes it.
const (
	plainStack  = "auth required pam_deny.so\naccount required pam_permit.so\nsession required pam_permit.so\n"
	moduleStack = plainStack + "account [success=ignore default=bad] pam_dpki.so\nsession [success=ignore default=bad] pam_dpki.so\n"
)

// moduleDuel differs in the PAM module: its two questions to the daemon, and the cgroup that the session is put into.
func (d *bench) moduleDuel() duel {
	c := quiet()
	c.Command = machine.Helper
	c.Lines = append(c.Lines, "UsePAM yes")
	c.Path = d.service("sshd-module", moduleStack)
	ours := sshd.Start(d, c)
	c.Path, c.HostKeyFile = d.service("sshd-plain", plainStack), ours.HostKeyFile
	return d.warm(duel{ours, sshd.Start(d, c)})
}

// service makes an sshd with a PAM service of its own: the service is named for the program (sshd.c, __progname).
func (d *bench) service(name, stack string) string {
	d.Must(os.WriteFile("/etc/pam.d/"+name, []byte(stack), 0o644))
	program, err := harness.SshdPath()
	d.Must(err)
	path := filepath.Join(harness.RootDir(d), name)
	d.Must(os.Symlink(program, path))
	return path
}

// moduleLogins compares logins with the PAM module and without.
func (d *bench) moduleLogins(t *report, pairs int) {
	harness.InstallModule(d)
	before := d.opened()
	ours, theirs := d.fight(pairs, d.moduleDuel)
	if n := d.opened() - before; n < pairs {
		d.Fatalf("%d sessions were opened by %d logins", n, pairs)
	}
	compared(t, "login, PAM module : without", ours, theirs, 1.05)
}

// opened is how many sessions the audit has seen begin.
func (d *bench) opened() (n int) {
	for line := range bytes.Lines(d.AuditText()) {
		var r answer.SessionRecord
		d.Must(json.Unmarshal(line, &r))
		if r.Event == string(session.Opened) {
			n++
		}
	}
	return n
}
