package admin

import (
	"errors"
	"io/fs"

	"golang.org/x/crypto/ssh"

	"dpki/admin/chainkey"
	"dpki/admin/fault"
	"dpki/admin/home"
	"dpki/bundle"
	"dpki/internal/file"
	"dpki/state"
)

// Identity is what `identity` shows. Nothing in it is secret.
type Identity struct {
	Account    string `json:"account,omitempty"`   // chain account; who only receives has none
	Signer     string `json:"signer,omitempty"`    // who has its key, where no file here does
	Recipient  string `json:"recipient"`           // age, where bundles are encrypted to
	SigningKey string `json:"signing_key"`         // fingerprint
	LoginKey   string `json:"login_key,omitempty"` // fingerprint of a person's own SSH key
	Folder     string `json:"folder"`
	Created    bool   `json:"created,omitempty"`
}

// NewIdentity is what `identity create` asks for.
type NewIdentity struct {
	// ChainKey, unless nil, is the text of a key file to take over.
	ChainKey []byte
	// External, unless nil, has the chain key: none is made here.
	External *chainkey.External
	// Passphrase encrypts a chain key that is not encrypted yet.
	Passphrase func() ([]byte, error)
}

// CreateIdentity makes what is not there yet of an administrator's own keys.
// Nothing that exists is replaced.
func CreateIdentity(h home.Home, n NewIdentity) (*Identity, error) {
	if err := home.Make(h.Config()); err != nil {
		return nil, fault.Folder(err)
	}
	_, err := chainkey.Address(h.ChainKey())
	haveKey := err == nil
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, keyProblem(err, h)
	}
	_, err = bundle.LoadIdentity(h.Identity())
	haveID := err == nil
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, because(err, Failed, "restore it from your copy", "the identity file cannot be used")
	}
	if haveKey && haveID {
		return nil, problem(Failed, "dpki identity show", "there is an identity in %s already", h.Config())
	}
	if haveKey && (n.ChainKey != nil || n.External != nil) {
		return nil, problem(Failed, "move it away first: "+h.ChainKey(), "there is a chain key already")
	}
	if !haveKey {
		if err := createChainKey(h, n); err != nil {
			return nil, err
		}
	}
	if !haveID {
		id, err := bundle.GenerateIdentity()
		if err != nil {
			return nil, err
		}
		if err := id.Save(h.Identity()); err != nil {
			return nil, because(err, Failed, "", "the identity could not be kept")
		}
	}
	shown, err := ShowIdentity(h)
	if err == nil {
		shown.Created = true
	}
	return shown, err
}

func createChainKey(h home.Home, n NewIdentity) error {
	if n.External != nil {
		return signerProblem(chainkey.Refer(h.ChainKey(), *n.External), h)
	}
	if n.ChainKey != nil && chainkey.IsKeystore(n.ChainKey) {
		_, err := chainkey.Import(h.ChainKey(), n.ChainKey, nil)
		return keyProblem(err, h)
	}
	secret, err := n.Passphrase()
	if err != nil {
		return err
	}
	if len(secret) == 0 {
		return problem(Usage, "give one on the terminal, by --passphrase-file or by --passphrase-fd", "the chain key needs a passphrase")
	}
	defer clear(secret)
	if n.ChainKey != nil {
		_, err = chainkey.Import(h.ChainKey(), n.ChainKey, secret)
	} else {
		_, err = chainkey.Create(h.ChainKey(), secret)
	}
	return keyProblem(err, h)
}

// ShowIdentity reads an administrator's own public keys.
func ShowIdentity(h home.Home) (*Identity, error) {
	id, err := LoadIdentity(h)
	if err != nil {
		return nil, err
	}
	login, err := LoginKey(h)
	if err != nil {
		return nil, err
	}
	shown, err := showIdentity(h, id, login)
	if err != nil {
		return nil, err
	}
	account, err := Account(h)
	if login != nil && errors.Is(err, fs.ErrNotExist) {
		return shown, nil // who only receives has no account
	}
	if err != nil {
		return nil, err
	}
	where, err := chainkey.Where(h.ChainKey())
	if err != nil {
		return nil, keyProblem(err, h)
	}
	shown.Account, shown.Signer = account.String(), where.URL
	return shown, nil
}

func showIdentity(h home.Home, id *bundle.Identity, login ssh.PublicKey) (*Identity, error) {
	signing, err := ssh.NewPublicKey(id.SigningKey().Public())
	if err != nil {
		return nil, err
	}
	shown := &Identity{Recipient: id.Recipient().String(), SigningKey: ssh.FingerprintSHA256(signing), Folder: h.Config()}
	if login != nil {
		shown.LoginKey = ssh.FingerprintSHA256(login)
	}
	return shown, nil
}

// LoadIdentity reads the identity file.
func LoadIdentity(h home.Home) (*bundle.Identity, error) {
	if err := h.Check(); err != nil {
		return nil, fault.Folder(err)
	}
	id, err := bundle.LoadIdentity(h.Identity())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, because(err, Usage, "dpki identity create; or restore "+h.Identity(), "there is no identity yet")
	case errors.Is(err, bundle.ErrFileMode):
		return nil, because(err, Failed, "chmod 600 "+h.Identity()+" if nobody else has read it", "the identity file is not safe")
	}
	return id, because(err, Failed, "restore it from your copy", "the identity file cannot be used")
}

// Account reads the chain account's address, without opening its key.
func Account(h home.Home) (state.Address, error) {
	a, err := chainkey.Address(h.ChainKey())
	return a, keyProblem(err, h)
}

// signerProblem says what is wrong with a signer that has the chain key.
func signerProblem(err error, h home.Home) error {
	switch {
	case errors.Is(err, chainkey.ErrURL):
		return because(err, Usage, "clef listens at unix:/PATH/clef.ipc, or with --http at http://127.0.0.1:8550", "there is no such signer")
	case errors.Is(err, chainkey.ErrSigner):
		return because(err, Later, "is it running, does it show the account, was it approved there? dpki identity show names it", "the external signer did not sign")
	}
	return keyProblem(err, h)
}

func keyProblem(err error, h home.Home) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return because(err, Usage, "dpki identity create; or restore "+h.ChainKey(), "there is no chain key yet")
	case errors.Is(err, file.ErrExists):
		return because(err, Failed, "nothing is replaced; move it away first", "the chain key is there already")
	case errors.Is(err, chainkey.ErrPassphrase):
		return because(err, Failed, "it is the one that was given to dpki identity create", "the chain key %s was not opened", h.ChainKey())
	case errors.Is(err, chainkey.ErrMode):
		return because(err, Failed, "chmod 600 it if nobody else has read it", "the chain key is not safe")
	}
	return because(err, Failed, "give a keystore V3 file or a file with 64 hex digits", "the chain key cannot be used")
}
