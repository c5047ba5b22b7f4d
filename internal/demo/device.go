package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

const (
	port  = "2222"
	sshd  = "/usr/sbin/sshd"
	shell = "127.0.0.1:" + port
)

// device enrols this machine and starts its daemon and its sshd.
func device(ctx context.Context, s *stage) error {
	s.title("a device: it makes its own keys and only ever reads")
	anchor, err := s.anchor(ctx)
	if err != nil {
		return err
	}
	if err := s.hostKey(ctx); err != nil {
		return err
	}
	s.note("$ dpkid enroll %s...", anchor[:32])
	out, err := s.quiet(ctx, "dpkid", "enroll", anchor, "--name", "gate-7", "--network", "sandbox/network.toml", "--out", "gate-7.request", "--json")
	if err != nil {
		s.note("%s", out)
		return err
	}
	var enrolled struct{ Fingerprint string }
	if err := json.Unmarshal([]byte(out), &enrolled); err != nil {
		return err
	}
	s.note("fingerprint  %s", enrolled.Fingerprint)
	if err := s.launch(ctx, "dpkid", "run"); err != nil {
		return err
	}
	if _, err := s.show(ctx, nil, "device", "add", "gate-7.request", "--address", shell, "--fingerprint", enrolled.Fingerprint); err != nil {
		return err
	}
	if err := s.until(ctx, func() error { return s.ready(ctx) }); err != nil {
		return err
	}
	s.note("dpkid has found its keys in the store, opened them, and follows three logs")
	return s.sshd(ctx)
}

// ready: the daemon knows its zone and decides.
func (s *stage) ready(ctx context.Context) error {
	out, err := s.quiet(ctx, "dpkid", "status")
	if err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return nil
}

func (s *stage) hostKey(ctx context.Context) error {
	const key = "/etc/ssh/ssh_host_ed25519_key"
	if _, err := os.Stat(key); err == nil {
		return nil
	}
	_, err := s.quiet(ctx, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key)
	return err
}

// sshd starts the system's own sshd, on a port of its own, with Debian's kind of
// configuration and what dpkid adds to it.
func (s *stage) sshd(ctx context.Context) error {
	text := strings.Join([]string{
		"Include /etc/ssh/sshd_config.d/*.conf", "ListenAddress " + shell, "PidFile none", "HostKey /etc/ssh/ssh_host_ed25519_key",
		"PermitRootLogin prohibit-password", "PasswordAuthentication no", "KbdInteractiveAuthentication no", "LogLevel VERBOSE", "",
	}, "\n")
	if err := os.MkdirAll("/etc/ssh/sshd_config.d", 0o755); err != nil {
		return err
	}
	if err := write("/etc/ssh/sshd_config", text, 0o644); err != nil {
		return err
	}
	if _, err := s.run(ctx, func(line string) bool { return strings.HasPrefix(line, "wrote") }, "dpkid", "setup", "--accounts", "root", "--no-pam"); err != nil {
		return err
	}
	if err := s.launch(ctx, sshd, "-D", "-e"); err != nil {
		return err
	}
	return s.trustHost()
}

// trustHost lets the technician know the host, as whoever has been there does.
func (s *stage) trustHost() error {
	pub, err := os.ReadFile("/etc/ssh/ssh_host_ed25519_key.pub")
	if err != nil {
		return err
	}
	if err := os.MkdirAll("/root/.ssh", 0o700); err != nil {
		return err
	}
	return write("/root/.ssh/known_hosts", "[127.0.0.1]:"+port+" "+string(pub), 0o600)
}
