package monitor

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"

	"dpki/admin/home"
	"dpki/state"
)

// maxRules bounds a rules file, in bytes.
const maxRules = 64 << 10

// ErrRules says that a rules file is not one of this version.
var ErrRules = errors.New("rules that cannot be used")

// What alerts are about.
const (
	Admin     = "admin"       // an administrator is new or revoked
	CA        = "ca"          // a certificate authority is new or revoked
	Threshold = "threshold"   // approvals or longest validity of a kind changed
	Policy    = "policy"      // a policy is new or revoked
	Zone      = "zone"        // a zone is new or revoked
	Hours     = "hours"       // a grant was entered outside hours
	Author    = "author"      // somebody wrote who is not expected to
	Guardian  = "guardian"    // guardians changed
	Freeze    = "freeze"      // guardians froze the organisation, or ended it
	Recovery  = "recovery"    // a recovery began or is complete
	Veto      = "veto"        // of a recovery or a pointer
	Distrust  = "distrust"    // what somebody entered counts no more
	Pointer   = "pointer"     // the organisation points to another contract
	Reorg     = "reorganised" // an entry that was seen is gone
	Stalled   = "stalled"     // the newest block is old
	Silent    = "silent"      // nothing was entered for long
	Endpoint  = "endpoint"    // an endpoint lies, or shows another block
	Away      = "away"        // nobody, or not enough, can be read
	Witness   = "witness"     // a witness lags, or signs another block
)

// Kinds are all of them.
var Kinds = []string{Admin, CA, Threshold, Policy, Zone, Hours, Author, Guardian, Freeze, Recovery, Veto, Distrust, Pointer, Reorg, Stalled, Silent, Endpoint, Away, Witness}

// Rules is what to watch for and whom to tell. The zero value tells nobody.
type Rules struct {
	Every    time.Duration // between two looks
	Stalled  time.Duration // age of the newest block; 0 = not watched
	Silent   time.Duration // without any entry; 0 = not watched
	Witness  time.Duration // that a witness may lag
	Authors  []state.Address
	Hours    *Window
	Sinks    []Sink
	Location *time.Location
}

// Window is when grants are expected.
type Window struct {
	Days     [7]bool // by time.Weekday
	From, To int     // minutes of the day; To is not in it
}

// Contains reports whether a moment is in the window.
func (w *Window) Contains(t time.Time) bool {
	m := t.Hour()*60 + t.Minute()
	return w.Days[t.Weekday()] && w.From <= m && m < w.To
}

// rulesFile is the TOML form; docs/formats.md.
type rulesFile struct {
	Version  int      `toml:"version"`
	Every    string   `toml:"every"`
	Stalled  string   `toml:"stalled"`
	Silent   string   `toml:"silent"`
	Witness  string   `toml:"witness"`
	Timezone string   `toml:"timezone"`
	Authors  []string `toml:"authors"`
	Hours    *struct {
		Days []string `toml:"days"`
		From string   `toml:"from"`
		To   string   `toml:"to"`
	} `toml:"hours"`
	Sinks []struct {
		Name    string   `toml:"name"`
		Type    string   `toml:"type"`
		On      []string `toml:"on"`
		Argv    []string `toml:"argv"`
		Timeout string   `toml:"timeout"`
		Path    string   `toml:"path"`
	} `toml:"sink"`
}

// LoadRules reads a rules file.
func LoadRules(path string) (*Rules, error) {
	b, err := home.Read(path, maxRules)
	if err != nil {
		return nil, err
	}
	return ParseRules(b)
}

// ParseRules reads the TOML form. Unknown fields, kinds and types are errors: a
// rule that was misspelt would never tell.
func ParseRules(b []byte) (*Rules, error) {
	var f rulesFile
	d := toml.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&f); err != nil {
		return nil, fmt.Errorf("%w: %v", ErrRules, err)
	}
	if f.Version != 1 {
		return nil, fmt.Errorf("%w: version %d", ErrRules, f.Version)
	}
	r := &Rules{}
	var errs [7]error
	r.Every, errs[0] = duration("every", f.Every, 15*time.Second)
	r.Stalled, errs[1] = duration("stalled", f.Stalled, 10*time.Minute)
	r.Silent, errs[2] = duration("silent", f.Silent, 0)
	r.Witness, errs[3] = duration("witness", f.Witness, 2*time.Minute)
	r.Location, errs[4] = time.LoadLocation(f.Timezone)
	errs[5] = r.hours(&f)
	errs[6] = r.sinks(&f)
	if err := errors.Join(errs[:]...); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRules, err)
	}
	if r.Every < time.Second {
		return nil, fmt.Errorf("%w: every %v", ErrRules, r.Every)
	}
	for _, text := range f.Authors {
		a, err := state.ParseAddress(strings.ToLower(text))
		if err != nil || a.IsZero() {
			return nil, fmt.Errorf("%w: author %.80q", ErrRules, text)
		}
		r.Authors = append(r.Authors, a)
	}
	return r, nil
}

func duration(name, text string, def time.Duration) (time.Duration, error) {
	if text == "" {
		return def, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 || d > 365*24*time.Hour {
		return 0, fmt.Errorf("%s = %.40q: write 15s, 10m, 168h", name, text)
	}
	return d, nil
}

var weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

func (r *Rules) hours(f *rulesFile) error {
	if f.Hours == nil {
		return nil
	}
	w := &Window{}
	for _, day := range f.Hours.Days {
		i := slices.Index(weekdays, day)
		if i < 0 {
			return fmt.Errorf("day %.20q: write three letters, as mon", day)
		}
		w.Days[i] = true
	}
	for _, part := range []struct {
		text string
		to   *int
	}{{f.Hours.From, &w.From}, {f.Hours.To, &w.To}} {
		t, err := time.Parse("15:04", part.text)
		if err != nil && part.text == "24:00" {
			*part.to = 24 * 60
			continue
		}
		if err != nil || t.Format("15:04") != part.text {
			return fmt.Errorf("hours %.20q: write 08:00", part.text)
		}
		*part.to = t.Hour()*60 + t.Minute()
	}
	if len(f.Hours.Days) == 0 || w.From >= w.To {
		return errors.New("hours without a day, or that end before they begin")
	}
	r.Hours = w
	return nil
}

func (r *Rules) sinks(f *rulesFile) error {
	for _, s := range f.Sinks {
		sink := Sink{Name: s.Name, Type: s.Type, On: s.On, Argv: s.Argv, Path: s.Path}
		var err error
		if sink.Timeout, err = duration("timeout", s.Timeout, 30*time.Second); err != nil || sink.Timeout <= 0 {
			return fmt.Errorf("sink %.40q: timeout: %w", s.Name, err)
		}
		if !state.ValidName(s.Name) || slices.ContainsFunc(r.Sinks, func(o Sink) bool { return o.Name == s.Name }) {
			return fmt.Errorf("sink %.40q: each has a name of its own, of a-z 0-9 . _ -", s.Name)
		}
		for _, kind := range s.On {
			if !slices.Contains(Kinds, kind) {
				return fmt.Errorf("sink %s: on %.40q: there is %s", s.Name, kind, strings.Join(Kinds, ", "))
			}
		}
		switch {
		case s.Type == "exec" && len(s.Argv) > 0 && filepath.IsAbs(s.Argv[0]) && s.Path == "":
		case s.Type == "json" && s.Path != "" && len(s.Argv) == 0:
		case s.Type == "syslog" && s.Path == "" && len(s.Argv) == 0:
		default:
			return fmt.Errorf("sink %s: type exec with argv, its program absolute; json with path (- is standard output); or syslog", s.Name)
		}
		r.Sinks = append(r.Sinks, sink)
	}
	if len(r.Sinks) == 0 {
		return errors.New("no sink: nobody would be told")
	}
	return nil
}
