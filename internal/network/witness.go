package network

import (
	"bytes"
	"encoding/base64"
	"path/filepath"
	"slices"

	"dpki/registry/witness"
	"dpki/state"
)

// Witness is one witness that a network file names. Its checkpoint is looked for
// at its own place first, then at every mirror and folder.
type Witness struct {
	Name string // for people, as Name of a File
	Key  witness.Key
	URL  string // http or https, of a `dpki witness run` or a mirror; empty = none
	Path string // of a folder, absolute; empty = none
}

// witnesses is the table [witnesses], and what says that its set may follow the
// one before.
type witnesses struct {
	Version   uint32   `toml:"version"`
	Agree     int      `toml:"agree"`
	Rotations []string `toml:"rotations,omitempty"` // base64
}

type oneWitness struct {
	Name string `toml:"name"`
	Key  string `toml:"key"`
	URL  string `toml:"url,omitempty"`
	Path string `toml:"path,omitempty"`
}

// WitnessSet is the set that the file names; the zero value where it names none.
func (f File) WitnessSet() witness.Set {
	s := witness.Set{Version: f.WitnessVersion, Agree: f.WitnessAgree}
	for _, w := range f.Witnesses {
		s.Keys = append(s.Keys, w.Key)
	}
	slices.SortFunc(s.Keys, func(a, b witness.Key) int { return bytes.Compare(a[:], b[:]) })
	return s
}

// checkWitnesses fills in f what the tables say.
func (raw *file) checkWitnesses(f *File) error {
	if raw.Set == nil {
		if len(raw.Witnesses) > 0 {
			return invalid("[[witness]] without [witnesses]: how many of them must agree?")
		}
		return nil
	}
	f.WitnessVersion, f.WitnessAgree = raw.Set.Version, raw.Set.Agree
	if f.WitnessVersion == 0 {
		return invalid("witnesses: version is 1 or more")
	}
	for _, w := range raw.Witnesses {
		checked, err := w.check()
		if err != nil {
			return err
		}
		if slices.ContainsFunc(f.Witnesses, func(o Witness) bool { return o.Name == checked.Name || o.Key == checked.Key }) {
			return invalid("witness %q is listed twice", w.Name)
		}
		f.Witnesses = append(f.Witnesses, checked)
	}
	if err := f.WitnessSet().Check(); err != nil {
		return invalid("witnesses: %v", err)
	}
	if len(raw.Set.Rotations) > witness.MaxRotations {
		return invalid("more than %d rotations of witnesses", witness.MaxRotations)
	}
	for _, text := range raw.Set.Rotations {
		b, err := base64.StdEncoding.Strict().DecodeString(text)
		if err != nil {
			return invalid("rotation of witnesses: %v", err)
		}
		r, err := witness.ParseRotation(b)
		if err != nil {
			return invalid("rotation of witnesses: %v", err)
		}
		f.Rotations = append(f.Rotations, r)
	}
	return nil
}

func (w oneWitness) check() (Witness, error) {
	if !state.ValidName(w.Name) {
		return Witness{}, invalid("witness name %q: want 1 to 63 of a-z 0-9 . _ -, the first a letter or digit", w.Name)
	}
	key, err := witness.ParseKey(w.Key)
	if err != nil {
		return Witness{}, invalid("witness %s: %v", w.Name, err)
	}
	if w.URL != "" {
		if err := checkURL("witness", w.URL, "http", "https"); err != nil {
			return Witness{}, err
		}
	}
	if w.Path != "" && (!filepath.IsAbs(w.Path) || len(w.Path) > maxURL) {
		return Witness{}, invalid("witness %s: path must be absolute", w.Name)
	}
	return Witness{Name: w.Name, Key: key, URL: w.URL, Path: w.Path}, nil
}

// marshalWitnesses is the other way.
func (f File) marshalWitnesses(raw *file) error {
	if f.WitnessVersion == 0 && len(f.Witnesses) == 0 {
		return nil
	}
	raw.Set = &witnesses{Version: f.WitnessVersion, Agree: f.WitnessAgree}
	for _, w := range f.Witnesses {
		raw.Witnesses = append(raw.Witnesses, oneWitness{w.Name, w.Key.String(), w.URL, w.Path})
	}
	for _, r := range f.Rotations {
		b, err := r.Marshal()
		if err != nil {
			return invalid("rotation of witnesses: %v", err)
		}
		raw.Set.Rotations = append(raw.Set.Rotations, base64.StdEncoding.EncodeToString(b))
	}
	return nil
}
