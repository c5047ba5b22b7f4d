package desk

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"dpki/bundle"
	"dpki/internal/anchor"
	"dpki/internal/harness"
	"dpki/internal/network"
	"dpki/sshca"
	"dpki/state"
)

// Desk is the administrator of organisation acme with zone plant.
type Desk struct {
	*testing.T
	Dir        string // of the test's files; commands run in it
	Sandbox    *harness.Proc
	Network    string // the network file that administrator and devices use
	Passphrase string // the file with it
	Anchor     anchor.Anchor
}

// Result is how a command ended.
type Result struct {
	Code           int
	Stdout, Stderr string
	Took           time.Duration
}

// New starts a sandbox and makes the organisation. change, unless nil, edits the
// network file that everybody uses.
func New(t *testing.T, change func(*network.File)) *Desk {
	t.Helper()
	harness.Need(t, harness.Namespace)
	d := &Desk{T: t, Dir: t.TempDir()}
	sandbox := filepath.Join(d.Dir, "sandbox")
	d.Sandbox = harness.Start(t, harness.Command{
		Path: harness.Bin(t, "dpki-sandbox"), Args: []string{"--dir", sandbox, "--block-time", "1s"}, Ready: harness.Says("ready"),
	})
	d.Network, d.Passphrase = filepath.Join(sandbox, "network.toml"), filepath.Join(sandbox, "admin.passphrase")
	if change != nil {
		n, err := network.Load(d.Network)
		d.Must(err)
		change(&n)
		text, err := n.Marshal()
		d.Must(err)
		d.Network = filepath.Join(d.Dir, "network.toml")
		d.Must(os.WriteFile(d.Network, text, 0o600))
	}
	d.Dpki(0, "identity", "create", "--chain-key", filepath.Join(sandbox, "admin.json"))
	d.Dpki(0, "network", "use", d.Network)
	d.Dpki(0, "org", "create", "acme")
	d.Dpki(0, "zone", "create", "plant")
	var org struct{ Anchor anchor.Anchor }
	d.Decode(d.Dpki(0, "org", "show", "--json"), &org)
	d.Anchor = org.Anchor
	return d
}

// Home is the administrator's --home.
func (d *Desk) Home() string { return filepath.Join(d.Dir, "home") }

// CA opens the key of a CA as the administrator would.
func (d *Desk) CA(label string) ssh.Signer {
	d.Helper()
	ca, err := sshca.LoadKey(filepath.Join(d.Home(), "ca", label), func() ([]byte, error) {
		text, err := os.ReadFile(d.Passphrase)
		return bytes.TrimSpace(text), err
	})
	d.Must(err)
	return ca
}

// Request writes an enrolment request of an identity to a file.
func (d *Desk) Request(id *bundle.Identity, name string, host ssh.PublicKey) (file string, r *bundle.Request) {
	d.Helper()
	r, err := id.NewRequest(d.Anchor, name, strings.TrimSpace(string(ssh.MarshalAuthorizedKey(host))))
	d.Must(err)
	text, err := r.Marshal()
	d.Must(err)
	file = filepath.Join(d.Dir, name+".request")
	d.Must(os.WriteFile(file, text, 0o600))
	return file, r
}

// Device is the id of an enrolled device.
func (d *Desk) Device(name string) state.Word {
	d.Helper()
	var shown struct{ ID string }
	d.Decode(d.Dpki(0, "device", "show", name, "--json"), &shown)
	id, err := state.ParseWord(shown.ID)
	d.Must(err)
	return id
}

// Dpki runs the administrator's command and wants a status; -1 wants none.
func (d *Desk) Dpki(want int, args ...string) Result {
	d.Helper()
	return d.Run(want, d.Dir, harness.Bin(d.T, "dpki"), append([]string{"--home", d.Home(), "--passphrase-file", d.Passphrase}, args...)...)
}

// Run runs a program with a home, at most a minute, without a terminal to ask on.
func (d *Desk) Run(want int, home, program string, args ...string) Result {
	d.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = d.Dir
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=" + home, "TMPDIR=" + os.TempDir()}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	began := time.Now()
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		d.Fatalf("%s %q: %v", filepath.Base(program), args, err)
	}
	got := Result{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String(), time.Since(began)}
	if want >= 0 && got.Code != want {
		d.Fatalf("%s %q ended with %d, want %d\n%s%s", filepath.Base(program), args, got.Code, want, got.Stdout, got.Stderr)
	}
	return got
}

// Says fails the test unless the text holds all the words.
func (d *Desk) Says(text string, words ...string) {
	d.Helper()
	for _, w := range words {
		if !strings.Contains(text, w) {
			d.Errorf("no %q in\n%s", w, text)
		}
	}
}

// Decode reads what a command printed with --json.
func (d *Desk) Decode(got Result, v any) {
	d.Helper()
	d.Must(json.Unmarshal([]byte(got.Stdout), v))
}

// Must ends the test on an error.
func (d *Desk) Must(err error) {
	d.Helper()
	if err != nil {
		d.Fatal(err)
	}
}
