package login

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"testing"
	"time"

	"dpki/contracts"
	"dpki/device"
	"dpki/internal/harness"
	"dpki/internal/harness/devchain"
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
	harness.Need(t, harness.Namespace, harness.Sshd, harness.Ssh, harness.SshKeygen)
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
	m := newMachineIn(t, org)
	m.eventually("ten thousand grants", func(s device.Status) bool { return s.Grants == zoneEntries })
	t.Logf("from enrolment to %d grants: %v", zoneEntries, time.Since(began).Round(time.Millisecond))
	time.Sleep(3 * time.Second) // what joining left is given back
	m.weigh("after joining")

	m.daemon.Kill()
	began = time.Now()
	m.run()
	s, err := m.status()
	m.must(err)
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
		t.Errorf("both processes hold %d KB, want at most %d (five times the bar)", got, 5*rssBar)
	}
}

// rssBar is what both processes may hold, in KB. A test asserts five times that;
// what it measured it prints.
const rssBar = 40 << 10

// weigh prints what both processes hold, and gives the sum in KB.
func (m *machine) weigh(when string) int {
	m.Helper()
	total, private := 0, 0
	for _, pid := range []int{m.daemon.Pid(), m.fetchPid()} {
		rss, anon := m.memory(pid, "VmRSS"), m.memory(pid, "RssAnon")
		m.Logf("%s: pid %d: %d KB resident, %d KB of them anonymous", when, pid, rss, anon)
		total, private = total+rss, private+anon
	}
	m.Logf("%s: both %d KB, %d KB anonymous", when, total, private)
	return total
}

func (m *machine) memory(pid int, field string) int {
	m.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	m.must(err)
	found := regexp.MustCompile(field + `:\s+(\d+) kB`).FindSubmatch(text)
	if found == nil {
		m.Fatalf("no %s of pid %d", field, pid)
	}
	n, err := strconv.Atoi(string(found[1]))
	m.must(err)
	return n
}
