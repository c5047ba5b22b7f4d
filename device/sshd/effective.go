package sshd

import (
	"bytes"
	"context"
	"fmt"
	"strings"
)

// Server is an OpenSSH server's program and configuration.
type Server struct {
	Program string // absolute path
	Config  string // absolute path of its sshd_config
}

// Effective is what the configuration comes to for one login, by sshd's own
// account: keywords in lower case.
type Effective map[string][]string

// First is a keyword's first value, or empty.
func (e Effective) First(keyword string) string {
	if v := e[keyword]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// Test has sshd check its configuration (-t).
func (s Server) Test(ctx context.Context) error {
	out, err := run(ctx, s.Program, "-t", "-f", s.Config)
	if err != nil {
		return fmt.Errorf("sshd -t: %w: %s", err, firstLines(out))
	}
	return nil
}

// Effective asks what holds for an account (-T -C).
func (s Server) Effective(ctx context.Context, account string) (Effective, error) {
	out, err := run(ctx, s.Program, "-T", "-f", s.Config,
		"-C", "user="+account+",host=localhost,addr=127.0.0.1,laddr=127.0.0.1,lport=22")
	if err != nil {
		return nil, fmt.Errorf("sshd -T for %q: %w: %s", account, err, firstLines(out))
	}
	return parseEffective(string(out)), nil
}

// parseEffective reads `keyword value` lines. OpenSSH 9.2 writes the keywords in
// lower case, 10.6 as its manual spells them.
func parseEffective(text string) Effective {
	e := Effective{}
	for line := range strings.Lines(text) {
		keyword, value, ok := strings.Cut(strings.TrimRight(line, "\n"), " ")
		if ok {
			keyword = strings.ToLower(keyword)
			e[keyword] = append(e[keyword], value)
		}
	}
	return e
}

// firstLines are what a person needs of sshd's complaint.
func firstLines(out []byte) string {
	lines := bytes.SplitN(bytes.TrimSpace(out), []byte("\n"), 4)
	return string(bytes.Join(lines[:min(len(lines), 3)], []byte("; ")))
}
