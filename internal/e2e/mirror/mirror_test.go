package mirror

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dpki/bundle"
	"dpki/device"
	"dpki/internal/devchain"
	"dpki/internal/harness"
	"dpki/internal/harness/fleet"
	"dpki/internal/harness/machine"
	"dpki/state"
)

func TestMain(m *testing.M) { harness.Main(m, "dpkid", "dpki-authkeys", "dpki", "dpki-sandbox") }

// site is a mirror, and the network of the devices behind it.
type site struct {
	*testing.T
	org    *fleet.Org
	island *island
	dir    string // the mirror's
	file   string // the mirror's network file
	mirror *harness.Proc
}

func newSite(t *testing.T) *site {
	t.Helper()
	harness.Need(t, harness.Namespace, harness.Sshd, harness.Ssh)
	s := &site{T: t, org: fleet.New(t, devchain.Options{BlockTime: time.Second}), island: newIsland(t), dir: filepath.Join(t.TempDir(), "mirror")}
	s.file = filepath.Join(t.TempDir(), "network.toml")
	text, err := s.org.Network.Marshal()
	if err == nil {
		err = os.WriteFile(s.file, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	s.org.Network.Endpoints, s.org.Network.Stores, s.org.Network.Mirrors = nil, nil, []string{"http://" + s.island.addr}
	s.start()
	return s
}

// start starts the mirror and leads the island's only way to it.
func (s *site) start() {
	s.Helper()
	const says = "serves network sandbox at http://"
	s.mirror = harness.Start(s, harness.Command{
		Path: harness.Bin(s, "dpki"), Args: []string{"mirror", "--network", s.file, "--dir", s.dir, "--listen", "127.0.0.1:0"},
		Ready: func(_ context.Context, p *harness.Proc) error {
			if !strings.Contains(p.Output(), says) {
				return errors.New(p.Output())
			}
			return nil
		},
	})
	_, rest, _ := strings.Cut(s.mirror.Output(), says)
	addr, _, _ := strings.Cut(rest, "\n")
	s.island.lead(addr)
}

// soon waits for what a device learns within a minute, whatever the machine does
// beside it.
func (s *site) soon(what func() error) {
	s.Helper()
	harness.Eventually(s, 90*time.Second, what)
}

// TestADeviceBehindAMirror: a device that reaches a mirror and nothing else
// enrols, lets in who was granted, hears of a revocation, and says how far it has
// come.
func TestADeviceBehindAMirror(t *testing.T) {
	s := newSite(t)
	ca := s.org.NewCA()
	m := machine.New(t, s.org, machine.Options{Prepare: s.island.settle})
	if s.island.reaches(t, strings.TrimPrefix(s.org.Chain.HTTP, "http://")) {
		t.Fatal("the device reaches the chain: the test shows nothing")
	}
	if !s.island.reaches(t, s.island.addr) {
		t.Fatal("the device does not reach the mirror")
	}
	if st, err := m.Status(); err != nil || st.Endpoints != 0 || st.Mirrors != 1 {
		t.Errorf("status %+v, %v", st, err)
	}

	key, stranger := s.org.NewKey(), s.org.NewKey()
	grant := s.org.Grant(m.ID, state.KindGrant, "alice", key.PublicKey(), time.Hour)
	cert := s.org.Certificate(ca, key.PublicKey(), grant)
	s.soon(func() error { return m.Present("alice", key, cert) })
	m.Accepted("granted", "alice", key, cert)
	m.Refused("a stranger", "alice", stranger, nil)
	m.Refused("another account", "bob", key, cert)

	// The mirror gone, what was verified stands; the mirror back, what is new counts.
	s.mirror.Kill()
	m.Eventually("a failed look", 30*time.Second, func(st device.Status) bool { return st.Problem != "" })
	m.Accepted("without a mirror", "alice", key, cert)
	s.org.Revoke(m.ID, grant)
	m.Accepted("revoked, and not heard of yet", "alice", key, cert)
	s.start()
	s.soon(func() error {
		if m.Present("alice", key, cert) == nil {
			return errors.New("the revoked grant still lets in")
		}
		return nil
	})
	second := s.org.Grant(m.ID, state.KindGrant, "alice", key.PublicKey(), time.Hour)
	again := s.org.Certificate(ca, key.PublicKey(), second)
	s.soon(func() error { return m.Present("alice", key, again) })
	m.Accepted("granted anew", "alice", key, again)

	// Its receipt lies at the mirror, signed by the key of its request.
	signing, err := bundle.SigningKeyBytes(m.Asked.SigningKey)
	m.Must(err)
	s.soon(func() error {
		b, err := os.ReadFile(filepath.Join(s.dir, "receipts", signing.String()))
		if err != nil {
			return err
		}
		r, err := bundle.ParseReceipt(b)
		if err != nil {
			return err
		}
		if mark, ok := r.Of(m.ID); !ok || r.Device != m.ID || mark.Seq < 3 || mark.Result != bundle.Applied {
			return fmt.Errorf("%s", b)
		}
		return nil
	})
	if blocks, err := os.ReadDir(filepath.Join(s.dir, "blocks")); err != nil || len(blocks) == 0 {
		t.Errorf("the mirror has kept no block: %v", err)
	}
}
