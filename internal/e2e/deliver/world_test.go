package deliver

import (
	"context"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dpki/bundle"
	"dpki/bundle/store/kubo"
	"dpki/contracts"
	"dpki/device"
	"dpki/internal/devchain"
	"dpki/internal/harness"
	"dpki/internal/harness/fleet"
	nodes "dpki/internal/harness/kubo"
	"dpki/internal/harness/machine"
	"dpki/internal/harness/sshd"
	"dpki/internal/network"
	"dpki/state"

	"golang.org/x/crypto/ssh"
)

func TestMain(m *testing.M) { harness.Main(m, "dpkid", "dpki-authkeys", "dpki", "dpki-sandbox") }

// settled is how long a device may take for what it does at once: a bound for a
// busy machine, not what is measured.
const settled = time.Minute

// sshdFolder is where the device's deliveries.toml says that sshd's configuration is.
const sshdFolder = "/run/dpki-test-ssh"

// world is a device whose content comes through an IPFS node of its own.
type world struct {
	*machine.Machine
	admin *kubo.Node // the administrator's node
}

// sets is the device's deliveries.toml.
var sets = `version = 1
sshd_config = "` + sshdFolder + `/sshd_config"
[[set]]
purpose = "files"
name = "web"
check = ["/bin/sh", "-c", "! grep -q broken /etc/dpki/files.d/web/version"]
reload = ["/bin/sh", "-c", "cat /etc/dpki/files.d/web/version >> ` + sshdFolder + `/told"]
`

func newWorld(t *testing.T) *world {
	t.Helper()
	harness.Need(t, harness.Namespace, harness.Sshd, harness.Ssh, harness.Kubo)
	swarm := nodes.StartSwarm(t, 2)
	org := fleet.New(t, devchain.Options{})
	admin, err := kubo.New(swarm[0].API)
	if err != nil {
		t.Fatal(err)
	}
	org.Blocks = admin
	org.Network.Endpoints = []string{org.Chain.WS}
	org.Network.Stores = []network.Store{{Type: network.Gateway, URL: swarm[1].Gateway}}
	w := &world{admin: admin, Machine: machine.New(t, org, machine.Options{
		Sshd: sshd.Config{Lines: []string{"PidFile " + sshdFolder + "/sshd.pid", "Include " + sshdFolder + "/sshd_config.d/*.conf"}},
		Prepare: func(m *machine.Machine) {
			m.Must(os.RemoveAll(sshdFolder))
			m.Must(os.MkdirAll(sshdFolder+"/sshd_config.d", 0o755))
			m.Must(os.MkdirAll("/etc/dpki", 0o755))
			m.Must(os.WriteFile("/etc/dpki/deliveries.toml", []byte(sets), 0o644))
		},
	})}
	w.Must(os.Symlink(w.Sshd.ConfigFile, sshdFolder+"/sshd_config"))
	return w
}

// parcel is a delivery in the making.
type parcel struct {
	bundle.Outgoing
	change contracts.Change
	block  bundle.Block
}

func (p *parcel) subject() state.Word { return p.change.Subject }

// pack seals content for the device.
func (w *world) pack(purpose bundle.Purpose, content interface{ Marshal() ([]byte, error) }, supersedes state.Word) *parcel {
	w.Helper()
	b, err := content.Marshal()
	w.Must(err)
	return w.packFor(w.Asked.Recipient, purpose, b, supersedes)
}

func (w *world) packFor(to bundle.Recipient, purpose bundle.Purpose, content []byte, supersedes state.Word) *parcel {
	w.Helper()
	p := &parcel{Outgoing: bundle.Outgoing{
		To: to, Mailbox: w.ID, Until: uint64(time.Now().Add(time.Hour).Unix()), Purpose: purpose, Content: content, Supersedes: supersedes,
	}}
	block, sealed, err := w.Org.Ring.Deliver(w.Org.Anchor, p.Outgoing)
	w.Must(err)
	p.block = block
	p.change = contracts.Change{Action: state.ActionPut, Kind: state.KindDelivery, Until: p.Until, Subject: sealed.Subject, Data: sealed.Data}
	return p
}

// store puts blocks where the administrator does.
func (w *world) store(parcels ...*parcel) {
	w.Helper()
	for _, p := range parcels {
		_, err := w.admin.Put(context.Background(), p.block.Bytes)
		w.Must(err)
	}
}

// announce writes the entries, in one transaction.
func (w *world) announce(parcels ...*parcel) {
	w.Helper()
	var changes []contracts.Change
	for _, p := range parcels {
		changes = append(changes, p.change)
	}
	w.Org.Write(w.ID, changes...)
}

func (w *world) send(parcels ...*parcel) {
	w.Helper()
	w.store(parcels...)
	w.announce(parcels...)
}

// becomes waits for what the device makes of a delivery.
func (w *world) becomes(p *parcel, want string) device.Delivered {
	w.Helper()
	var got device.Delivered
	w.Eventually("delivery", settled, func(s device.Status) bool {
		for _, d := range s.Delivered {
			if d.Subject == p.subject() {
				got = d
			}
		}
		return got.Result != ""
	})
	if !strings.Contains(got.Result, want) {
		w.Errorf("became %q, want %q", got.Result, want)
	}
	return got
}

// waits waits until the device says that it cannot apply something, and why.
func (w *world) waits(why string) {
	w.Helper()
	w.Eventually("waiting: "+why, settled, func(s device.Status) bool { return s.Awaited > 0 && strings.Contains(s.Unapplied, why) })
}

// files is a set "web" with a version.
func files(version string, more ...bundle.File) *bundle.Files {
	return &bundle.Files{Version: 1, Name: "web", Files: append(more, bundle.File{Path: "version", Mode: "0644", Content: bundle.Content(version + "\n")})}
}

func (w *world) version(want string) {
	w.Helper()
	if got, err := os.ReadFile("/etc/dpki/files.d/web/version"); err != nil || string(got) != want+"\n" {
		w.Errorf("version %q, %v; want %s", got, err, want)
	}
}

// told are the versions that the reload was run for.
func (w *world) told() []string {
	b, err := os.ReadFile(filepath.Join(sshdFolder, "told"))
	if err != nil {
		return nil
	}
	return strings.Fields(string(b))
}

func text(t testing.TB, key fleet.Key) []byte {
	t.Helper()
	block, err := ssh.MarshalPrivateKey(key.Private, "")
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(block)
}

func line(k ssh.PublicKey) string { return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(k))) }

func (w *world) logf(format string, args ...any) { w.Helper(); w.Logf(format, args...) }
