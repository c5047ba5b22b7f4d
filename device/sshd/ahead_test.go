package sshd

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A Match block that is not about who logs in hides from `sshd -T -C addr=127.0.0.1`: what it does to others than that address is read
// from the files, wherever it stands ahead of the drop-in.
func TestAhead(t *testing.T) {
	for _, c := range []struct {
		name, config, first, more string // sshd_config, sshd_config.d/00-a.conf, More/x.conf
		refused                   bool
	}{
		{name: "the twin", config: "Include DIR/sshd_config.d/*.conf\n", first: "Port 22\n"},
		{name: "the option under an address, behind the drop-in", config: "Include DIR/sshd_config.d/*.conf\nMatch Address 10.0.0.0/8\nAuthorizedKeysFile x\n"},
		{name: "for an address, ahead", config: "Match Address 10.0.0.0/8\nAuthorizedKeysFile x\nMatch all\nInclude DIR/sshd_config.d/*.conf\n", refused: true},
		{name: "for an address, in a file ahead", config: "Include DIR/sshd_config.d/*.conf\n", first: "Match LocalPort=2222\nauthenticationmethods any\n", refused: true},
		{name: "the drop-in itself for an address alone", config: "Match Address 127.0.0.1\nInclude DIR/sshd_config.d/*.conf\n", refused: true},
		{name: "the drop-in for a user, whom sshd is asked about", config: "Match User deploy\nInclude DIR/sshd_config.d/*.conf\n"},
		{name: "in a file that a file ahead includes", config: "Include DIR/sshd_config.d/*.conf\n", first: "include DIR/More/*.conf\n", more: "Match Host *.example\nTrustedUserCAKeys /x\n", refused: true},
		{name: "under the block of the file that includes it", config: "Include DIR/sshd_config.d/*.conf\n", first: "Match Address 10.0.0.0/8\nInclude DIR/More/x.conf\n", more: "AuthorizedKeysFile x\n", refused: true},
		{name: "under that block and one of its own", config: "Include DIR/sshd_config.d/*.conf\n", first: "Match Address 10.0.0.0/8\nInclude DIR/More/x.conf\n", more: "Match User deploy\nAuthorizedKeysFile x\n", refused: true},
		{name: "other options there", config: "Include DIR/sshd_config.d/*.conf\n", first: "Match Address 10.0.0.0/8\nInclude DIR/More/x.conf\n", more: "X11Forwarding no\n"},
		{name: "in circles", config: "Include DIR/sshd_config.d/*.conf\n", first: "Include DIR/More/x.conf\n", more: "Include DIR/More/x.conf\n", refused: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			for path, text := range map[string]string{"sshd_config": c.config, "sshd_config.d/00-a.conf": c.first, "More/x.conf": c.more} {
				path = filepath.Join(dir, path)
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(strings.ReplaceAll(text, "DIR", dir)), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			s := Setup{Server: Server{Config: filepath.Join(dir, "sshd_config")}}
			// Before the drop-in is written, and once it stands there.
			for _, when := range []string{"before", "after"} {
				if err := s.ahead(); errors.Is(err, ErrNoEffect) != c.refused || err != nil && !c.refused {
					t.Errorf("%s: %v, refused should be %v", when, err, c.refused)
				}
				if err := os.WriteFile(s.Path(), []byte(header), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}
