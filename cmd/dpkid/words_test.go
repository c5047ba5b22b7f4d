package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dpki/device"
	"dpki/device/answer"
	"dpki/device/config"
	"dpki/device/sshd"
	"dpki/internal/socket"
)

// Where nothing answers, the hint is the step that comes next on this device.
func TestNoDaemon(t *testing.T) {
	dir := t.TempDir()
	e := &env{paths: config.Paths{Etc: dir, Run: dir}}
	var s device.Status
	for _, want := range []string{"dpkid enroll ANCHOR", "systemctl start dpkid"} {
		f := explained(e.ask(t.Context(), &s, socket.Status))
		if f.code != exitLater || !strings.Contains(f.hint, want) {
			t.Errorf("status %d, %v, hint %q; want 4 and %q", f.code, f.err, f.hint, want)
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(e.paths.Config())), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestShowStatus(t *testing.T) {
	for _, c := range []struct {
		s          device.Status
		want, none string
	}{
		{device.Status{Freshness: "offline", Age: 1 << 31}, "state       offline, nothing of the chain is known yet\n", "old"},
		{device.Status{Freshness: "fresh", Age: 3, Block: 7, CAs: 1}, "state       fresh, 3s old, block 7\n", "not known"},
		{device.Status{Enrolled: true, Retired: true, Name: "gate-7", ZoneName: "plant"}, "device      gate-7 in zone plant, retired\n", "not enrolled"},
		{device.Status{Enrolled: true, Name: "gate-7", ZoneName: "plant"}, "device      gate-7 in zone plant\n", "retired"},
	} {
		var out bytes.Buffer
		if err := (&env{stdout: &out}).showStatus(c.s); err != nil || !strings.Contains(out.String(), c.want) || strings.Contains(out.String(), c.none) {
			t.Errorf("%v\n%s", err, out.String())
		}
	}
}

// A retired device never becomes one that decides: it is not told to wait.
func TestUndecided(t *testing.T) {
	for _, c := range []struct {
		s    device.Status
		code int
		hint string
	}{
		{device.Status{Enrolled: true, Freshness: "fresh"}, 0, ""},
		{device.Status{Enrolled: true, Freshness: "offline"}, exitLater, "wait until"},
		{device.Status{Freshness: "fresh"}, exitLater, "wait until"},
		{device.Status{Enrolled: true, Retired: true, Freshness: "fresh"}, exitFailed, "`dpkid leave`"},
	} {
		err := decided(c.s, nil)
		if (err == nil) != (c.code == 0) {
			t.Errorf("%+v: %v", c.s, err)
		} else if err != nil {
			if f := explained(err); f.code != c.code || !strings.Contains(f.hint, c.hint) || strings.Contains(f.hint, "wait") != (c.code == exitLater) {
				t.Errorf("%+v: status %d, hint %q", c.s, f.code, f.hint)
			}
		}
	}
}

// A machine without sshd is told so, and which flag says that it lies elsewhere.
func TestHasSshd(t *testing.T) {
	dir := t.TempDir()
	s := sshd.Server{Program: filepath.Join(dir, "sshd"), Config: filepath.Join(dir, "sshd_config")}
	for _, c := range []struct{ path, hint string }{{s.Config, "dpkid setup --sshd-config FILE"}, {s.Program, "dpkid setup --sshd PATH"}} {
		f := explained(hasSshd(s))
		if f.code != exitFailed || !strings.Contains(f.err.Error(), c.path) || !strings.Contains(f.hint, "is openssh-server installed?") || !strings.HasSuffix(f.hint, c.hint) {
			t.Errorf("status %d, %v, hint %q; want %q", f.code, f.err, f.hint, c.hint)
		}
		if err := os.WriteFile(c.path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := hasSshd(s); err != nil {
		t.Error(err)
	}
}

func TestShowExplained(t *testing.T) {
	for _, c := range []struct {
		r    answer.Record
		want string
	}{
		{answer.Record{Allow: true, Account: "root", Reason: "accepted", Grant: "ab", Until: 1, Freshness: "fresh", Block: 7},
			"answer       root would be let in\ngrant        ab\nuntil        1970-01-01T00:00:01Z\njudged       block 7, fresh, 0s old\n"},
		{answer.Record{Account: "root", Reason: "the grant is revoked", Next: "grant anew", Freshness: "fresh", Block: 7},
			"answer       root would be refused: the grant is revoked\nnext         grant anew\njudged       block 7, fresh, 0s old\n"},
	} {
		var out bytes.Buffer
		if err := (&env{stdout: &out}).showExplained(c.r); err != nil || out.String() != c.want {
			t.Errorf("%v\n%s", err, out.String())
		}
	}
}
