package apply

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/crypto/ssh"

	"dpki/bundle"
	"dpki/device"
	"dpki/device/config"
	"dpki/device/sshd"
	"dpki/sshca/profile"
	"dpki/state"
)

// refusal is a reason that will not go away: the delivery is settled with it.
type refusal struct{ text string }

func (r refusal) Error() string { return r.text }

func refused(format string, args ...any) error { return refusal{fmt.Sprintf(format, args...)} }

// Why a delivery waits.
var (
	// ErrCA: the zone does not trust the CA that signed, now.
	ErrCA = errors.New("the zone does not trust its CA")
	// ErrHostKey: sshd uses no host key that the certificate is for.
	ErrHostKey = errors.New("sshd has no such host key")
)

// set is what one delivery comes to on this machine.
type set struct {
	installed
	files  []target
	folder string // to be made; empty = it is there
	check  []string
	reload []string
	sshd   bool // sshd checks and reads it
	ends   bool // it is taken away
}

// target is one file as it is to be.
type target struct {
	path     string
	content  []byte
	mode     fs.FileMode
	uid, gid int
}

// plan says what a material comes to, once its CA was found to be trusted.
// Nothing is written.
func (a *Applier) plan(ctx context.Context, m device.Material) (*set, error) {
	s := &set{installed: installed{Purpose: bundle.Purpose(m.Fact.Purpose), Mailbox: m.Fact.Scope, Delivered: device.Delivered{
		Subject: m.Fact.Subject, Purpose: bundle.Purpose(m.Fact.Purpose).String(), Seq: m.Fact.Seq, Time: m.Now, Until: m.Fact.Until, Result: bundle.Applied,
	}}}
	var err error
	switch s.Purpose {
	case bundle.PurposeUserKey:
		err = a.planUserKey(s, m)
	case bundle.PurposeHostCertificate:
		err = a.planHost(ctx, s, m)
	case bundle.PurposeCA:
		err = a.planTrust(s, m)
	case bundle.PurposeFiles:
		err = a.planFiles(s, m)
	default:
		err = refused("%v is nothing that is delivered", s.Purpose)
	}
	if errors.Is(err, bundle.ErrMalformed) || errors.Is(err, bundle.ErrTooLarge) {
		err = refused("%v", err)
	}
	if err != nil {
		return s, err
	}
	for _, f := range s.files {
		s.Paths = append(s.Paths, f.path)
	}
	return s, nil
}

// settle finds the place and the owner of a set.
func (a *Applier) settle(s *set) (place, target, error) {
	where := a.places.of(s.id())
	s.folder, s.check, s.reload = where.folder, where.check, where.reload
	uid, gid, err := where.ids()
	return where, target{uid: uid, gid: gid}, err
}

func (a *Applier) planUserKey(s *set, m device.Material) error {
	u, err := bundle.ParseUserKey(m.Content)
	if err != nil {
		return err
	}
	s.Name = u.Name
	cert, err := u.Cert()
	if err != nil {
		return err
	}
	if !m.Trusted(profile.Hash(cert.SignatureKey), state.KindCAUser) {
		return fmt.Errorf("%w: %s", ErrCA, ssh.FingerprintSHA256(cert.SignatureKey))
	}
	where, owned, err := a.settle(s)
	if err != nil {
		return err
	}
	key := filepath.Join(where.folder, u.Name)
	if len(u.PrivateKey) == 0 {
		// Made here: the certificate is of no use to another key.
		if there, err := publicKey(key + ".pub"); err != nil || !bytes.Equal(there.Marshal(), cert.Key.Marshal()) {
			return fmt.Errorf("%s.pub is not the key that the certificate is for", key)
		}
	} else {
		s.files = append(s.files, owned.with(key, u.PrivateKey, 0o600), owned.with(key+".pub", ssh.MarshalAuthorizedKey(cert.Key), 0o644))
	}
	s.files = append(s.files, owned.with(key+"-cert.pub", ssh.MarshalAuthorizedKey(cert), 0o644))
	return nil
}

func (a *Applier) planTrust(s *set, m device.Material) error {
	t, err := bundle.ParseTrust(m.Content)
	if err != nil {
		return err
	}
	s.Name = t.Name
	keys, err := t.Keys()
	if err != nil {
		return err
	}
	var text []byte
	name := t.Name + ".pub"
	for _, k := range keys {
		if !m.Trusted(profile.Hash(k), t.Kind()) {
			return fmt.Errorf("%w: %s", ErrCA, ssh.FingerprintSHA256(k))
		}
		if t.Use == bundle.ForHosts {
			name = t.Name + ".known_hosts"
			text = append(text, "@cert-authority d-*.dpki "...)
		}
		text = append(text, ssh.MarshalAuthorizedKey(k)...)
	}
	where, owned, err := a.settle(s)
	if err != nil {
		return err
	}
	s.files = []target{owned.with(filepath.Join(where.folder, name), text, 0o644)}
	return nil
}

func (a *Applier) planFiles(s *set, m device.Material) error {
	f, err := bundle.ParseFiles(m.Content)
	if err != nil {
		return err
	}
	s.Name = f.Name
	where, owned, err := a.settle(s)
	if err != nil {
		return err
	}
	for i := range f.Files {
		mode, err := f.Files[i].Perm()
		if err != nil {
			return err
		}
		s.files = append(s.files, owned.with(filepath.Join(where.folder, f.Files[i].Path), f.Files[i].Content, mode))
	}
	return nil
}

// hostName is the only name of a host certificate's set: a device proves itself
// with one.
const hostName = "host"

func (a *Applier) planHost(ctx context.Context, s *set, m device.Material) error {
	s.Name = hostName
	h, err := bundle.ParseHostCertificate(m.Content)
	if err != nil {
		return err
	}
	certs, names, err := h.Certs()
	if err != nil {
		return err
	}
	if names != m.Device {
		return refused("the host certificate is for device %v", names)
	}
	if !m.Trusted(profile.Hash(certs[0].SignatureKey), state.KindCAHost) {
		return fmt.Errorf("%w: %s", ErrCA, ssh.FingerprintSHA256(certs[0].SignatureKey))
	}
	s.HostKey, err = a.hostKey(ctx, certs[0].Key, len(h.PrivateKey) > 0)
	if err != nil {
		return err
	}
	s.Ahead = h.Certificates
	if len(h.PrivateKey) > 0 {
		where := target{uid: os.Geteuid(), gid: os.Getegid()}
		s.files = []target{where.with(s.HostKey, h.PrivateKey, 0o600), where.with(s.HostKey+".pub", ssh.MarshalAuthorizedKey(certs[0].Key), 0o644)}
	}
	return a.planWindow(s, certs, m.Now)
}

// planWindow adds the certificate of the window that holds now and the lines that
// have sshd use it. Of several windows the latest to have begun counts, so that
// the next is in use well before the last one ends.
func (a *Applier) planWindow(s *set, certs []*ssh.Certificate, now uint64) error {
	var present *ssh.Certificate
	for _, c := range certs {
		if c.ValidAfter > now {
			break
		}
		s.Window = c.ValidAfter
		if now < c.ValidBefore {
			present = c
		}
	}
	if present == nil {
		return fmt.Errorf("no host certificate is valid at %d", now)
	}
	s.sshd = true
	path, where := s.HostKey+"-cert.pub", target{uid: os.Geteuid(), gid: os.Getegid()}
	s.files = append(s.files, where.with(path, ssh.MarshalAuthorizedKey(present), 0o644),
		where.with(a.dropIn(), []byte(dropInText+"HostCertificate "+path+"\n"), 0o644))
	return nil
}

const dropInText = "# Written by dpkid for a delivered host certificate. Changes are lost.\n"

// dropIn is where sshd is told of the certificate.
func (a *Applier) dropIn() string {
	return filepath.Join(filepath.Dir(a.places.SshdConfig), "sshd_config.d", "10-dpki-host.conf")
}

// hostKey finds sshd's host key file that a certificate is for: the one that
// holds the key, or, where a new key comes with it, the one of its type.
func (a *Applier) hostKey(ctx context.Context, key ssh.PublicKey, fresh bool) (string, error) {
	e, err := a.server().Effective(ctx, "root")
	if err != nil {
		return "", err
	}
	for _, path := range e["hostkey"] {
		there, err := publicKey(path + ".pub")
		if err != nil || strings.ContainsAny(path, " \t\"'\\%") {
			continue
		}
		if fresh && there.Type() == key.Type() || bytes.Equal(there.Marshal(), key.Marshal()) {
			return path, nil
		}
	}
	return "", fmt.Errorf("%w: %s", ErrHostKey, ssh.FingerprintSHA256(key))
}

func (a *Applier) server() sshd.Server {
	return sshd.Server{Program: a.program, Config: a.places.SshdConfig}
}

func publicKey(path string) (ssh.PublicKey, error) {
	text, err := config.Read(path, 64<<10)
	if err != nil {
		return nil, err
	}
	k, _, _, _, err := ssh.ParseAuthorizedKey(text)
	return k, err
}

func (t target) with(path string, content []byte, mode fs.FileMode) target {
	t.path, t.content, t.mode = path, content, mode
	return t
}

// stands reports whether the file is already what it is to be.
func (t target) stands(b before) bool {
	return b.Exists && bytes.Equal(b.Content, t.content) && b.Mode == t.mode && b.UID == t.uid && b.GID == t.gid
}

// look reads what stands at a place: a plain file of at most a bundle's size in
// folders that are root's alone, or nothing.
func look(path string) (before, error) {
	b := before{Path: path}
	// First: what others may put in its place between two looks is not even read.
	if err := config.CheckFolders(filepath.Dir(path)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return b, err
	}
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return b, nil
	case err != nil:
		return b, err
	case !info.Mode().IsRegular():
		return b, fmt.Errorf("%s is %v: %w", path, info.Mode(), config.ErrUnsafe)
	}
	if info.Size() > bundle.MaxBlock {
		return b, fmt.Errorf("%s has %d bytes: it is not replaced", path, info.Size())
	}
	b.Exists, b.Mode = true, info.Mode().Perm()
	b.UID, b.GID = owner(info)
	b.Content, err = os.ReadFile(path)
	return b, err
}
