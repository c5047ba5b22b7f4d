package home

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/pelletier/go-toml/v2"

	"dpki/internal/anchor"
	"dpki/state"
)

// maxConfig bounds config.toml, in bytes.
const maxConfig = 1 << 20

// ErrConfig says that config.toml is not one of this version.
var ErrConfig = errors.New("not a valid configuration")

// Config is config.toml: what this admin calls things. Nothing in it is secret,
// and nothing in it grants anything.
type Config struct {
	Version int    `toml:"version"` // 1
	Default string `toml:"default,omitempty"`
	// Network is used where an organisation does not exist yet.
	Network       string                  `toml:"network,omitempty"`
	Organisations map[string]Organisation `toml:"organisation,omitempty"`
	// Pinning says where the tokens of pinning services lie. They stand neither
	// here nor in a network file: that one travels.
	Pinning []Pinning `toml:"pinning,omitempty"`
}

// Pinning is this admin's account at a pinning service.
type Pinning struct {
	URL       string `toml:"url"`        // as in the network file's [[store]]
	TokenFile string `toml:"token_file"` // absolute; mode 0600, the token alone
}

// Organisation is one organisation, under the admin's name for it.
type Organisation struct {
	Anchor  anchor.Anchor `toml:"anchor"`
	Network string        `toml:"network"` // name of a file in networks/
	// Salt is kept from before the organisation is created, so that an
	// interrupted `org create` goes on with the same organisation. Zero for
	// one that was joined.
	Salt state.Word `toml:"salt"`
}

// Load reads config.toml; an absent file is an empty configuration.
func (h Home) Load() (Config, error) {
	b, err := Read(h.configFile(), maxConfig)
	if errors.Is(err, fs.ErrNotExist) {
		return Config{Version: 1}, nil
	}
	if err != nil {
		return Config{}, err
	}
	c := Config{}
	d := toml.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&c); err != nil {
		return Config{}, fmt.Errorf("%w: %s: %v", ErrConfig, h.configFile(), err)
	}
	if c.Version != 1 {
		return Config{}, fmt.Errorf("%w: %s: version %d", ErrConfig, h.configFile(), c.Version)
	}
	for name := range c.Organisations {
		if !state.ValidName(name) {
			return Config{}, fmt.Errorf("%w: %s: organisation name %.80q", ErrConfig, h.configFile(), name)
		}
	}
	for _, p := range c.Pinning {
		if p.URL == "" || !filepath.IsAbs(p.TokenFile) {
			return Config{}, fmt.Errorf("%w: %s: [[pinning]] has a url and an absolute token_file", ErrConfig, h.configFile())
		}
	}
	return c, nil
}

// Save writes config.toml.
func (h Home) Save(c Config) error {
	if err := Make(h.config); err != nil {
		return err
	}
	c.Version = 1
	b, err := toml.Marshal(c)
	if err != nil {
		return fmt.Errorf("configuration: %w", err)
	}
	return Replace(h.configFile(), b)
}

// SaveNetwork keeps a network file under its name.
func (h Home) SaveNetwork(name string, text []byte) error {
	path := h.Network(name)
	if err := Make(filepath.Dir(path)); err != nil {
		return err
	}
	return Replace(path, text)
}

// Networks lists the names of the networks that are kept.
func (h Home) Networks() ([]string, error) {
	files, err := filepath.Glob(h.Network("*"))
	if err != nil {
		return nil, err
	}
	names := make([]string, 0, len(files))
	for _, f := range files {
		base := filepath.Base(f)
		names = append(names, base[:len(base)-len(".toml")])
	}
	return names, nil
}

func (h Home) configFile() string { return filepath.Join(h.config, "config.toml") }
