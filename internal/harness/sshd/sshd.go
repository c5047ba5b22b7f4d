package sshd

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dpki/internal/harness"
	"dpki/internal/harness/sshkey"

	"golang.org/x/crypto/ssh"
)

// A Config is what differs between tests. The zero value serves nobody: no helper, and no AuthorizedKeysFile.
type Config struct {
	// Command is AuthorizedKeysCommand with its arguments, User is AuthorizedKeysCommandUser (default dpki-authkeys).
	Command, User string
	// Lines are further lines of sshd_config, and come first.
	Lines []string
	// Path is another sshd; empty means the one that harness.SshdPath finds.
	Path string
	// HostKeyFile is the host key of another Server, to share it; empty makes a new one.
	HostKeyFile string
	// HostCertificate, when not nil, makes and returns a certificate for the host key, in authorized_keys form.
	HostCertificate func(host ssh.PublicKey) []byte
}

// A Server is a running sshd.
type Server struct {
	*harness.Proc
	Port        int
	Host        ssh.PublicKey
	HostKeyFile string
	KnownHosts  string // path of a known_hosts file that holds just this server
	ConfigFile  string // rewrite it and send SIGHUP to change the configuration
}

// Start starts sshd as whoever runs the test: as root, in the namespace, it serves every account; otherwise only the
// tester's own.
func Start(t testing.TB, c Config) *Server {
	t.Helper()
	harness.Need(t, harness.Sshd)
	path := c.Path
	if path == "" {
		path, _ = harness.SshdPath()
	}
	dir := t.TempDir()
	s := &Server{Port: harness.FreePort(t), ConfigFile: filepath.Join(dir, "sshd_config"), KnownHosts: filepath.Join(dir, "known_hosts")}

	keyFile := c.HostKeyFile
	if keyFile == "" {
		keyFile = filepath.Join(dir, "host_key")
		sshkey.New(t).Save(t, keyFile)
	}
	s.HostKeyFile, s.Host = keyFile, readHostKey(t, keyFile)
	write(t, s.KnownHosts, fmt.Sprintf("[127.0.0.1]:%d %s", s.Port, ssh.MarshalAuthorizedKey(s.Host)), 0o644)

	lines := append([]string{}, c.Lines...)
	if c.HostCertificate != nil {
		write(t, keyFile+"-cert.pub", string(c.HostCertificate(s.Host)), 0o644)
		lines = append(lines, "HostCertificate "+keyFile+"-cert.pub")
	}
	if c.Command != "" {
		user := c.User
		if user == "" {
			user = "dpki-authkeys"
		}
		lines = append(lines, "AuthorizedKeysCommand "+c.Command, "AuthorizedKeysCommandUser "+user)
	}
	lines = append(lines,
		fmt.Sprintf("ListenAddress 127.0.0.1:%d", s.Port),
		"HostKey "+keyFile,
		"PidFile none",
		"AuthorizedKeysFile none",
		"PermitRootLogin prohibit-password",
		"PasswordAuthentication no",
		"KbdInteractiveAuthentication no",
		"UsePAM no",
		"LogLevel DEBUG1",
		"MaxStartups 1000",
		"Subsystem sftp internal-sftp",
	)
	write(t, s.ConfigFile, strings.Join(lines, "\n")+"\n", 0o600)

	s.Proc = harness.Start(t, harness.Command{
		Path:  path,
		Args:  []string{"-D", "-e", "-f", s.ConfigFile},
		Ready: harness.Says(fmt.Sprintf("Server listening on 127.0.0.1 port %d", s.Port)),
	})
	return s
}

// Addr is the address a client connects to.
func (s *Server) Addr() string { return fmt.Sprintf("127.0.0.1:%d", s.Port) }

func readHostKey(t testing.TB, path string) ssh.PublicKey {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ssh.ParsePrivateKey(text)
	if err != nil {
		t.Fatal(err)
	}
	return key.PublicKey()
}

func write(t testing.TB, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}
