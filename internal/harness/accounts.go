package harness

import (
	"fmt"
	"os"
	"strings"
)

// An account of the namespace. It exists in that /etc only.
type account struct {
	name  string
	id    int // uid and gid
	home  string
	shell string
}

// homes is not /home: the machine may have an alice.
const homes = "/run/home"

// People log in; the others are those that openssh-server and our own packages create.
var accounts = []account{
	{"root", 0, "/root", "/bin/sh"},
	{"alice", 6001, homes + "/alice", "/bin/sh"},
	{"bob", 6002, homes + "/bob", "/bin/sh"},
	{"sshd", 6003, "/run/sshd", "/usr/sbin/nologin"},
	{"dpki-authkeys", 6004, "/nonexistent", "/usr/sbin/nologin"},
	{"dpki-fetch", 6005, "/nonexistent", "/usr/sbin/nologin"},
	{"nogroup", 65534, "", ""},
	{"ops", 6010, "", ""}, // a group only: bob and alice are its members
}

// Group is the group of the namespace that holds alice and bob, for tests of `Match Group`.
const Group = "ops"

// addAccounts replaces these names in the private /etc and makes the people's homes. '*' in shadow is no password but not
// locked: sshd without PAM refuses every login, by key too, of an account whose entry begins with '!'.
func addAccounts() error {
	var passwd, group, shadow strings.Builder
	for _, a := range accounts {
		members := ""
		if a.name == Group {
			members = "alice,bob"
		}
		fmt.Fprintf(&group, "%s:x:%d:%s\n", a.name, a.id, members)
		if a.shell == "" {
			continue
		}
		fmt.Fprintf(&passwd, "%s:x:%d:%d::%s:%s\n", a.name, a.id, a.id, a.home, a.shell)
		fmt.Fprintf(&shadow, "%s:*:19000:0:99999:7:::\n", a.name)
	}
	for _, f := range []struct {
		path, ours string
		mode       os.FileMode
	}{
		{"/etc/passwd", passwd.String(), 0o644},
		{"/etc/group", group.String(), 0o644},
		{"/etc/shadow", shadow.String(), 0o640},
	} {
		if err := mergeAccounts(f.path, f.ours, f.mode); err != nil {
			return err
		}
	}
	// The machine may ask a directory service for accounts; here files decide alone.
	if err := os.WriteFile("/etc/nsswitch.conf", []byte("passwd: files\ngroup: files\nshadow: files\nhosts: files\n"), 0o644); err != nil {
		return err
	}
	for _, a := range accounts {
		if !strings.HasPrefix(a.home, homes) {
			continue
		}
		if err := mkdirs(homes); err != nil {
			return err
		}
		if err := os.Mkdir(a.home, 0o700); err != nil {
			return err
		}
		if err := os.Chown(a.home, a.id, a.id); err != nil {
			return err
		}
	}
	return nil
}

// mergeAccounts puts our lines first and keeps the machine's other names.
func mergeAccounts(path, ours string, mode os.FileMode) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	taken := map[string]bool{}
	for line := range strings.Lines(ours) {
		name, _, _ := strings.Cut(line, ":")
		taken[name] = true
	}
	var b strings.Builder
	b.WriteString(ours)
	for line := range strings.Lines(string(text)) {
		if name, _, _ := strings.Cut(line, ":"); !taken[name] {
			b.WriteString(line)
		}
	}
	if err := os.WriteFile(path, []byte(b.String()), mode); err != nil {
		return err
	}
	return os.Chmod(path, mode)
}
