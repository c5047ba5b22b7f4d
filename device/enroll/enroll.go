package enroll

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"dpki/bundle"
	"dpki/device/config"
	"dpki/device/journal"
	"dpki/internal/anchor"
	"dpki/internal/file"
	"dpki/internal/network"
	"dpki/state"
)

// Why a device is not enrolled.
var (
	// ErrOtherAnchor: it belongs to another organisation.
	ErrOtherAnchor = errors.New("this device has another anchor")
	// ErrNetwork: there is no network file, or it is for another chain or contract.
	ErrNetwork = errors.New("network file")
)

// Request says what to enrol.
type Request struct {
	Anchor  anchor.Anchor
	Name    string
	HostKey string     // line of the SSH host key's .pub file
	Zone    state.Word // zero = any
	Network []byte     // text of the network file; nil = the one that is in place
}

// Result is an enrolment, ready to be shown to an administrator.
type Result struct {
	Request *bundle.Request
	Text    []byte // of the request: confidential
	Config  bool   // whether the configuration was written
}

// Enroll makes what is missing and the request. Called again it changes
// nothing and gives the same request, unless name or host key are others.
func Enroll(p config.Paths, r Request) (Result, error) {
	old, err := config.Load(p.Config())
	switch {
	case err == nil && old.Anchor != r.Anchor:
		return Result{}, ErrOtherAnchor
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return Result{}, err
	}
	known := err == nil
	if err := folders(p); err != nil {
		return Result{}, err
	}
	if err := placeNetwork(p, r); err != nil {
		return Result{}, err
	}
	id, err := identity(p.Identity())
	if err != nil {
		return Result{}, err
	}
	if err := makeJournal(p.Journal(), r.Anchor, known); err != nil {
		return Result{}, err
	}
	request, text, err := request(p.Request(), id, r)
	if err != nil {
		return Result{}, err
	}
	if known {
		return Result{request, text, false}, nil // an administrator's own file is not rewritten
	}
	// The configuration comes last: what it names is there.
	conf, err := config.Config{
		Anchor: r.Anchor, Name: r.Name, Zone: r.Zone,
		Profile: config.DefaultProfile, FetchUser: config.DefaultFetchUser, HelperUser: config.DefaultHelperUser, Sshd: config.DefaultSshd,
	}.Marshal()
	if err != nil {
		return Result{}, err
	}
	return Result{request, text, true}, file.Create(p.Config(), conf, 0o644)
}

// makeJournal: with a configuration in place there was a journal, and an empty
// one would accept any history.
func makeJournal(path string, a anchor.Anchor, known bool) error {
	if !known {
		err := journal.Create(path, a)
		if !errors.Is(err, journal.ErrExists) {
			return err
		}
	}
	j, err := journal.Open(path, a)
	if errors.Is(err, journal.ErrLocked) {
		return nil // the daemon runs, and has checked it
	}
	if errors.Is(err, journal.ErrAnchor) {
		return ErrOtherAnchor
	}
	if err != nil {
		return err
	}
	return j.Close()
}

// folders makes what the package would have made.
func folders(p config.Paths) error {
	for _, dir := range []struct {
		path string
		mode fs.FileMode
	}{{p.Etc, 0o755}, {p.BreakGlass(), 0o755}, {p.State, 0o711}} {
		if err := os.MkdirAll(dir.path, dir.mode); err != nil {
			return err
		}
	}
	if err := os.Chmod(p.State, 0o711); err != nil {
		return err
	}
	return errors.Join(config.CheckFolders(p.BreakGlass()), config.CheckFolders(p.State))
}

func placeNetwork(p config.Paths, r Request) error {
	if r.Network == nil {
		n, err := config.LoadNetwork(p.Network())
		if errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%w: none is given and there is none at %s", ErrNetwork, p.Network())
		} else if err != nil {
			return err
		}
		return fits(n, r.Anchor)
	}
	n, err := network.Parse(r.Network)
	if err != nil {
		return err
	}
	if err := fits(n, r.Anchor); err != nil {
		return err
	}
	return config.Write(p.Network(), r.Network, 0o600) // an endpoint's URL may hold an access key
}

func fits(n network.File, a anchor.Anchor) error {
	switch {
	case n.Registry() != a.Registry:
		return fmt.Errorf("%w: it is for chain %d, contract %v; the anchor names chain %d, contract %v",
			ErrNetwork, n.ChainID, n.Contract, a.Registry.ChainID, a.Registry.Contract)
	case len(n.Endpoints)+len(n.Mirrors) == 0:
		return fmt.Errorf("%w: it names neither an endpoint nor a mirror", ErrNetwork)
	}
	return nil
}

func identity(path string) (*bundle.Identity, error) {
	id, err := bundle.LoadIdentity(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return id, err
	}
	if id, err = bundle.GenerateIdentity(); err != nil {
		return nil, err
	}
	return id, id.Save(path)
}

// request gives the request that was made before, if it still fits: its
// fingerprint may have been read out already.
func request(path string, id *bundle.Identity, r Request) (*bundle.Request, []byte, error) {
	fresh, err := id.NewRequest(r.Anchor, r.Name, r.HostKey)
	if err != nil {
		return nil, nil, err
	}
	if text, err := config.Read(path, bundle.MaxRequest); err == nil {
		old, err := bundle.ParseRequest(text)
		if err == nil && old.Anchor == r.Anchor && old.Name == r.Name && old.HostKey == fresh.HostKey && old.SigningKey == fresh.SigningKey {
			return old, text, nil
		}
	}
	text, err := fresh.Marshal()
	if err != nil {
		return nil, nil, err
	}
	return fresh, text, config.Write(path, text, 0o600)
}
