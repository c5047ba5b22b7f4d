package login

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// Key is a key pair made for one login.
type Key struct {
	private ed25519.PrivateKey
	public  ssh.PublicKey
}

// NewKey makes a key.
func NewKey() (*Key, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("login: %w", err)
	}
	public, err := ssh.NewPublicKey(private.Public())
	if err != nil {
		return nil, fmt.Errorf("login: %w", err)
	}
	return &Key{private: private, public: public}, nil
}

// Public is the half that is granted something.
func (k *Key) Public() ssh.PublicKey { return k.public }

// Session is one run of ssh.
type Session struct {
	Key     *Key
	Cert    *ssh.Certificate // nil where the zone lets the plain key in
	Until   time.Time        // when the agent forgets the key
	Account string
	Address string // HOST:PORT
	HostKey string // "<type> <base64>", of the roster
	Alias   string // what the host key is known by, d-<device id>.dpki
	// Known are ssh's options by which the host is known, instead of HostKey alone.
	Known []string
	Args  []string
	// Program is the ssh to run; empty is ssh in PATH.
	Program string

	Stdin          io.Reader
	Stdout, Stderr io.Writer
}

// ErrNoSSH says that there is no ssh program.
var ErrNoSSH = errors.New("there is no ssh program in PATH")

// Run runs ssh and returns its exit status. The error is about what came before
// ssh ran.
func (s *Session) Run(ctx context.Context) (status int, err error) {
	program := s.Program
	if program == "" {
		if program, err = exec.LookPath("ssh"); err != nil {
			return 0, ErrNoSSH
		}
	}
	dir, err := os.MkdirTemp("", "dpki-ssh-") // 0700
	if err != nil {
		return 0, fmt.Errorf("login: %w", err)
	}
	defer os.RemoveAll(dir)
	if err := s.files(dir); err != nil {
		return 0, fmt.Errorf("login: %w", err)
	}
	stop, err := s.agent(filepath.Join(dir, "agent"))
	if err != nil {
		return 0, fmt.Errorf("login: agent: %w", err)
	}
	defer stop()
	args, err := s.args(dir)
	if err != nil {
		return 0, err
	}
	cmd := exec.Command(program, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = s.Stdin, s.Stdout, s.Stderr
	return run(ctx, cmd)
}

// run lets ssh have the terminal's signals: ^C goes to the remote side and must
// not end this process before it has revoked.
func run(ctx context.Context, cmd *exec.Cmd) (int, error) {
	interrupts := make(chan os.Signal, 8)
	signal.Notify(interrupts, os.Interrupt, syscall.SIGQUIT)
	defer signal.Stop(interrupts)
	if err := cmd.Start(); err != nil {
		return 0, fmt.Errorf("login: %w", err)
	}
	done := make(chan struct{})
	go func() {
		select {
		case <-ctx.Done():
			_ = cmd.Process.Signal(syscall.SIGTERM)
		case <-done:
		}
	}()
	err := cmd.Wait()
	close(done)
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0, nil
	case errors.As(err, &exit) && exit.Exited():
		return exit.ExitCode(), nil
	case errors.As(err, &exit):
		return 255, nil // ended by a signal
	}
	return 0, fmt.Errorf("login: %w", err)
}

const (
	keyName   = "key.pub"
	certName  = "key-cert.pub"
	hostsName = "known_hosts"
)

func (s *Session) files(dir string) error {
	write := func(name, content string) error {
		return os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600)
	}
	if err := write(keyName, string(ssh.MarshalAuthorizedKey(s.Key.public))); err != nil {
		return err
	}
	if s.Cert != nil {
		if err := write(certName, string(ssh.MarshalAuthorizedKey(s.Cert))); err != nil {
			return err
		}
	}
	return write(hostsName, s.Alias+" "+strings.TrimSpace(s.HostKey)+"\n")
}

// args are ssh's. What the user gives comes last but cannot undo these: ssh
// takes the first value of an option.
func (s *Session) args(dir string) ([]string, error) {
	host, port, err := net.SplitHostPort(s.Address)
	if err != nil {
		return nil, fmt.Errorf("login: address %q: %w", s.Address, err)
	}
	options := []string{
		"IdentityAgent=" + filepath.Join(dir, "agent"), "IdentitiesOnly=yes", "IdentityFile=" + filepath.Join(dir, keyName),
		"PreferredAuthentications=publickey", "ControlMaster=no", "ControlPath=none",
	}
	options = append(options, s.known(dir)...)
	if s.Cert != nil {
		options = append(options, "CertificateFile="+filepath.Join(dir, certName))
	}
	var args []string
	for _, o := range options {
		args = append(args, "-o", o)
	}
	args = append(args, "-p", port, "-l", s.Account)
	flags, command := splitArgs(s.Args)
	args = append(append(args, flags...), "--", host)
	return append(args, command...), nil
}

// known are the options by which the host is known.
func (s *Session) known(dir string) []string {
	if s.Known != nil {
		return s.Known
	}
	options := []string{
		"HostKeyAlias=" + s.Alias, "UserKnownHostsFile=" + filepath.Join(dir, hostsName), "GlobalKnownHostsFile=/dev/null",
		"StrictHostKeyChecking=yes", "UpdateHostKeys=no", "VerifyHostKeyDNS=no",
	}
	if key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(s.HostKey)); err == nil {
		options = append(options, "HostKeyAlgorithms="+hostAlgorithms(key.Type()))
	}
	return options
}

// hostAlgorithms are the signature algorithms of a host key's type: a server
// with several keys shall show the one that the roster knows.
func hostAlgorithms(keyType string) string {
	if keyType == ssh.KeyAlgoRSA {
		return ssh.KeyAlgoRSASHA512 + "," + ssh.KeyAlgoRSASHA256
	}
	return keyType
}

// valued are ssh's options that take a value (ssh(1), OpenSSH 9.2).
const valued = "BbcDEeFIiJLlmOoPpQRSWw"

// OptionLength is how many arguments an option of ssh's takes: 2 where its value
// is the next one.
func OptionLength(option string) int {
	if n := strings.IndexAny(option[1:], valued); n >= 0 && n+2 == len(option) {
		return 2
	}
	return 1
}

// splitArgs tells ssh's own options, which stand before the host, from the
// command, which stands behind it.
func splitArgs(args []string) (flags, command []string) {
	i := 0
	for i < len(args) && len(args[i]) > 1 && args[i][0] == '-' {
		if args[i] == "--" {
			return args[:i], args[i+1:]
		}
		i += OptionLength(args[i])
	}
	i = min(i, len(args))
	return args[:i], args[i:]
}

// agent serves the one key on a socket until stop is called.
func (s *Session) agent(path string) (stop func(), err error) {
	left := time.Until(s.Until).Round(time.Second)
	if left <= 0 {
		return nil, errors.New("the grant has ended")
	}
	keyring := agent.NewKeyring()
	// Twice: ssh looks for the plain key to sign with, whatever certificate it
	// has shown; who uses a forwarded agent finds the certificate there.
	for _, cert := range []*ssh.Certificate{nil, s.Cert} {
		add := agent.AddedKey{PrivateKey: s.Key.private, Certificate: cert, LifetimeSecs: uint32(left / time.Second), Comment: "dpki " + s.Alias}
		if err := keyring.Add(add); err != nil {
			return nil, err
		}
		if s.Cert == nil {
			break
		}
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				_ = agent.ServeAgent(readOnly{keyring}, c)
			}()
		}
	}()
	return func() { l.Close(); _ = keyring.RemoveAll() }, nil
}

// readOnly is an agent that lists and signs. With agent forwarding the remote
// side can reach it, and shall not put keys into it.
type readOnly struct{ agent.Agent }

var errReadOnly = errors.New("this agent takes no keys")

func (readOnly) Add(agent.AddedKey) error   { return errReadOnly }
func (readOnly) Remove(ssh.PublicKey) error { return errReadOnly }
func (readOnly) RemoveAll() error           { return errReadOnly }
func (readOnly) Lock([]byte) error          { return errReadOnly }
func (readOnly) Unlock([]byte) error        { return errReadOnly }
