package watch

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"dpki/bundle"
	"dpki/contracts"
	"dpki/device"
	"dpki/internal/devchain"
	"dpki/internal/harness"
	"dpki/internal/harness/fleet"
	"dpki/internal/harness/machine"
	"dpki/internal/sshsig"
	"dpki/sshca/profile"
	"dpki/state"
)

func TestMain(m *testing.M) { harness.Main(m, "dpkid", "dpki-authkeys") }

// settled is how long a device may take for what it does at once: a bound for a
// busy machine, not what is measured.
const settled = time.Minute

// world is a device, the organisation's only administrator, and three watchdogs.
type world struct {
	*machine.Machine
	whole *machine.Machine // with the voice of the whole test: a daemon ends with the voice that started it
	dogs  []ssh.Signer
}

func newWorld(t *testing.T) *world {
	t.Helper()
	harness.Need(t, harness.Namespace, harness.Sshd, harness.Ssh)
	org := fleet.New(t, devchain.Options{})
	org.Network.Endpoints = []string{org.Chain.WS}
	m := machine.New(t, org, machine.Options{})
	w := &world{Machine: m, whole: m}
	for range 3 {
		w.dogs = append(w.dogs, org.NewKey())
	}
	return w
}

// in is the world with a subtest's voice.
func (w *world) in(t *testing.T) *world {
	m := *w.whole
	m.TB = t
	return &world{Machine: &m, whole: w.whole, dogs: w.dogs}
}

// down ends the daemon, as SIGKILL does; up starts it again.
func (w *world) down() { w.Helper(); w.whole.Daemon.Kill() }
func (w *world) up()   { w.Helper(); w.whole.Run() }

// demand has the zone demand so many signatures of these.
func (w *world) demand(need int, dogs ...ssh.Signer) {
	w.Helper()
	w.zonePolicy(policy(need, dogs...))
}

func (w *world) zonePolicy(p state.Policy) {
	w.Helper()
	payload, err := p.Marshal()
	w.Org.Write(w.Org.Zone, w.Org.Seal(w.Org.Zone, state.KindPolicy, payload, err, time.Hour))
}

// floor is the same of the organisation.
func (w *world) floor(need int, dogs ...ssh.Signer) {
	w.Helper()
	payload, err := policy(need, dogs...).Marshal()
	w.Must(err)
	c := contracts.Change{Action: state.ActionPut, Kind: state.KindPolicy, Until: uint64(time.Now().Add(time.Hour).Unix()), Data: payload}
	rand.Read(c.Subject[:])
	w.Org.Write(w.Org.Anchor.Org, c)
}

func policy(need int, dogs ...ssh.Signer) state.Policy {
	p := state.Policy{Offline: 3600}
	if len(dogs) == 0 {
		return p
	}
	d := state.Watchdogs{Need: uint8(need), Purposes: state.DeliveredPurposes}
	for _, dog := range dogs {
		d.Keys = append(d.Keys, profile.Hash(dog.PublicKey()))
	}
	slices.SortFunc(d.Keys, func(a, b state.Word) int { return bytes.Compare(a[:], b[:]) })
	p.Watchdogs = []state.Watchdogs{d}
	return p
}

// parcel is a delivery that was sealed.
type parcel struct {
	*bundle.Watched
	until uint64
}

// pack seals a set of files "web" with a version.
func (w *world) pack(version string, supersedes *parcel) *parcel {
	w.Helper()
	content, err := (&bundle.Files{Version: 1, Name: "web", Files: []bundle.File{{Path: "version", Mode: "0644", Content: bundle.Content(version)}}}).Marshal()
	w.Must(err)
	o := w.out(bundle.PurposeFiles, content)
	o.Name = "web"
	if supersedes != nil {
		o.Supersedes = supersedes.Entry.Subject
	}
	sent, err := w.Org.Ring.DeliverWatched(w.Org.Anchor, "gate-7", o)
	w.Must(err)
	return &parcel{sent, o.Until}
}

func (w *world) out(purpose bundle.Purpose, content []byte) bundle.Outgoing {
	return bundle.Outgoing{To: w.Asked.Recipient, Mailbox: w.ID, Until: uint64(time.Now().Add(time.Hour).Unix()), Purpose: purpose, Content: content}
}

func (w *world) send(p *parcel) *parcel {
	w.Helper()
	w.announce(p.Block, p.Entry, p.until)
	return p
}

func (w *world) announce(block bundle.Block, entry bundle.Sealed, until uint64) {
	w.Helper()
	_, err := w.Org.Blocks.Put(w.Context(), block.Bytes)
	w.Must(err)
	w.Org.Write(w.ID, contracts.Change{Action: state.ActionPut, Kind: state.KindDelivery, Until: until, Subject: entry.Subject, Data: entry.Data})
}

// signatures are those of dogs over a statement.
func (w *world) signatures(s *bundle.Statement, dogs ...ssh.Signer) []byte {
	w.Helper()
	content := &bundle.Signatures{Version: 1, Statements: []state.Word{s.Digest()}}
	message, err := bundle.WatchMessage(content.Statements)
	w.Must(err)
	for _, d := range dogs {
		sig, err := sshsig.Sign(d, bundle.WatchNamespace, message)
		w.Must(err)
		content.Signatures = append(content.Signatures, bundle.SSHSignature{Signature: sig})
	}
	slices.SortFunc(content.Signatures, func(a, b bundle.SSHSignature) int { return bytes.Compare(a.Key.Hash[:], b.Key.Hash[:]) })
	text, err := content.Marshal()
	w.Must(err)
	return text
}

// attach announces signatures on a delivery, whatever they are over.
func (w *world) attach(p *parcel, content []byte) {
	w.Helper()
	o := w.out(bundle.PurposeSignatures, content)
	o.Signs = p.Entry.Subject
	block, sealed, err := w.Org.Ring.Deliver(w.Org.Anchor, o)
	w.Must(err)
	w.announce(block, sealed, o.Until)
}

func (w *world) sign(p *parcel, dogs ...ssh.Signer) {
	w.Helper()
	w.attach(p, w.signatures(p.Statement, dogs...))
}

// waits waits until the device says why it does not apply the one delivery that is
// not settled, and nothing of it is there.
func (w *world) waits(why string) {
	w.Helper()
	s := w.Eventually("waiting: "+why, settled, func(s device.Status) bool { return s.Awaited > 0 && strings.Contains(s.Unapplied, why) })
	if s.Unsigned != s.Awaited {
		w.Errorf("%d not co-signed of %d that wait", s.Unsigned, s.Awaited)
	}
}

// becomes waits for what the device makes of a delivery.
func (w *world) becomes(p *parcel, want string) {
	w.Helper()
	var got device.Delivered
	w.Eventually("delivery", settled, func(s device.Status) bool {
		for _, d := range s.Delivered {
			if d.Subject == p.Entry.Subject {
				got = d
			}
		}
		return got.Result != ""
	})
	if !strings.Contains(got.Result, want) {
		w.Errorf("became %q, want %q", got.Result, want)
	}
}

// version is what stands on the device; empty = nothing.
func (w *world) version(want string) {
	w.Helper()
	got, err := os.ReadFile("/etc/dpki/files.d/web/version")
	if err != nil && !errors.Is(err, fs.ErrNotExist) || string(got) != want {
		w.Errorf("version %q, %v; want %q", got, err, want)
	}
}
