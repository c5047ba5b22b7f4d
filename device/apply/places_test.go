package apply

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dpki/bundle"
)

func webSet(lines ...string) string {
	return "version = 1\n[[set]]\npurpose = \"files\"\nname = \"web\"\n" + strings.Join(lines, "\n")
}

func TestPlaces(t *testing.T) {
	p, err := ParsePlaces([]byte(webSet(`folder = "/srv/web"`, `check = ["/bin/true"]`)), "/etc/dpki")
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[setID]string{
		{bundle.PurposeFiles, "web"}: "/srv/web", {bundle.PurposeFiles, "other"}: "/etc/dpki/files.d/other",
		{bundle.PurposeUserKey, "web"}: "/etc/dpki/keys.d", {bundle.PurposeCA, "web"}: "/etc/dpki/trust.d",
	} {
		if got := p.of(id).folder; got != want {
			t.Errorf("%v goes to %s, want %s", id, got, want)
		}
	}
	for _, folder := range []string{"/etc/dpki-web", "/etc/dpki/files.d", "/etc/dpki/files.d/x", "/etc/dpki/trust.d", "/etc/nginx"} {
		if _, err := ParsePlaces([]byte(webSet(`folder = "`+folder+`"`)), "/etc/dpki"); err != nil {
			t.Error(err)
		}
	}
	if p, err := LoadPlaces(t.TempDir()); err != nil || p.SshdConfig != "/etc/ssh/sshd_config" {
		t.Errorf("without a file: %+v, %v", p, err)
	}
}

// The example of the operator's document is one that is taken.
func TestDocumentedPlaces(t *testing.T) {
	text, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(text), "# /etc/dpki/deliveries.toml\n")
	example, _, end := strings.Cut(rest, "```")
	if !ok || !end {
		t.Fatal("no example")
	}
	if p, err := ParsePlaces([]byte(example), "/etc/dpki"); err != nil || p.of(setID{bundle.PurposeFiles, "web"}).folder != "/etc/nginx/dpki" {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestPlacesRefused(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", "version"},
		{"version = 2", "version"},
		{"version = 1\nx = 1", `unknown field "x"`},
		{webSet(`colour = 1`), "unknown field"},
		{webSet(`folder = "srv"`), "folder"},
		{webSet(`folder = "/"`), "folder"},
		{webSet(`folder = "/srv/../etc"`), "folder"},
		{webSet(`folder = "/etc/dpki"`), "goes by"},
		{webSet(`folder = "/etc"`), "goes by"},
		{webSet(`folder = "/etc/dpki/breakglass.d"`), "goes by"},
		{webSet(`owner = "a b"`), "owner"},
		{webSet(`group = "-x"`), "owner"},
		{webSet(`check = ["true"]`), "command"},
		{webSet(`reload = ["../x"]`), "command"},
		{strings.Replace(webSet(), `"files"`, `"host-certificate"`, 1), "purpose"},
		{strings.Replace(webSet(), `"web"`, `"../web"`, 1), "name"},
		{webSet() + webSet()[len("version = 1\n"):], "twice"},
		{"version = 1\nsshd_config = \"x\"", "sshd_config"},
		{"version = 1 # " + strings.Repeat("x", maxPlaces), "longer"},
	} {
		if _, err := ParsePlaces([]byte(c.text), "/etc/dpki"); !errors.Is(err, ErrPlaces) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.100q: %v, want %q", c.text, err, c.want)
		}
	}
}

func FuzzParsePlaces(f *testing.F) {
	f.Add([]byte(webSet(`folder = "/srv/web"`, `owner = "www"`, `reload = ["/bin/true"]`)))
	f.Add([]byte("version = 1\nsshd_config = \"/etc/ssh/sshd_config\""))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := ParsePlaces(b, "/etc/dpki")
		if err != nil {
			return
		}
		for id := range p.sets {
			if dir := p.of(id).folder; !filepath.IsAbs(dir) || filepath.Clean(dir) != dir {
				t.Errorf("%v goes to %q", id, dir)
			}
		}
	})
}
