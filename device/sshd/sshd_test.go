package sshd

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestVersionOf(t *testing.T) {
	for _, c := range []struct {
		says string
		want Version
		z    bool
	}{
		{"OpenSSH_9.2p1 Debian-2+deb12u3, OpenSSL 3.0.15", Version{9, 2}, true},
		{"unknown option -- V\nOpenSSH_8.4p1 Debian-5, OpenSSL 1.1.1\nusage: sshd [-46]", Version{8, 4}, false},
		{"OpenSSH_9.0p1, OpenSSL", Version{9, 0}, false},
		{"OpenSSH_9.1, LibreSSL", Version{9, 1}, true},
		{"OpenSSH_10.0p2, OpenSSL", Version{10, 0}, true},
	} {
		program := filepath.Join(t.TempDir(), "sshd")
		script := "#!/bin/sh\ncat >&2 <<'END'\n" + c.says + "\nEND\nexit 1\n"
		if err := os.WriteFile(program, []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
		got, err := VersionOf(context.Background(), program)
		if err != nil || got != c.want || got.ExpiryTime() != c.z {
			t.Errorf("%q: %v, %v", c.says, got, err)
		}
	}
	if _, err := VersionOf(context.Background(), "/bin/true"); !errors.Is(err, ErrVersion) {
		t.Errorf("/bin/true: %v", err)
	}
	if _, err := VersionOf(context.Background(), "/nonexistent"); err == nil {
		t.Error("a program that does not exist has a version")
	}
	if (Version{}).ExpiryTime() {
		t.Error("the zero version knows expiry-time")
	}
}

func TestDropInText(t *testing.T) {
	d := dropIn{Governed: Governed{Users: []string{"root", "deploy"}, Groups: []string{"ops"}}, helper: "/usr/lib/dpki/dpki-authkeys", user: "dpki-authkeys"}
	got, err := d.text()
	block := `	AuthorizedKeysCommand /usr/lib/dpki/dpki-authkeys %u %t %k
	AuthorizedKeysCommandUser dpki-authkeys
	AuthorizedKeysFile none
	AuthorizedPrincipalsFile none
	TrustedUserCAKeys none
	PermitUserRC no
	AuthenticationMethods publickey
`
	want := header + "Match User root,deploy\n" + block + "Match Group ops\n" + block
	if err != nil || got != want {
		t.Errorf("got %v\n%s", err, got)
	}
	for _, d.ownMethods = range []bool{false, true} {
		for _, d.NoPAM = range []bool{false, true} {
			text, err := d.text()
			again := parseDropIn(text)
			again.helper, again.user = d.helper, d.user
			if err != nil || !reflect.DeepEqual(again, d) {
				t.Errorf("read back as %+v, want %+v (%v)", again, d, err)
			}
		}
	}
	// Nothing that sshd's patterns would read as more than a name.
	for _, name := range []string{"", "*", "a*", "!root", "a b", "a,b", "a\nb", "?", "-x", "a:b", strings.Repeat("a", 33)} {
		for _, g := range []Governed{{Users: []string{name}}, {Groups: []string{name}}} {
			if _, err := (dropIn{Governed: g}).text(); !errors.Is(err, ErrGoverned) {
				t.Errorf("%+v: %v", g, err)
			}
		}
	}
	if _, err := (dropIn{}).text(); !errors.Is(err, ErrGoverned) {
		t.Errorf("nobody: %v", err)
	}
}

func TestNeedsKey(t *testing.T) {
	for methods, want := range map[string]bool{
		"": false, "any": false, "publickey": true, "publickey,password": true, "keyboard-interactive:pam,publickey": true,
		"publickey password": false, "publickey,password publickey,keyboard-interactive": true, "password": false, "publickeys": false,
	} {
		e := Effective{"authenticationmethods": {methods}}
		if got := e.needsKey(); got != want {
			t.Errorf("%q: %v, want %v", methods, got, want)
		}
	}
	if (Effective{}).needsKey() {
		t.Error("no word of methods needs a key")
	}
}

// What sshd -T prints, as OpenSSH 9.2 and as 10.6 spell it.
func TestEffectiveKeywords(t *testing.T) {
	want := Effective{"hostkey": {"/etc/ssh/A", "/etc/ssh/b"}, "authorizedkeyscommand": {"/usr/bin/Other %u"}, "usepam": {"yes"}}
	for name, text := range map[string]string{
		"9.2":  "usepam yes\nhostkey /etc/ssh/A\nhostkey /etc/ssh/b\nauthorizedkeyscommand /usr/bin/Other %u\n",
		"10.6": "UsePAM yes\nHostKey /etc/ssh/A\nHostKey /etc/ssh/b\nAuthorizedKeysCommand /usr/bin/Other %u\n",
	} {
		if got := parseEffective(text); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}
