package apply

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"

	"dpki/bundle"
	"dpki/device/config"
	"dpki/state"

	"github.com/pelletier/go-toml/v2"
)

const (
	maxPlaces = 64 << 10 // bytes of deliveries.toml
	maxSets   = 64
	maxArgs   = 32
)

// ErrPlaces says what is wrong with deliveries.toml.
var ErrPlaces = errors.New("deliveries.toml")

// Places say where deliveries go and what is run for them.
type Places struct {
	Etc        string // folder of the defaults, /etc/dpki
	SshdConfig string // sshd's own configuration
	sets       map[setID]place
}

// setID is what makes two deliveries versions of one thing.
type setID struct {
	purpose bundle.Purpose
	name    string
}

// place is where one set goes.
type place struct {
	folder        string // absolute
	owner, group  string // of the files; empty = root
	check, reload []string
}

// placesForm is the TOML form.
type placesForm struct {
	Version    int       `toml:"version"`
	SshdConfig string    `toml:"sshd_config"`
	Sets       []setForm `toml:"set"`
}

type setForm struct {
	Purpose string   `toml:"purpose"`
	Name    string   `toml:"name"`
	Folder  string   `toml:"folder"`
	Owner   string   `toml:"owner"`
	Group   string   `toml:"group"`
	Check   []string `toml:"check"`
	Reload  []string `toml:"reload"`
}

// purposes by their names in deliveries.toml. A host certificate's place is its
// host key's.
var purposes = map[string]bundle.Purpose{
	"user-key": bundle.PurposeUserKey, "ca": bundle.PurposeCA, "files": bundle.PurposeFiles,
}

// LoadPlaces reads deliveries.toml in the folder etc; where there is none, the
// defaults hold.
func LoadPlaces(etc string) (Places, error) {
	text, err := config.Read(filepath.Join(etc, "deliveries.toml"), maxPlaces)
	if errors.Is(err, fs.ErrNotExist) {
		text, err = []byte("version = 1"), nil
	}
	if err != nil {
		return Places{}, err
	}
	return ParsePlaces(text, etc)
}

// ParsePlaces checks the text of deliveries.toml.
func ParsePlaces(text []byte, etc string) (Places, error) {
	if len(text) > maxPlaces {
		return Places{}, fmt.Errorf("%w: longer than %d bytes", ErrPlaces, maxPlaces)
	}
	var f placesForm
	d := toml.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&f); err != nil {
		var unknown *toml.StrictMissingError
		if errors.As(err, &unknown) && len(unknown.Errors) > 0 {
			return Places{}, fmt.Errorf("%w: unknown field %q", ErrPlaces, strings.Join(unknown.Errors[0].Key(), "."))
		}
		return Places{}, fmt.Errorf("%w: %v", ErrPlaces, err)
	}
	if f.Version != 1 || len(f.Sets) > maxSets {
		return Places{}, fmt.Errorf("%w: version must be 1, and at most %d sets", ErrPlaces, maxSets)
	}
	p := Places{Etc: etc, SshdConfig: f.SshdConfig, sets: map[setID]place{}}
	if p.SshdConfig == "" {
		p.SshdConfig = "/etc/ssh/sshd_config"
	}
	if !clean(p.SshdConfig) {
		return Places{}, fmt.Errorf("%w: sshd_config %.200q is no absolute path", ErrPlaces, p.SshdConfig)
	}
	for _, s := range f.Sets {
		id, where, err := s.parse(etc)
		if err != nil {
			return Places{}, err
		}
		if _, twice := p.sets[id]; twice {
			return Places{}, fmt.Errorf("%w: set %s %q twice", ErrPlaces, s.Purpose, s.Name)
		}
		p.sets[id] = where
	}
	return p, nil
}

func (s setForm) parse(etc string) (setID, place, error) {
	id := setID{purposes[s.Purpose], s.Name}
	where := place{s.Folder, s.Owner, s.Group, s.Check, s.Reload}
	switch {
	case id.purpose == 0:
		return id, where, fmt.Errorf("%w: purpose %.40q: want user-key, ca or files", ErrPlaces, s.Purpose)
	case !state.ValidName(s.Name):
		return id, where, fmt.Errorf("%w: name %.80q: want 1 to 63 of a-z 0-9 . _ -, the first alphanumeric", ErrPlaces, s.Name)
	case s.Folder != "" && (!clean(s.Folder) || s.Folder == "/"):
		return id, where, fmt.Errorf("%w: folder %.200q of %q is no absolute path", ErrPlaces, s.Folder, s.Name)
	case s.Folder != "" && reaches(s.Folder, etc):
		return id, where, fmt.Errorf("%w: folder %.200q of %q: who delivers could write there what dpkid itself goes by", ErrPlaces, s.Folder, s.Name)
	case s.Owner != "" && !state.ValidAccount(s.Owner), s.Group != "" && !state.ValidAccount(s.Group):
		return id, where, fmt.Errorf("%w: owner %.40q, group %.40q of %q", ErrPlaces, s.Owner, s.Group, s.Name)
	}
	for _, argv := range [][]string{s.Check, s.Reload} {
		if len(argv) > maxArgs || len(argv) > 0 && !clean(argv[0]) {
			return id, where, fmt.Errorf("%w: a command of %q must begin with an absolute path", ErrPlaces, s.Name)
		}
	}
	return id, where, nil
}

// reaches reports whether a file of a set, whose names the sender chooses, could be
// one of dpkid's own: its configuration, these places, break-glass keys.
func reaches(folder, etc string) bool {
	if within(etc, folder) {
		return true
	}
	for _, ours := range []string{"keys.d", "trust.d", "files.d"} {
		if within(folder, filepath.Join(etc, ours)) {
			return false
		}
	}
	return within(folder, etc)
}

// within reports whether a path is a folder or lies below it. Both are clean.
func within(path, folder string) bool { return path == folder || strings.HasPrefix(path, folder+"/") }

func clean(path string) bool {
	return filepath.IsAbs(path) && filepath.Clean(path) == path && len(path) < 4096 && !strings.ContainsAny(path, "\x00\n\"")
}

// of is where a set goes.
func (p Places) of(id setID) place {
	where := p.sets[id]
	if where.folder == "" {
		where.folder = filepath.Join(p.Etc, map[bundle.Purpose]string{
			bundle.PurposeUserKey: "keys.d", bundle.PurposeCA: "trust.d", bundle.PurposeFiles: filepath.Join("files.d", id.name),
		}[id.purpose])
	}
	return where
}

// ids are the numbers of owner and group: root's, whose process this is, unless
// others are named.
func (p place) ids() (uid, gid int, err error) {
	uid, gid = os.Geteuid(), os.Getegid()
	if p.owner != "" {
		u, err := user.Lookup(p.owner)
		if err != nil {
			return 0, 0, fmt.Errorf("%w: owner: %w", ErrPlaces, err)
		}
		if uid, err = strconv.Atoi(u.Uid); err != nil {
			return 0, 0, err
		}
		if gid, err = strconv.Atoi(u.Gid); err != nil {
			return 0, 0, err
		}
	}
	if p.group != "" {
		g, err := user.LookupGroup(p.group)
		if err != nil {
			return 0, 0, fmt.Errorf("%w: group: %w", ErrPlaces, err)
		}
		if gid, err = strconv.Atoi(g.Gid); err != nil {
			return 0, 0, err
		}
	}
	return uid, gid, nil
}
