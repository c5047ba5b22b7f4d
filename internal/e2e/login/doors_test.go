package login

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dpki/device"
)

// A Match block on connections that sshd reads before the drop-in wins for those
// connections, and what sshd says about another one does not show it: set-up
// refuses, and doctor finds one that came later.
func TestSetupSeesWhatComesFirst(t *testing.T) {
	s := newSite(t)
	own := s.ownKey("alice")
	s.Must(os.MkdirAll(s.dropIns(), 0o755))
	first := filepath.Join(s.dropIns(), "00-a.conf")
	block := fmt.Sprintf("Match LocalPort %d\n\t%%s\n", s.server.Port)
	s.Must(os.WriteFile(first, []byte(fmt.Sprintf(block, "AuthorizedKeysFile=/run/keys/%u")), 0o644))
	s.configure(s.include())
	s.mustSay(s.setup(1, "--accounts", "alice"), "for some connections")
	s.mustSay(s.setup(1, "--accounts", "alice", "--dry-run"), "for some connections")
	s.configure(fmt.Sprintf(block, "TrustedUserCAKeys /run/keys/ca"), "Match all", s.include())
	s.mustSay(s.setup(1, "--accounts", "alice"), "for some connections")
	if _, err := os.Stat(filepath.Join(s.dropIns(), "00-dpki.conf")); !os.IsNotExist(err) {
		t.Errorf("the drop-in exists: %v", err)
	}

	// The twin: a block that sets something else, and one that comes after.
	s.Must(os.WriteFile(first, []byte(fmt.Sprintf(block, "Banner none")), 0o644))
	after := filepath.Join(s.dropIns(), "50-b.conf")
	s.Must(os.WriteFile(after, []byte(fmt.Sprintf(block, "AuthorizedKeysFile /run/keys/%u")), 0o644))
	s.configure("PasswordAuthentication yes", s.include())
	s.setup(0, "--accounts", "alice", "--reload")
	s.reload()
	if s.in("alice", own, nil) {
		t.Error("alice by her own key: accepted")
	}
	s.Org.NewCA() // doctor misses one otherwise
	s.Eventually("a CA", settled, func(st device.Status) bool { return st.CAs > 0 })
	s.mustSay(s.Dpkid(0, "doctor", "--sshd-config", s.config), "sshd asks dpki for alice")

	// And the proof that the block matters, with the drop-in in place.
	s.Must(os.WriteFile(first, []byte(fmt.Sprintf(block, "AuthorizedKeysFile /run/keys/%u")), 0o644))
	s.reload()
	if !s.in("alice", own, nil) {
		t.Error("alice by her own key, past the drop-in: refused; the block that was to show it does not")
	}
	if out := s.Dpkid(1, "doctor", "--sshd-config", s.config); !strings.Contains(out, "for some connections") {
		t.Errorf("doctor:\n%s", out)
	}
}
