package enroll

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dpki/device/config"
	"dpki/device/journal"
	"dpki/internal/anchor"
	"dpki/internal/network"
	"dpki/state"
)

var nextOrg = anchor.Anchor{Registry: org.Registry, Org: state.Word{3}}

// readyToMove is an enrolled device with a journal of the successor.
func readyToMove(t *testing.T) (config.Paths, Move) {
	t.Helper()
	p, r := setUp(t)
	r.Zone = state.Word{7}
	if _, err := Enroll(p, r); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(p.Config())
	if err == nil {
		err = os.WriteFile(p.Config(), append([]byte("# ours\n"), text...), 0o644)
	}
	if err == nil {
		err = journal.Create(p.Successor(), nextOrg)
	}
	if err != nil {
		t.Fatal(err)
	}
	n := bytes.Replace(networkText(t, nextOrg.Registry), []byte("127.0.0.1:1"), []byte("127.0.0.1:2"), 1)
	return p, Move{From: org, To: nextOrg, Zone: state.Word{8}, Network: n, Inherited: []byte("inherited")}
}

// hasMoved looks at everything that a device is made of.
func hasMoved(t *testing.T, p config.Paths, m Move, identity []byte) {
	t.Helper()
	c, err := config.Load(p.Config())
	if err != nil || c.Anchor != m.To || c.Zone != m.Zone || c.Name != "gate-7" {
		t.Errorf("configuration: %+v, %v", c, err)
	}
	if text, err := os.ReadFile(p.Config()); err != nil || !strings.HasPrefix(string(text), "# ours\n") {
		t.Errorf("an administrator's own words: %s, %v", text, err)
	}
	if n, err := config.LoadNetwork(p.Network()); err != nil || n.Endpoints[0] != "http://127.0.0.1:2" {
		t.Errorf("network: %+v, %v", n, err)
	}
	j, err := journal.Open(p.Journal(), m.To)
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	if got, err := j.Record(journal.RecordInherited); err != nil || !bytes.Equal(got, m.Inherited) {
		t.Errorf("inherited: %q, %v", got, err)
	}
	if now, err := os.ReadFile(p.Identity()); err != nil || !bytes.Equal(now, identity) {
		t.Errorf("the identity is another: %v", err)
	}
	for _, path := range []string{p.Moving(), p.Successor(), p.Successor() + ".reserve", p.Request()} {
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is left: %v", path, err)
		}
	}
}

// A move that is interrupted after any of its steps, and in the middle of the
// first, ends at the next start.
func TestMove(t *testing.T) {
	for after := range 6 {
		p, m := readyToMove(t)
		identity, err := os.ReadFile(p.Identity())
		if err != nil {
			t.Fatal(err)
		}
		if after == 5 {
			if err := Begin(p, m); err != nil {
				t.Fatal(err)
			}
		} else {
			// As Begin leaves it when it is killed.
			begun := m
			done, err := begun.commit(p)
			if err != nil {
				t.Fatal(err)
			}
			for i, step := range done.steps(p) {
				if i < after {
					if err := step(); err != nil {
						t.Fatalf("step %d: %v", i, err)
					}
				}
			}
			if err := Finish(p); err != nil {
				t.Fatalf("interrupted after %d steps: %v", after, err)
			}
		}
		hasMoved(t, p, m, identity)
		if err := Finish(p); err != nil {
			t.Errorf("once more: %v", err)
		}
	}
}

// Until Begin has written what is to happen, nothing has.
func TestMoveRefused(t *testing.T) {
	for _, c := range []struct {
		what  string
		wrong func(*Move, config.Paths)
	}{
		{"another chain's network file", func(m *Move, _ config.Paths) {
			m.Network = networkText(t, state.Registry{ChainID: 8, Contract: org.Registry.Contract})
		}},
		{"no network file", func(m *Move, _ config.Paths) { m.Network = []byte("version = 9") }},
		{"the journal of a third organisation", func(m *Move, _ config.Paths) { m.To.Org = state.Word{4} }},
		{"no journal", func(_ *Move, p config.Paths) { os.Remove(p.Successor()) }},
	} {
		p, m := readyToMove(t)
		before, err := os.ReadFile(p.Config())
		if err != nil {
			t.Fatal(err)
		}
		c.wrong(&m, p)
		if err := Begin(p, m); err == nil {
			t.Errorf("%s: moved", c.what)
		}
		if err := Finish(p); err != nil {
			t.Errorf("%s: %v", c.what, err)
		}
		if now, err := os.ReadFile(p.Config()); err != nil || !bytes.Equal(now, before) {
			t.Errorf("%s: the configuration has changed: %s, %v", c.what, now, err)
		}
		if j, err := journal.Open(p.Journal(), org); err != nil {
			t.Errorf("%s: %v", c.what, err)
		} else {
			j.Close()
		}
	}
}

// A network file as long as one may be is read back, of whatever bytes: a move that
// has begun and could not be read would leave the device without a daemon.
func TestMoveWithALongNetworkFile(t *testing.T) {
	p, m := readyToMove(t)
	m.Network = append(m.Network, '#')
	m.Network = append(m.Network, bytes.Repeat([]byte{'&'}, network.MaxSize-len(m.Network))...)
	if err := Begin(p, m); err != nil {
		t.Fatal(err)
	}
	if _, err := config.LoadNetwork(p.Network()); err != nil || Begun(p) {
		t.Errorf("%v, begun: %v", err, Begun(p))
	}

	// Longer than one may be: nothing has happened.
	p, m = readyToMove(t)
	m.Network = append(append(m.Network, '#'), bytes.Repeat([]byte{'&'}, network.MaxSize)...)
	if err := Begin(p, m); err == nil || Begun(p) {
		t.Errorf("%v, begun: %v", err, Begun(p))
	}
}

// A device that has begun to move can be told to leave.
func TestLeaveWhileMoving(t *testing.T) {
	p, m := readyToMove(t)
	done, err := m.commit(p)
	if err != nil {
		t.Fatal(err)
	}
	if err := done.steps(p)[0](); err != nil {
		t.Fatal(err)
	}
	if err := Leave(p); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{p.Config(), p.Journal(), p.Moving(), p.Successor(), p.Identity()} {
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is left: %v", path, err)
		}
	}
}

// A Leave that is interrupted does not move the device instead.
func TestLeaveInterrupted(t *testing.T) {
	p, m := readyToMove(t)
	if _, err := m.commit(p); err != nil {
		t.Fatal(err)
	}
	// What cannot be removed stands for the crash.
	kept := p.Journal() + ".kept"
	if err := errors.Join(os.Rename(p.Journal(), kept), os.MkdirAll(filepath.Join(p.Journal(), "in the way"), 0o700)); err != nil {
		t.Fatal(err)
	}
	if err := Leave(p); err == nil {
		t.Fatal("it was not interrupted")
	}
	if err := errors.Join(os.RemoveAll(p.Journal()), os.Rename(kept, p.Journal())); err != nil {
		t.Fatal(err)
	}
	if err := Finish(p); err != nil || Begun(p) {
		t.Errorf("the daemon's next start: %v", err)
	}
	if c, err := config.Load(p.Config()); err != nil || c.Anchor != m.From {
		t.Errorf("the device went on: %v, %v", c.Anchor, err)
	}
	if err := Leave(p); err != nil {
		t.Errorf("the twin, given again: %v", err)
	}
	if _, err := os.Lstat(p.Config()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it has not left: %v", err)
	}
}
