package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dpki/internal/anchor"
	"dpki/state"
)

var org = anchor.Anchor{Registry: state.Registry{ChainID: 7, Contract: state.Address{1}}, Org: state.Word{2}}

func text(lines ...string) string {
	return strings.Join(append([]string{`version = 1`, `anchor = "` + org.String() + `"`, `name = "gate-7"`}, lines...), "\n")
}

func TestParse(t *testing.T) {
	c, err := Parse([]byte(text()))
	want := Config{Anchor: org, Name: "gate-7", Profile: "normal", FetchUser: "dpki-fetch", HelperUser: "dpki-authkeys", Sshd: "/usr/sbin/sshd"}
	if err != nil || c != want {
		t.Errorf("defaults: %+v, %v", c, err)
	}
	zone := state.Word{9}
	c, err = Parse([]byte(text(`profile = "metered"`, `zone = "`+zone.String()+`"`, `audit_file = "/var/log/x"`, `sshd = "/opt/sshd"`)))
	if err != nil || c.Profile != "metered" || c.Zone != zone || c.AuditFile != "/var/log/x" || c.Sshd != "/opt/sshd" {
		t.Errorf("all fields: %+v, %v", c, err)
	}
	again, err := c.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if back, err := Parse(again); err != nil || back != c {
		t.Errorf("parse(marshal): %+v, %v", back, err)
	}
}

func TestParseRefuses(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{text(`colour = "red"`), `unknown field "colour"`},
		{text(`[zone]`, `id = 1`), "table"},
		{strings.Replace(text(), "version = 1", "version = 2", 1), "version must be 1"},
		{strings.Replace(text(), "version = 1", "", 1), "version must be 1"},
		{strings.Replace(text(), "gate-7", "Gate 7", 1), "name"},
		{strings.Replace(text(), "dpki:", "dpkj:", 1), "anchor"},
		{text(`profile = "fast"`), "profile"},
		{text(`zone = "00"`), "zone"},
		{text(`zone = "` + strings.Repeat("0", 64) + `"`), "zone"},
		{text(`fetch_user = "root"`), "neither root"},
		{text(`helper_user = "dpki-fetch"`), "two accounts"},
		{text(`fetch_user = "a b"`), "users"},
		{text(`sshd = "sshd"`), "absolute"},
		{text(`audit_file = "x"`), "absolute"},
		{text("# " + strings.Repeat("x", maxSize)), "longer"},
		{`version = `, "configuration"},
	} {
		if _, err := Parse([]byte(c.text)); !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.80s: got %v, want %q", c.text, err, c.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(text()))
	f.Add([]byte(text(`profile = "metered"`, `fetch_user = "x"`)))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := Parse(b)
		if err != nil {
			return
		}
		again, err := c.Marshal()
		if err != nil {
			t.Fatalf("%q: %v", b, err)
		}
		if back, err := Parse(again); err != nil || back != c {
			t.Errorf("%+v became %+v, %v", c, back, err)
		}
	})
}

// A file that others could replace decides nothing. Each refusal has the same
// file before and after it, accepted.
func TestReadRefusesWhatOthersCouldWrite(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "etc")
	path := filepath.Join(dir, "dpkid.toml")
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.Mkdir(dir, 0o755))
	must(os.WriteFile(path, []byte(text()), 0o644))
	good := func() {
		t.Helper()
		if _, err := Load(path); err != nil {
			t.Errorf("the twin: %v", err)
		}
	}
	bad := func(what, path string) {
		t.Helper()
		if _, err := Load(path); !errors.Is(err, ErrUnsafe) {
			t.Errorf("%s: %v", what, err)
		}
		good()
	}
	good()
	for _, mode := range []fs.FileMode{0o664, 0o646, 0o666} {
		must(os.Chmod(path, mode))
		_, err := Load(path)
		must(os.Chmod(path, 0o644))
		if !errors.Is(err, ErrUnsafe) {
			t.Errorf("mode %v: %v", mode, err)
		}
	}
	must(os.Chmod(dir, 0o777))
	_, err := Load(path)
	must(os.Chmod(dir, 0o755))
	if !errors.Is(err, ErrUnsafe) {
		t.Errorf("folder that all may write: %v", err)
	}
	link := filepath.Join(dir, "link.toml")
	must(os.Symlink(path, link))
	bad("symbolic link", link)
	folder := filepath.Join(filepath.Dir(dir), "link")
	must(os.Symlink(dir, folder))
	bad("link among the folders", filepath.Join(folder, "dpkid.toml"))
	bad("folder", dir)
	bad("relative path", "dpkid.toml")
	if os.Geteuid() == 0 {
		must(os.Chown(path, 12345, -1))
		_, err := Load(path)
		must(os.Chown(path, 0, -1))
		if !errors.Is(err, ErrUnsafe) {
			t.Errorf("another owner: %v", err)
		}
		good()
	}
	if _, err := Load(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing: %v", err)
	}
	must(os.WriteFile(path, make([]byte, maxSize+1), 0o644))
	if _, err := Load(path); err == nil {
		t.Error("too long: accepted")
	}
}
