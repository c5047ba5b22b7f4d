package admin

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/crypto/ssh"

	"dpki/admin/fault"
	"dpki/admin/home"
	"dpki/bundle"
	"dpki/internal/anchor"
	"dpki/internal/file"
	"dpki/sshca/profile"
)

// CreatePerson makes what is not there yet of the keys of somebody who receives and
// writes nothing: an identity, and the SSH key by which he logs in elsewhere. key,
// unless empty, names the public key that he has already; then none is made. It
// needs neither a chain key nor a network. Nothing that exists is replaced.
func CreatePerson(h home.Home, key string) (*Identity, error) {
	if err := home.Make(h.Config()); err != nil {
		return nil, fault.Folder(err)
	}
	made := false
	id, err := bundle.LoadIdentity(h.Identity())
	if errors.Is(err, fs.ErrNotExist) {
		if id, err = bundle.GenerateIdentity(); err == nil {
			err = id.Save(h.Identity())
		}
		made = true
	}
	if err != nil {
		return nil, because(err, Failed, "restore it from your copy", "the identity file cannot be used")
	}
	login, err := LoginKey(h)
	if err == nil && login == nil {
		made = true
		login, err = createLoginKey(h, key)
	} else if err == nil && key != "" {
		err = sameKey(h, login, key)
	}
	if err != nil {
		return nil, err
	}
	shown, err := showIdentity(h, id, login)
	if err == nil {
		shown.Created = made
	}
	return shown, err
}

// LoginKey is the public half of a person's own SSH key, nil for none.
func LoginKey(h home.Home) (ssh.PublicKey, error) {
	key, err := readPublic(h.LoginKey() + ".pub")
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err == nil:
		err = profile.Accepted(key)
	}
	return key, because(err, Failed, "restore it: ssh-keygen -y -f "+h.LoginKey()+" prints it", "the login key %s.pub cannot be used", h.LoginKey())
}

// createLoginKey makes a pair, or points to the key that somebody has: ssh finds a
// hardware token's, or an agent's, by the public half alone.
func createLoginKey(h home.Home, path string) (ssh.PublicKey, error) {
	if info, err := os.Lstat(h.LoginKey()); err == nil && info.Mode().IsRegular() {
		return restoreLoginKey(h, path)
	}
	if path == "" {
		key, private, err := newPair()
		if err != nil {
			return nil, err
		}
		defer clear(private)
		// The private half first: without the public one there is no key yet.
		if err := home.Replace(h.LoginKey(), private); err != nil {
			return nil, because(err, Failed, "", "the login key could not be kept")
		}
		return key, keepLoginKey(h, key)
	}
	key, err := ReadPublicKey(path)
	if err != nil {
		return nil, err
	}
	if err := profile.Accepted(key); err != nil {
		return nil, because(err, Usage, "use an Ed25519 or ECDSA key, or RSA of 2048 bits or more", "the key %s cannot log in", path)
	}
	private, err := filepath.Abs(strings.TrimSuffix(path, ".pub"))
	if err == nil {
		if err = os.Remove(h.LoginKey()); errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
	}
	if err == nil {
		err = os.Symlink(private, h.LoginKey())
	}
	if err != nil {
		return nil, because(err, Failed, "", "the login key could not be kept")
	}
	return key, keepLoginKey(h, key)
}

// restoreLoginKey writes the public half of the key that is there: whoever was
// interrupted between the two, or has lost it, has no other copy of the private one.
func restoreLoginKey(h home.Home, path string) (ssh.PublicKey, error) {
	text, err := file.ReadSecret(h.LoginKey(), maxLoginKey, file.NoLinks)
	if err != nil {
		return nil, because(err, Failed, "move it away", "the login key could not be read")
	}
	defer clear(text)
	signer, err := ssh.ParsePrivateKey(text)
	if err != nil {
		return nil, because(err, Failed, "ssh-keygen -y -f "+h.LoginKey()+" > "+h.LoginKey()+".pub, or move it away", "there is a login key %s without its public half", h.LoginKey())
	}
	if path != "" {
		if err := sameKey(h, signer.PublicKey(), path); err != nil {
			return nil, err
		}
	}
	return signer.PublicKey(), keepLoginKey(h, signer.PublicKey())
}

// maxLoginKey bounds a private key's file, in bytes: RSA of 16,384 bits fits.
const maxLoginKey = 32 << 10

func keepLoginKey(h home.Home, key ssh.PublicKey) error {
	return because(home.Publish(h.LoginKey()+".pub", ssh.MarshalAuthorizedKey(key)), Failed, "", "the login key could not be kept")
}

func sameKey(h home.Home, login ssh.PublicKey, path string) error {
	key, err := ReadPublicKey(path)
	if err == nil && profile.Hash(key) != profile.Hash(login) {
		err = problem(Failed, "move both away first: "+h.LoginKey()+" and "+h.LoginKey()+".pub; then ask to be enrolled again", "another login key is in use here")
	}
	return err
}

// RequestEnrolment is what a person gives to an administrator: it holds the
// mailbox's secret.
func RequestEnrolment(h home.Home, org anchor.Anchor, name string) (*bundle.Request, error) {
	id, err := LoadIdentity(h)
	if err != nil {
		return nil, err
	}
	login, err := LoginKey(h)
	if err != nil {
		return nil, err
	}
	text := ""
	if login != nil {
		text = profile.Line(login)
	}
	r, err := id.NewPersonRequest(org, name, text)
	return r, because(err, Usage, "names have 1 to 63 of a-z 0-9 . _ -, the first a letter or digit", "the request cannot be made")
}
