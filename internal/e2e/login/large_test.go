package login

import (
	"testing"
	"time"

	"dpki/contracts"
	"dpki/device"
	"dpki/internal/devchain"
	"dpki/internal/harness"
	"dpki/internal/harness/fleet"
	"dpki/state"
)

const (
	zoneEntries = 10_000
	perWrite    = 200
)

// A device joins a zone of ten thousand entries: how long it takes, what the two
// processes weigh then, and that they open no more than they should.
func TestZoneOfTenThousandEntries(t *testing.T) {
	harness.Need(t, harness.Namespace, harness.Sshd, harness.Ssh)
	org := fleet.New(t, devchain.Options{MaxDrift: -1})
	key := org.NewKey()
	for range zoneEntries / perWrite {
		changes := make([]contracts.Change, perWrite)
		for i := range changes {
			changes[i] = org.GrantEntry(org.Zone, state.KindGrant, "alice", key.PublicKey(), 24*time.Hour)
		}
		org.Write(org.Zone, changes...)
	}
	began := time.Now()
	m := newRigIn(t, org)
	m.Eventually("ten thousand grants", settled, func(s device.Status) bool { return s.Grants == zoneEntries })
	t.Logf("from enrolment to %d grants: %v", zoneEntries, time.Since(began).Round(time.Millisecond))
	time.Sleep(3 * time.Second) // what joining left is given back
	m.weigh("after joining")

	m.Daemon.Kill()
	began = time.Now()
	m.Run()
	s, err := m.Status()
	m.Must(err)
	ready := time.Since(began)
	t.Logf("ready again %v after kill -9 with %d grants", ready.Round(time.Millisecond), s.Grants)
	if s.Grants != zoneEntries {
		t.Errorf("after kill -9: %d grants, want %d", s.Grants, zoneEntries)
	}
	if bar := 5 * time.Second; ready > bar {
		t.Errorf("ready after %v, want at most %v (five times the bar)", ready, bar)
	}
	time.Sleep(3 * time.Second)
	if got := m.weigh("after a restart"); got > 5*rssBar {
		t.Errorf("both processes hold %d bytes, want at most %d (five times the bar)", got, 5*rssBar)
	}
}

// rssBar is what both processes may hold, in bytes. A test asserts five times
// that; what it measured it prints.
const rssBar = 40 << 20

// weigh prints what both processes hold, and gives the sum in bytes.
func (m rig) weigh(when string) int {
	m.Helper()
	total, private := 0, 0
	run, fetch := m.Processes()
	for _, pid := range []int{run, fetch} {
		rss, anon := m.Memory(pid, "VmRSS"), m.Memory(pid, "RssAnon")
		m.Logf("%s: pid %d: %d KB resident, %d KB of them anonymous", when, pid, rss>>10, anon>>10)
		total, private = total+rss, private+anon
	}
	m.Logf("%s: both %d KB, %d KB anonymous", when, total>>10, private>>10)
	return total
}
