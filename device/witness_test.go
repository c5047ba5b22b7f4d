package device_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dpki/authkeys"
	"dpki/bundle"
	"dpki/device"
	"dpki/device/journal"
	"dpki/internal/devchain"
	"dpki/internal/harness"
	"dpki/internal/harness/fleet"
	"dpki/internal/harness/follower"
	"dpki/internal/network"
	"dpki/registry/source"
	"dpki/registry/witness"
	"dpki/registry/witness/signer"
	"dpki/state"
)

// witnesses are some that sign what a chain shows, into a folder.
type witnesses struct {
	t     *testing.T
	dir   string
	keys  map[byte]ed25519.PrivateKey
	stops map[byte]func()
}

func newWitnesses(t *testing.T) *witnesses {
	w := &witnesses{t: t, dir: t.TempDir(), keys: map[byte]ed25519.PrivateKey{}, stops: map[byte]func(){}}
	if err := os.Mkdir(filepath.Join(w.dir, source.WitnessFolder), 0o755); err != nil {
		t.Fatal(err)
	}
	return w
}

// key is the key of the witness of a number.
func (w *witnesses) key(n byte) ed25519.PrivateKey {
	if w.keys[n] == nil {
		w.keys[n] = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, ed25519.SeedSize))
	}
	return w.keys[n]
}

// run starts a witness beside a node, until stop.
func (w *witnesses) run(n byte, chain *devchain.Chain) {
	w.t.Helper()
	node, err := source.Dial(chain.WS)
	if err != nil {
		w.t.Fatal(err)
	}
	path := filepath.Join(w.dir, source.WitnessFolder, witness.KeyOf(w.key(n)).String())
	s := signer.New(signer.Config{
		Node: node, ChainID: chain.Registry().ChainID, Key: w.key(n), Every: 50 * time.Millisecond, Log: func(signer.Event) {},
		Publish: func(b []byte) error {
			if err := os.WriteFile(path+".new", b, 0o644); err != nil {
				return err
			}
			return os.Rename(path+".new", path)
		},
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { s.Run(ctx); close(done) }()
	w.stops[n] = func() { cancel(); <-done; node.Close() }
	w.t.Cleanup(func() { w.stop(n) })
}

func (w *witnesses) stop(n byte) {
	if stop := w.stops[n]; stop != nil {
		stop()
		w.stops[n] = nil
	}
}

// names gives a network file a set of witnesses.
func (w *witnesses) names(f network.File, version uint32, agree int, all ...byte) network.File {
	f.WitnessVersion, f.WitnessAgree, f.Witnesses = version, agree, nil
	for _, n := range all {
		f.Witnesses = append(f.Witnesses, network.Witness{Name: "w" + string('a'+n), Key: witness.KeyOf(w.key(n)), Path: w.dir})
	}
	return f
}

// rotation is signed by some of the old witnesses.
func (w *witnesses) rotation(org *fleet.Org, old, next network.File, signers ...byte) *witness.Rotation {
	w.t.Helper()
	r, err := witness.NewRotation(org.Anchor.String(), old.WitnessSet(), next.WitnessSet())
	if err != nil {
		w.t.Fatal(err)
	}
	for _, n := range signers {
		if err := r.Sign(w.key(n)); err != nil {
			w.t.Fatal(err)
		}
	}
	return r
}

// What witnesses have signed counts at once; what they have not does not count,
// whatever the endpoint proves, and State grows old until they are back.
func TestWitnesses(t *testing.T) {
	t.Parallel()
	org := fleet.New(t, follower.Ticking)
	r, w := follower.New(t, org), newWitnesses(t)
	r.Network = w.names(r.Network, 1, 2, 1, 2, 3)
	w.run(1, org.Chain)
	w.run(2, org.Chain)
	ca := org.NewCA()
	r.Start(nil)
	mailbox := r.Enrol("gate-7")
	if s := r.Engine.Status(""); s.Witnesses != 3 || s.Signed != 2 {
		t.Errorf("%d of %d witnesses", s.Signed, s.Witnesses)
	}
	login := func(account string, kind state.Kind) func(string, bool) {
		key := org.NewKey()
		cert := org.Certificate(ca, key.PublicKey(), org.Grant(mailbox, kind, account, key.PublicKey(), time.Hour))
		return func(when string, want bool) {
			t.Helper()
			try := func() error {
				if v := r.Offer(account, cert); v.Allow != want {
					return fmt.Errorf("%s, %s: allowed %v, %v, age %v", when, account, v.Allow, v.Reason, v.Now.Age)
				}
				return nil
			}
			if want { // once enough of them have come to sign it
				harness.Eventually(t, 20*time.Second, try)
			} else if err := try(); err != nil {
				t.Error(err)
			}
		}
	}
	alice := login("alice", state.KindGrant)
	alice("signed by two of three", true)

	w.stop(2)
	bob := login("bob", state.KindGrant)
	bob("a grant that one of three has signed", false)
	alice("what was signed before", true)
	r.Eventually(func(s device.Status) bool { return strings.Contains(s.Problem, "too few witnesses") && s.Next != "" })
	r.Pass(2 * time.Minute)
	root := login("root", state.KindGrantPriv)
	root("nothing is fresh any more", false)

	w.run(3, org.Chain)
	r.Eventually(func(s device.Status) bool { return s.Freshness == "fresh" && s.Problem == "" })
	bob("signed by another two", true)
	root("signed by another two", true)
}

// Once pinned, witnesses are replaced by those alone whom enough of them have
// signed for: neither whoever may set the organisation's policy nor the file of
// local root takes them away.
func TestPinnedWitnesses(t *testing.T) {
	t.Parallel()
	org := fleet.New(t, follower.Ticking)
	r, w := follower.New(t, org), newWitnesses(t)
	plain := r.Network
	for n := byte(1); n <= 4; n++ {
		w.run(n, org.Chain)
	}
	one := w.names(plain, 1, 2, 1, 2, 3)
	org.Network = one
	r.Start(nil)
	r.Enrol("gate-7") // whose bundle names them
	pinned := func(when string, version uint32) {
		t.Helper()
		if got := r.Engine.View().Witnesses.Version; got != version {
			t.Errorf("%s: version %d is pinned, want %d", when, got, version)
		}
	}
	pinned("named by the first bundle", 1)

	request := r.Request("gate-7")
	announce := func(name string, n network.File) {
		t.Helper()
		org.Network = n
		org.Announce(org.Zone, func(*bundle.Request) *bundle.DeviceMaterials { return org.Materials(name) }, request)
		r.Eventually(func(s device.Status) bool { return s.Name == name })
	}
	// Refused: others, fewer, and none of them; the bundle's endpoint as well.
	evil := w.names(plain, 2, 1, 9)
	evil.Endpoints = append(evil.Endpoints, "http://127.0.0.1:9/evil")
	announce("others", evil)
	pinned("others", 1)
	two := w.names(plain, 2, 2, 1, 2, 4)
	half := two
	half.Rotations = []*witness.Rotation{w.rotation(org, one, two, 1)}
	announce("half", half)
	pinned("signed by one of two", 1)
	announce("none", w.names(plain, 2, 0))
	pinned("none", 1)
	if s := r.Engine.Status(""); s.Endpoints != 1 {
		t.Errorf("%d endpoints: that of a refused file is asked", s.Endpoints)
	}
	// The twin.
	two.Rotations = []*witness.Rotation{w.rotation(org, one, two, 1, 3)}
	announce("two", two)
	pinned("signed by two", 2)
	w.stop(3)
	block := r.Engine.Status("").Block
	r.Eventually(func(s device.Status) bool { return s.Block > block && s.Problem == "" })

	// And after a restart, also where local root's file is an old one.
	r.Stop()
	r.Network = one
	r.Start(nil)
	pinned("after a restart", 2)
	block = r.Engine.Status("").Block
	r.Eventually(func(s device.Status) bool { return s.Block > block && s.Problem == "" })
	r.Stop()
	r.Network = w.names(plain, 3, 1, 9)
	j, err := journal.Open(r.Path, org.Anchor)
	if err != nil {
		t.Fatal(err)
	}
	_, err = device.New(device.Config{Anchor: org.Anchor, Identity: r.Identity, Journal: j, Network: r.Network, Fetcher: device.NewSupervisor(follower.InProcess, r.Logger()), Clock: r.Clock(), Log: r.Logger()})
	j.Close()
	if !errors.Is(err, witness.ErrRotation) {
		t.Errorf("local root's file with others: %v, want ErrRotation", err)
	}
	// reset-trust is the way out, of lost keys as well.
	r.Network = plain
	r.Start(nil)
	pinned("before reset-trust", 2)
	if err := r.Engine.ResetTrust(t.Context()); err != nil {
		t.Fatal(err)
	}
	pinned("what the zone's file names", 2)
}

// A device that joins believes nothing before witnesses have signed it.
func TestNotReadyWithoutWitnesses(t *testing.T) {
	t.Parallel()
	org := fleet.New(t, follower.Ticking)
	r, w := follower.New(t, org), newWitnesses(t)
	r.Network = w.names(r.Network, 1, 1, 1)
	ca := org.NewCA()
	r.Start(nil)
	mailbox := org.Enrol(r.Request("gate-7"))
	key := org.NewKey()
	cert := org.Certificate(ca, key.PublicKey(), org.Grant(mailbox, state.KindGrant, "alice", key.PublicKey(), time.Hour))
	r.Eventually(func(s device.Status) bool { return strings.Contains(s.Problem, "too few witnesses") })
	if v := r.Offer("alice", cert); v.Allow || v.Reason != authkeys.NotEnrolled && v.Reason != authkeys.NotReady {
		t.Errorf("nothing is signed: %v, %v", v.Allow, v.Reason)
	}
	w.run(1, org.Chain)
	r.Eventually(func(s device.Status) bool { return s.Enrolled })
	r.Allowed("signed", "alice", cert)
}
