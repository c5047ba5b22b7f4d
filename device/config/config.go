package config

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"dpki/device"
	"dpki/internal/anchor"
	"dpki/state"

	"github.com/pelletier/go-toml/v2"
)

// maxSize bounds the file, in bytes.
const maxSize = 64 << 10

// ErrInvalid says what is wrong with a configuration.
var ErrInvalid = errors.New("configuration")

// Config is the configuration, checked.
type Config struct {
	Anchor     anchor.Anchor
	Name       string     // of the device, as requested; its materials may say otherwise
	Zone       state.Word // the only zone to look for materials in; zero = any
	Profile    string     // one of device.Profiles
	FetchUser  string     // account of the process with the network
	HelperUser string     // account of sshd's helper
	Sshd       string     // program, for its version and its test mode
	AuditFile  string     // JSON lines; empty = none beside syslog
}

// Defaults for what the file leaves out.
const (
	DefaultProfile    = "normal"
	DefaultFetchUser  = "dpki-fetch"
	DefaultHelperUser = "dpki-authkeys"
	DefaultSshd       = "/usr/sbin/sshd"
)

// form is the TOML form.
type form struct {
	Version    int    `toml:"version"`
	Anchor     string `toml:"anchor" comment:"the organisation; dpkid leave ends it, and the organisation itself may go on as another"`
	Name       string `toml:"name"`
	Zone       string `toml:"zone,omitempty"`
	Profile    string `toml:"profile,omitempty"`
	FetchUser  string `toml:"fetch_user,omitempty"`
	HelperUser string `toml:"helper_user,omitempty"`
	Sshd       string `toml:"sshd,omitempty"`
	AuditFile  string `toml:"audit_file,omitempty"`
}

// Parse checks the text of a configuration.
func Parse(text []byte) (Config, error) {
	if len(text) > maxSize {
		return Config{}, invalid("longer than %d bytes", maxSize)
	}
	var f form
	d := toml.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&f); err != nil {
		var unknown *toml.StrictMissingError
		if errors.As(err, &unknown) && len(unknown.Errors) > 0 {
			return Config{}, invalid("unknown field %q", strings.Join(unknown.Errors[0].Key(), "."))
		}
		return Config{}, invalid("%v", err)
	}
	return f.check()
}

func (f form) check() (Config, error) {
	c := Config{
		Name: f.Name, Profile: or(f.Profile, DefaultProfile), FetchUser: or(f.FetchUser, DefaultFetchUser),
		HelperUser: or(f.HelperUser, DefaultHelperUser), Sshd: or(f.Sshd, DefaultSshd), AuditFile: f.AuditFile,
	}
	var err error
	if c.Anchor, err = anchor.Parse(f.Anchor); err != nil {
		return Config{}, invalid("anchor: %v", err)
	}
	if f.Zone != "" {
		if c.Zone, err = state.ParseWord(f.Zone); err != nil || c.Zone.IsZero() {
			return Config{}, invalid("zone %.80q: want 64 lower-case hex digits", f.Zone)
		}
	}
	_, profile := device.Profiles[c.Profile]
	switch {
	case f.Version != 1:
		return Config{}, invalid("version must be 1")
	case !state.ValidName(c.Name):
		return Config{}, invalid("name %.80q: want 1 to 63 of a-z 0-9 . _ -, the first alphanumeric", c.Name)
	case !profile:
		return Config{}, invalid("profile %.40q: want %s", c.Profile, strings.Join(profiles(), " or "))
	case !state.ValidAccount(c.FetchUser) || !state.ValidAccount(c.HelperUser):
		return Config{}, invalid("users %.40q, %.40q", c.FetchUser, c.HelperUser)
	case c.FetchUser == "root" || c.HelperUser == "root" || c.FetchUser == c.HelperUser:
		return Config{}, invalid("fetch_user and helper_user must be two accounts, and neither root")
	case !absolute(c.Sshd) || c.AuditFile != "" && !absolute(c.AuditFile):
		return Config{}, invalid("sshd and audit_file must be absolute paths")
	}
	return c, nil
}

// Marshal is the file's text.
func (c Config) Marshal() ([]byte, error) {
	f := form{Version: 1, Anchor: c.Anchor.String(), Name: c.Name, Profile: c.Profile, AuditFile: c.AuditFile}
	if !c.Zone.IsZero() {
		f.Zone = c.Zone.String()
	}
	f.FetchUser, f.HelperUser, f.Sshd = unless(c.FetchUser, DefaultFetchUser), unless(c.HelperUser, DefaultHelperUser), unless(c.Sshd, DefaultSshd)
	if _, err := f.check(); err != nil {
		return nil, err
	}
	return toml.Marshal(f)
}

func absolute(path string) bool { return strings.HasPrefix(path, "/") && len(path) < 4096 }

func profiles() []string {
	var names []string
	for name := range device.Profiles {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func or(s, def string) string {
	if s == "" {
		return def
	}
	return s
}

func unless(s, def string) string {
	if s == def {
		return ""
	}
	return s
}

func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrInvalid, fmt.Sprintf(format, args...))
}
