package rotate

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"dpki/device"
	"dpki/internal/harness"
	"dpki/internal/harness/desk"
	"dpki/internal/harness/sshd"
	"dpki/internal/harness/sshkey"
)

// TestMoved: a device of dpkid and sshd is moved to another zone,
// and nobody touches it. Who was granted a login in its old zone does not get in.
func TestMoved(t *testing.T) {
	harness.Need(t, harness.Namespace, harness.Sshd, harness.Ssh)
	d := desk.New(t, overHTTP)
	d.Dpki(0, "zone", "create", "depot")
	for _, zone := range []string{"plant", "depot"} {
		d.Dpki(0, "ca", "create", "users-"+zone, "--zone", zone)
	}
	m := newReal(d, "gate-7")
	stays := newEngine(t, d, "gate-8")
	file, _ := d.Request(stays.identity, stays.name, sshkey.New(t).PublicKey())
	m.run(d)
	stays.run(t, d)
	d.Dpki(0, "device", "add", m.request, file, "--zone", "plant", "--yes")
	before := m.granted(d, "before")
	m.follows(d, before, "plant", 1)
	was := m.status(d)

	began := time.Now()
	d.Dpki(0, "device", "move", "gate-7", "--zone", "depot", "--yes")
	harness.Eventually(t, time.Minute, func() error {
		if s := m.status(d); s.ZoneName != "depot" {
			return fmt.Errorf("zone %q", s.ZoneName)
		}
		return nil
	})
	t.Logf("asked to moved: %v", time.Since(began).Round(10*time.Millisecond))
	if got := m.login(d, before); got.Code == 0 {
		t.Error("a grant of its old zone lets in")
	}
	now := m.status(d)
	if now.Device == was.Device || now.Retired || !slices.Equal(now.ZoneKeys, []uint32{1}) {
		t.Errorf("it was %+v and is %+v", was, now)
	}
	after := m.granted(d, "after")
	m.follows(d, after, "depot", 1)
	// Its old zone has another key, which those that stay were handed.
	harness.Eventually(t, time.Minute, func() error {
		if s := stays.Status("test"); !slices.Equal(s.ZoneKeys, []uint32{1, 2}) {
			return fmt.Errorf("keys %v", s.ZoneKeys)
		}
		return nil
	})
	// A restart changes nothing.
	m.daemon.Stop()
	m.run(d)
	m.follows(d, after, "depot", 1)
}

// granted is a login as alice on the device, where it is now.
func (m *realDevice) granted(d *desk.Desk, name string) sshd.Client {
	d.Helper()
	key := filepath.Join(d.Dir, name)
	sshkey.New(d.T).Save(d.T, key)
	d.Dpki(0, "grant", m.name, "--account", "alice", "--for", "1h", "--key", key+".pub", "--out", key+"-cert.pub")
	return sshd.Client{User: "alice", Key: key, Certificate: key + "-cert.pub"}
}

// follows waits until somebody gets in, in a zone with so many keys.
func (m *realDevice) follows(d *desk.Desk, c sshd.Client, zone string, keys int) {
	d.Helper()
	harness.Eventually(d.T, time.Minute, func() error {
		if s := m.status(d); s.ZoneName != zone || len(s.ZoneKeys) != keys {
			return fmt.Errorf("zone %q, keys %v", s.ZoneName, s.ZoneKeys)
		}
		if got := m.login(d, c); got.Code != 0 {
			return errors.New(got.Stderr)
		}
		return nil
	})
}

func (m *realDevice) status(d *desk.Desk) (s device.Status) {
	d.Helper()
	got := d.Run(-1, "/root", m.within(d, harness.Bin(d.T, "dpkid")), "status", "--json")
	if err := json.Unmarshal([]byte(got.Stdout), &s); err != nil {
		d.Logf("status: %v: %s", err, got.Stderr)
	}
	return s
}
