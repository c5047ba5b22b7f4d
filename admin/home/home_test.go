package home

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"dpki/internal/anchor"
	"dpki/internal/file"
	"dpki/state"
)

func env(list ...string) func(string) string {
	m := map[string]string{}
	for i := 0; i < len(list); i += 2 {
		m[list[i]] = list[i+1]
	}
	return func(k string) string { return m[k] }
}

func TestNew(t *testing.T) {
	org := state.Word{1}
	for name, c := range map[string]struct {
		override      string
		env           func(string) string
		config, state string
	}{
		"xdg":           {"", env("HOME", "/h", "XDG_CONFIG_HOME", "/c", "XDG_STATE_HOME", "/s"), "/c/dpki", "/s/dpki/"},
		"home":          {"", env("HOME", "/h"), "/h/.config/dpki", "/h/.local/state/dpki/"},
		"relative xdg":  {"", env("HOME", "/h", "XDG_CONFIG_HOME", "c", "XDG_STATE_HOME", "s"), "/h/.config/dpki", "/h/.local/state/dpki/"},
		"override":      {"/o", env("HOME", "/h", "XDG_CONFIG_HOME", "/c"), "/o", "/o/state/"},
		"nowhere":       {"", env(), "", ""},
		"relative home": {"", env("HOME", "h"), "", ""},
	} {
		h, err := New(c.override, c.env)
		if c.config == "" {
			if !errors.Is(err, ErrNowhere) {
				t.Errorf("%s: %v, want ErrNowhere", name, err)
			}
			continue
		}
		if err != nil || h.Config() != c.config || h.State(org) != c.state+org.String() {
			t.Errorf("%s: %q, %q, %v", name, h.Config(), h.State(org), err)
		}
	}
}

// A folder that others may read or write is refused; the same folder of mode
// 0700 is used.
func TestCheck(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "dpki")
	h := Home{config: dir}
	if err := h.Check(); err != nil {
		t.Errorf("absent: %v", err)
	}
	if err := Make(dir); err != nil {
		t.Fatal(err)
	}
	for mode, want := range map[os.FileMode]error{0o700: nil, 0o750: ErrMode, 0o701: ErrMode, 0o777: ErrMode} {
		if err := os.Chmod(dir, mode); err != nil {
			t.Fatal(err)
		}
		if err := h.Check(); !errors.Is(err, want) || (want == nil && err != nil) {
			t.Errorf("mode %o: %v, want %v", mode, err, want)
		}
	}
}

func TestFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	if err := Create(path, []byte("first")); err != nil {
		t.Fatal(err)
	}
	if err := Create(path, []byte("second")); !errors.Is(err, file.ErrExists) {
		t.Errorf("a key was replaced: %v", err)
	}
	if b, err := Read(path, 5); err != nil || string(b) != "first" {
		t.Errorf("%q, %v", b, err)
	}
	if _, err := Read(path, 4); err == nil {
		t.Error("a file longer than its limit was read")
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if err := Replace(path, []byte("third")); err != nil {
		t.Fatal(err)
	}
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(path), ".dpki-*")); err != nil || len(left) > 0 {
		t.Errorf("temporary files left: %v, %v", left, err)
	}
}

func TestConfig(t *testing.T) {
	h := Home{config: filepath.Join(t.TempDir(), "dpki")}
	if c, err := h.Load(); err != nil || c.Version != 1 || len(c.Organisations) != 0 {
		t.Errorf("absent: %+v, %v", c, err)
	}
	a := anchor.Anchor{Registry: state.Registry{ChainID: 5, Contract: state.Address{1}}, Org: state.Word{2}}
	want := Config{Version: 1, Default: "acme", Network: "lisk", Pinning: []Pinning{{URL: "https://x", TokenFile: "/t"}}, Organisations: map[string]Organisation{"acme": {Anchor: a, Network: "lisk", Salt: state.Word{3}}}}
	if err := h.Save(want); err != nil {
		t.Fatal(err)
	}
	got, err := h.Load()
	if err != nil || got.Default != "acme" || !slices.Equal(got.Pinning, want.Pinning) || got.Organisations["acme"] != want.Organisations["acme"] {
		t.Errorf("%+v, %v", got, err)
	}
	good, err := os.ReadFile(h.configFile())
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"unknown field": string(good) + "\nsurplus = 1\n", "no TOML": "{", "version": "version = 2", "no version": "default = 'x'",
		"name":   "version = 1\n[organisation.'A B']\nanchor = '" + a.String() + "'\nnetwork = 'x'\nsalt = '" + state.Word{}.String() + "'",
		"anchor": "version = 1\n[organisation.a]\nanchor = 'dpki:x'",
		"token":  "version = 1\n[[pinning]]\nurl = 'https://x'\ntoken = 'secret'", "token file": "version = 1\n[[pinning]]\nurl = 'https://x'\ntoken_file = 'token'",
	} {
		if err := os.WriteFile(h.configFile(), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := h.Load(); !errors.Is(err, ErrConfig) {
			t.Errorf("%s: %v, want ErrConfig", name, err)
		}
	}
}
