package admin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"dpki/admin/home"
	"dpki/sshca"
	"dpki/sshca/profile"
	"dpki/state"
)

// caFor is the CA that signs for a zone: the newest that lives, is not kept back
// and whose key can be reached, so that making a new one is all that a change takes.
func (d *Desk) caFor(ctx context.Context, zone state.Word, use state.Kind) (ssh.Signer, io.Closer, error) {
	ca, err := d.signing(zone, use)
	if err != nil {
		return nil, nil, err
	}
	return d.signer(ctx, ca.CA.Key, ca.Label)
}

// signing is the CA that caFor opens.
func (d *Desk) signing(zone state.Word, use state.Kind) (knownCA, error) {
	live := 0
	var lone string // a key that lies there, and cannot be found
	for _, ca := range d.cas() {
		if ca.Scope != zone || ca.Kind != use || ca.standing != state.Live || d.prepared(ca.CA.Key) {
			continue
		}
		live++
		if d.whereKey(ca.CA.Key) != "" {
			return ca, nil
		}
		if lone == "" {
			lone = d.lonePrivate(ca.CA.Key)
		}
	}
	name, create, elsewhere := d.zoneName(zone), "dpki ca create LABEL --zone ", "; or grant with --uncertified, and its holder: dpki ca certify; to deliver that: dpki deliver user-key --cert"
	if use == state.KindCAHost {
		create, elsewhere = "dpki ca create LABEL --host --zone ", ""
	}
	if live == 0 {
		return knownCA{}, problem(Failed, create+name, "zone %s has no live %s CA", name, useName(use))
	}
	if lone != "" {
		return knownCA{}, withoutPublic(lone, "a CA of zone "+name)
	}
	return knownCA{}, problem(Failed, "put it and its .pub into "+d.Home.CAs()+" or an ssh-agent (SSH_AUTH_SOCK), or "+create+name+elsewhere,
		"the key of no live %s CA of zone %s is here", useName(use), name)
}

// whereKey says where the private half of a CA's key is: its file, "agent", or "".
func (d *Desk) whereKey(key state.Word) string {
	if path := d.caFileOf(key); path != "" {
		return path
	}
	if d.agentKey(key) != nil {
		return "agent"
	}
	return ""
}

// signer opens a CA's key: from its file, else from the agent.
func (d *Desk) signer(ctx context.Context, key state.Word, label string) (ssh.Signer, io.Closer, error) {
	if path := d.caFileOf(key); path != "" {
		s, err := sshca.LoadKey(path, func() ([]byte, error) { return d.Passphrase("CA " + label) })
		if err != nil {
			return nil, nil, because(err, Failed, "it is the passphrase that was given to dpki ca create", "the key of CA %s could not be opened", label)
		}
		return s, io.NopCloser(nil), nil
	}
	pub := d.agentKey(key)
	if lone := d.lonePrivate(key); pub == nil && lone != "" {
		return nil, nil, withoutPublic(lone, "CA "+label)
	}
	if pub == nil {
		return nil, nil, problem(Failed, "ssh-add it (is SSH_AUTH_SOCK set?), or put the private key and its .pub into "+d.Home.CAs(), "the private key of CA %s is neither in a file nor in an agent", label)
	}
	s, done, err := sshca.AgentSigner(ctx, d.AgentSocket, pub)
	return s, done, because(err, Failed, "see ssh-add -l", "the agent would not sign for CA %s", label)
}

// caFileOf finds the key file whose public half has this hash.
func (d *Desk) caFileOf(key state.Word) string {
	for _, private := range d.caFiles(key) {
		if _, err := os.Stat(private); err == nil {
			return private
		}
	}
	return ""
}

// caFiles are the places of a CA's key, by the public halves that lie there; the
// private one may be in an agent instead.
func (d *Desk) caFiles(key state.Word) []string {
	files, err := filepath.Glob(filepath.Join(d.Home.CAs(), "*.pub"))
	if err != nil {
		return nil
	}
	var places []string
	for _, f := range files {
		if pub, err := readPublic(f); err == nil && profile.Hash(pub) == key {
			places = append(places, strings.TrimSuffix(f, ".pub"))
		}
	}
	return places
}

// lonePrivate is a CA's private key in the folder, which nothing finds for want of
// its public half.
func (d *Desk) lonePrivate(key state.Word) string {
	files, err := os.ReadDir(d.Home.CAs())
	if err != nil {
		return ""
	}
	for _, f := range files {
		path := filepath.Join(d.Home.CAs(), f.Name())
		if !f.Type().IsRegular() || strings.HasSuffix(path, ".pub") {
			continue
		}
		if _, err := os.Lstat(path + ".pub"); err == nil {
			continue
		}
		if pub := publicOf(path); pub != nil && profile.Hash(pub) == key {
			return path
		}
	}
	return ""
}

// publicOf is the public half of an OpenSSH private key, which says it without its
// passphrase; nil for what is none.
func publicOf(path string) ssh.PublicKey {
	b, err := home.Read(path, 64<<10)
	if err != nil {
		return nil
	}
	defer clear(b)
	s, err := ssh.ParsePrivateKey(b)
	if locked := (*ssh.PassphraseMissingError)(nil); errors.As(err, &locked) {
		return locked.PublicKey
	}
	if err != nil {
		return nil
	}
	return s.PublicKey()
}

func withoutPublic(path, of string) error {
	return problem(Failed, fmt.Sprintf("make it: ssh-keygen -y -f %s > %s.pub", path, path), "the private key of %s lies at %s without %s.pub, by which it is found", of, path, filepath.Base(path))
}

// agentKey finds the key with this hash in the agent.
func (d *Desk) agentKey(key state.Word) ssh.PublicKey {
	if d.AgentSocket == "" {
		return nil
	}
	conn, err := net.DialTimeout("unix", d.AgentSocket, 2*time.Second)
	if err != nil {
		return nil
	}
	defer conn.Close()
	if conn.SetDeadline(time.Now().Add(5*time.Second)) != nil {
		return nil
	}
	keys, err := agent.NewClient(conn).List()
	if err != nil {
		return nil
	}
	for _, k := range keys {
		pub, err := ssh.ParsePublicKey(k.Blob)
		if err == nil && profile.Hash(pub) == key {
			return pub
		}
	}
	return nil
}

func (d *Desk) caFile(label string) string { return filepath.Join(d.Home.CAs(), label) }

// readPublic reads a public key file: one line of authorized_keys form.
func readPublic(path string) (ssh.PublicKey, error) {
	b, err := home.Read(path, 64<<10)
	if err != nil {
		return nil, err
	}
	pub, _, _, _, err := ssh.ParseAuthorizedKey(b)
	if err != nil {
		return nil, fmt.Errorf("%s is not an OpenSSH public key", path)
	}
	return pub, nil
}

// ReadPublicKey reads the public key of a key file that somebody names: the
// .pub file itself, or the one beside a private key.
func ReadPublicKey(path string) (ssh.PublicKey, error) {
	pub, err := readPublic(path)
	if err != nil {
		if beside, err2 := readPublic(path + ".pub"); err2 == nil {
			pub, err = beside, nil
		}
	}
	if err != nil {
		hint := "name an OpenSSH public key file, such as id_ed25519.pub"
		if errors.Is(err, fs.ErrNotExist) {
			hint = "make one: ssh-keygen -t ed25519 -f " + strings.TrimSuffix(path, ".pub")
		}
		return nil, because(err, Usage, hint, "the key could not be read")
	}
	if _, ok := pub.(*ssh.Certificate); ok {
		return nil, problem(Usage, "name the plain public key; grant makes the certificate", "%s is a certificate", path)
	}
	return pub, because(profile.Accepted(pub), Usage, "use Ed25519, ECDSA on a NIST curve, RSA of 2,048 to 8,192 bits, or a security key", "%s cannot be granted anything", path)
}
