package rotate

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"dpki/internal/harness"
	"dpki/internal/harness/desk"
	"dpki/internal/harness/sshkey"
	"dpki/internal/network"
)

// mirrored has everybody ask over HTTP, and know a mirror.
func mirrored(t *testing.T) func(*network.File) {
	return func(n *network.File) {
		overHTTP(n)
		desk.Mirror(t, n)
	}
}

// certified grants alice a login everywhere, by a new key.
func certified(d *desk.Desk, name string) *ssh.Certificate {
	d.Helper()
	key := filepath.Join(d.Dir, name)
	sshkey.New(d.T).Save(d.T, key)
	d.Dpki(0, "grant", "zone:plant", "--account", "alice", "--for", "1h", "--key", key+".pub", "--out", key+"-cert.pub")
	return certificate(d, key+"-cert.pub")
}

// TestSuccessor: a CA is prepared, activated when every device has said that it
// trusts it, and the old one retired; then a device leaves, and the zone has a key
// that it is not given.
func TestSuccessor(t *testing.T) {
	harness.Need(t, harness.Namespace)
	d := desk.New(t, mirrored(t))
	d.Dpki(0, "ca", "create", "first")
	fleet := make([]*engine, 3)
	add := []string{"device", "add", "--yes"}
	for i := range fleet {
		fleet[i] = newEngine(t, d, fmt.Sprintf("gate-%d", i))
		file, _ := d.Request(fleet[i].identity, fleet[i].name, sshkey.New(t).PublicKey())
		add = append(add, file)
		fleet[i].run(t, d)
	}
	d.Dpki(0, add...)
	all := func(what string, ok func(*engine) bool, fleet ...*engine) {
		t.Helper()
		harness.Eventually(t, 30*time.Second, func() error {
			for _, e := range fleet {
				if !ok(e) {
					return fmt.Errorf("%s: %s: %+v", what, e.name, e.Status("test"))
				}
			}
			return nil
		})
	}
	before := certified(d, "before")
	all("admits by the first CA", func(e *engine) bool { return e.admits("alice", before) }, fleet...)

	// One device is away while the successor is prepared: the others alone are not everybody.
	away := fleet[2]
	away.stop()
	d.Dpki(0, "ca", "prepare", "second")
	d.Says(d.Dpki(4, "ca", "activate", "second").Stderr, "have not said that they trust CA plant/second")
	harness.Eventually(t, time.Minute, func() error {
		got := d.Dpki(4, "ca", "activate", "second")
		if !strings.Contains(got.Stderr, "1 of 3 devices") || !strings.Contains(got.Stderr, "gate-2 (") {
			return errors.New(got.Stderr)
		}
		return nil
	})
	if got := certified(d, "meanwhile"); string(got.SignatureKey.Marshal()) != string(before.SignatureKey.Marshal()) {
		t.Error("a CA that is only prepared has signed")
	}
	away.run(t, d)
	harness.Eventually(t, time.Minute, func() error {
		if got := d.Dpki(-1, "ca", "activate", "second"); got.Code != 0 {
			return errors.New(got.Stderr)
		}
		return nil
	})
	after := certified(d, "after")
	if string(after.SignatureKey.Marshal()) == string(before.SignatureKey.Marshal()) {
		t.Error("the old CA signs after the new one was activated")
	}
	all("admits by both CAs", func(e *engine) bool { return e.admits("alice", before) && e.admits("alice", after) }, fleet...)
	d.Says(d.Dpki(4, "ca", "retire", "first").Stderr, "may be in use until")

	// A device leaves. What is entered under the zone's next key is read by those that stay.
	d.Dpki(0, "device", "retire", "gate-0", "--yes")
	d.Dpki(0, "zone", "rekey", "plant")
	gone, stay := fleet[0], fleet[1:]
	keys := func(want ...uint32) func(*engine) bool {
		return func(e *engine) bool { return slices.Equal(e.Status("test").ZoneKeys, want) }
	}
	all("has the new key", keys(1, 2), stay...)
	last := certified(d, "last")
	all("admits by a grant under the new key", func(e *engine) bool { return e.admits("alice", last) }, stay...)
	all("has an entry that it cannot read", func(e *engine) bool { return e.Status("test").Retired && e.Status("test").Opaque > 0 }, gone)
	if !keys(1)(gone) {
		t.Errorf("the device that left has keys %v", gone.Status("test").ZoneKeys)
	}
	if s := stay[0].Status("test"); s.Opaque > 0 {
		t.Errorf("a device that stayed cannot read %d entries", s.Opaque)
	}
}
