package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"strings"
	"time"
)

// technician is who is let in: a key pair, ssh, and the certificate that the
// administrator sends.
type technician struct {
	grant, certificate string
}

// login is what the technician types.
func (t technician) login(command string) []string {
	return []string{"-i", "tech", "-o", "CertificateFile=" + t.certificate, "-p", port, "root@127.0.0.1", command}
}

// grant lets the technician in for five minutes.
func grant(ctx context.Context, s *stage) error {
	if _, err := s.quiet(ctx, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "technician", "-f", s.dir+"/tech"); err != nil {
		return err
	}
	s.title("the administrator grants root on gate-7 to a technician's key, for five minutes")
	out, err := s.show(ctx, func(line string) bool {
		return strings.HasPrefix(line, "granted") || strings.HasPrefix(line, "until") || strings.HasPrefix(line, "block")
	}, "grant", "gate-7", "--account", "root", "--for", "5m", "--key", "tech.pub", "--out", "tech-cert.pub")
	if err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	s.tech.certificate = "tech-cert.pub"
	if err := s.tech.find(ctx, s); err != nil {
		return err
	}
	if err := s.until(ctx, listening); err != nil {
		return err
	}
	s.title("the technician logs in, with ssh and nothing else")
	_, err = s.run(ctx, nil, "ssh", s.tech.login("echo $USER on $(uname -n), $SSH_CONNECTION")...)
	return err
}

// find takes the grant's identifier from the list.
func (t *technician) find(ctx context.Context, s *stage) error {
	out, err := s.quiet(ctx, "dpki", "--json", "grant", "list")
	if err != nil {
		return err
	}
	var list []struct{ ID string }
	if err := json.Unmarshal([]byte(out), &list); err != nil {
		return err
	}
	if len(list) != 1 {
		return fmt.Errorf("%d grants, want 1", len(list))
	}
	t.grant = list[0].ID[:12]
	return nil
}

func listening() error {
	c, err := net.DialTimeout("tcp", shell, time.Second)
	if err == nil {
		err = c.Close()
	}
	return err
}

// revoke takes it back, and the device refuses.
func revoke(ctx context.Context, s *stage) error {
	s.title("the administrator takes it back")
	if out, err := s.show(ctx, nil, "revoke", s.tech.grant); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	mined := time.Now()
	s.title("the same login again")
	for {
		out, err := s.quiet(ctx, "ssh", s.tech.login("true")...)
		var exit *exec.ExitError
		switch {
		case err == nil && time.Since(mined) < 10*time.Second:
			time.Sleep(50 * time.Millisecond)
			continue
		case err == nil:
			return errors.New("the revoked grant still lets in")
		case errors.As(err, &exit) && exit.ExitCode() == 255 && strings.Contains(out, "Permission denied"):
		default:
			return fmt.Errorf("%w\n%s", err, out)
		}
		s.note("$ %s", typed("ssh", s.tech.login("true")))
		s.note("%s", strings.TrimSpace(out))
		s.note("(refused %.1f s after the command above had returned)", time.Since(mined).Seconds())
		break
	}
	s.title("why, as the public log has it")
	out, err := s.show(ctx, func(line string) bool {
		return strings.HasPrefix(line, "answer") || strings.HasPrefix(line, "next") || strings.HasPrefix(line, "judged")
	}, "explain", "gate-7", "--account", "root", "--cert", "tech-cert.pub")
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 3 {
		return nil
	}
	return fmt.Errorf("explain did not say no: %w\n%s", err, out)
}
