package home

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"dpki/state"
)

// Errors of folders.
var (
	// ErrMode: the folder belongs to somebody else or is open to others.
	ErrMode = errors.New("folder must be the user's own, mode 0700")
	// ErrNowhere: neither --home nor HOME nor the XDG variables say where.
	ErrNowhere = errors.New("no home folder")
)

// Home is one administrator's folders.
type Home struct {
	config, state string
}

// New places the folders. override is --home, and then holds everything; else
// the XDG base directories and HOME decide, as getenv gives them.
func New(override string, getenv func(string) string) (Home, error) {
	if override != "" {
		abs, err := filepath.Abs(override)
		if err != nil {
			return Home{}, fmt.Errorf("home: %w", err)
		}
		return Home{config: abs, state: filepath.Join(abs, "state")}, nil
	}
	config, err := xdg(getenv, "XDG_CONFIG_HOME", ".config")
	if err != nil {
		return Home{}, err
	}
	cache, err := xdg(getenv, "XDG_STATE_HOME", ".local/state")
	return Home{config: config, state: cache}, err
}

// xdg follows the XDG base directory specification: a relative path counts as unset.
func xdg(getenv func(string) string, name, fallback string) (string, error) {
	if dir := getenv(name); filepath.IsAbs(dir) {
		return filepath.Join(dir, "dpki"), nil
	}
	if dir := getenv("HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, fallback, "dpki"), nil
	}
	return "", fmt.Errorf("%w: %s and HOME are not set", ErrNowhere, name)
}

// Config is the folder of configuration and keys.
func (h Home) Config() string { return h.config }

// State is the folder of an organisation's cache.
func (h Home) State(org state.Word) string { return filepath.Join(h.state, org.String()) }

// Blocks is the folder of the blocks that were read for an organisation.
func (h Home) Blocks(org state.Word) string { return filepath.Join(h.State(org), "blocks") }

// Identity is the file of the bundle identity.
func (h Home) Identity() string { return filepath.Join(h.config, "identity") }

// ChainKey is the keystore file of the chain key.
func (h Home) ChainKey() string { return filepath.Join(h.config, "chain-key.json") }

// LoginKey is a person's own SSH key for logging in elsewhere; its public half is
// beside it, with .pub.
func (h Home) LoginKey() string { return filepath.Join(h.config, "login_key") }

// Received is the folder of what was delivered to this person, by an organisation's
// name here.
func (h Home) Received(org string) string { return filepath.Join(h.config, "received", org) }

// CAs is the folder of the certificate authorities' keys.
func (h Home) CAs() string { return filepath.Join(h.config, "ca") }

// Network is the file of a network that is known by name.
func (h Home) Network(name string) string {
	return filepath.Join(h.config, "networks", name+".toml")
}

// Check makes sure that the configuration folder is nobody else's. A folder
// that does not exist yet is fine.
func (h Home) Check() error {
	return checkFolder(h.config)
}

// Make makes a folder below (or at) the configuration or state folder.
func Make(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("home: %w", err)
	}
	return checkFolder(dir)
}

func checkFolder(dir string) error {
	info, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("home: %w", err)
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok || !info.IsDir() || int(owner.Uid) != os.Geteuid() || info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("%w: %s has mode %v", ErrMode, dir, info.Mode())
	}
	return nil
}
