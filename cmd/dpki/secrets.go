package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/urfave/cli/v2"
	"golang.org/x/crypto/ssh"
	"golang.org/x/term"

	"dpki/admin"
)

// maxSecrets bounds a passphrase file, in bytes.
const maxSecrets = 4096

// secrets gives passphrases: from the file or descriptor that was named, else
// from the terminal. Never from arguments or the environment, which others see.
type secrets struct {
	tool  *tool
	lines [][]byte // nil = ask
	asked map[string][]byte
}

func (t *tool) secretsOnce() (*secrets, error) {
	if t.secrets != nil {
		return t.secrets, nil
	}
	s := &secrets{tool: t, asked: map[string][]byte{}}
	var from io.ReadCloser
	switch {
	case t.passphraseFile != "" && t.passphraseFD >= 0:
		return nil, usage("--passphrase-file and --passphrase-fd exclude each other", "give one")
	case t.passphraseFile != "":
		f, err := os.Open(t.passphraseFile)
		if err != nil {
			return nil, &admin.Problem{Class: admin.Usage, Text: "the passphrase file cannot be read", Hint: "name a file of mode 0600 whose first line is the chain key's passphrase", Err: err}
		}
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o077 != 0 {
			f.Close()
			return nil, usage("the passphrase file "+t.passphraseFile+" may be read by others", "chmod 600 it")
		}
		from = f
	case t.passphraseFD >= 0:
		from = os.NewFile(uintptr(t.passphraseFD), "passphrase")
	}
	if from != nil {
		defer from.Close()
		b, err := io.ReadAll(io.LimitReader(from, maxSecrets+1))
		if err != nil {
			return nil, &admin.Problem{Class: admin.Usage, Text: "the passphrase cannot be read", Hint: "name a file of mode 0600, or the number of a descriptor that is open for reading", Err: err}
		}
		if len(b) > maxSecrets {
			return nil, usage("the passphrase file is too long", fmt.Sprintf("at most %d bytes", maxSecrets))
		}
		s.lines = bytes.Split(bytes.TrimSuffix(b, []byte("\n")), []byte("\n"))
	}
	t.secrets = s
	return s, nil
}

// chain is the passphrase of the chain key.
func (s *secrets) chain() ([]byte, error) { return s.get(0, "Passphrase of the chain key", false) }

// ca is the passphrase of a CA's key.
func (s *secrets) ca(what string) ([]byte, error) { return s.get(1, "Passphrase of "+what, false) }

func (s *secrets) newChain() ([]byte, error) {
	return s.get(0, "New passphrase for the chain key", true)
}

func (s *secrets) newCA(label string) ([]byte, error) {
	return s.get(1, "New passphrase for the key of CA "+label, true)
}

// signer opens the key that --key names: a private key's file, or the .pub file of
// one in the ssh-agent.
func (t *tool) signer(c *cli.Context) (ssh.Signer, io.Closer, error) {
	path := c.String("key")
	return admin.OpenSigner(c.Context, path, t.getenv("SSH_AUTH_SOCK"), func() ([]byte, error) {
		s, err := t.secretsOnce()
		if err != nil {
			return nil, err
		}
		return s.get(0, "Passphrase of the key "+path, false)
	})
}

// get returns a copy: whoever uses it wipes it.
func (s *secrets) get(line int, prompt string, twice bool) ([]byte, error) {
	if s.lines != nil {
		return bytes.TrimSuffix(bytes.Clone(s.lines[min(line, len(s.lines)-1)]), []byte("\r")), nil
	}
	if b, ok := s.asked[prompt]; ok {
		return bytes.Clone(b), nil
	}
	b, err := s.tool.askSecret(prompt)
	if err != nil {
		return nil, err
	}
	if twice {
		again, err := s.tool.askSecret("The same again")
		if err != nil {
			return nil, err
		}
		if !bytes.Equal(b, again) {
			return nil, &admin.Problem{Class: admin.Failed, Text: "the two passphrases differ", Hint: "nothing was made; try again"}
		}
	}
	s.asked[prompt] = bytes.Clone(b)
	return b, nil
}

// askSecret reads a line from the terminal without showing it. An interrupt
// while it waits leaves the terminal as it was.
func (t *tool) askSecret(prompt string) ([]byte, error) {
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return nil, usage("a passphrase is needed and there is no terminal to ask on", "give --passphrase-file FILE or --passphrase-fd N")
	}
	defer tty.Close()
	before, err := term.GetState(int(tty.Fd()))
	if err != nil {
		return nil, fmt.Errorf("terminal: %w", err)
	}
	fmt.Fprintf(tty, "%s: ", prompt)
	type answer struct {
		line []byte
		err  error
	}
	read := make(chan answer, 1)
	go func() {
		line, err := term.ReadPassword(int(tty.Fd()))
		read <- answer{line, err}
	}()
	select {
	case a := <-read:
		fmt.Fprintln(tty)
		return a.line, a.err
	case <-t.ctx.Done():
		return nil, errors.Join(t.ctx.Err(), term.Restore(int(tty.Fd()), before))
	}
}
