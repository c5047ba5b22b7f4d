package network

import (
	"bytes"
	"embed"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"dpki/state"
)

//go:embed presets/*.toml
var presets embed.FS

// Presets are the names of the networks that this release knows.
func Presets() []string {
	var names []string
	files, _ := presets.ReadDir("presets") // embedded: it is there
	for _, f := range files {
		names = append(names, strings.TrimSuffix(f.Name(), path.Ext(f.Name())))
	}
	slices.Sort(names)
	return names
}

// Preset is a network that this release knows, with the registry contract of the
// release, whose address on every chain follows from its code. ok is false where
// there is none of the name.
func Preset(name string, contract state.Address) (f File, ok bool, err error) {
	text, err := presets.ReadFile("presets/" + name + ".toml")
	if err != nil {
		return File{}, false, nil
	}
	var raw file
	d := toml.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&raw); err != nil {
		return File{}, true, fmt.Errorf("preset %s: %w", name, err)
	}
	raw.Contract = contract.String()
	f, err = raw.check()
	return f, true, err
}
