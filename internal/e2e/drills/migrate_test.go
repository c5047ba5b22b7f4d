package drills

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/sys/unix"

	"dpki/admin"
	"dpki/bundle"
	"dpki/bundle/store"
	"dpki/device"
	"dpki/device/config"
	"dpki/internal/anchor"
	"dpki/internal/harness"
	"dpki/internal/harness/machine"
	"dpki/internal/harness/sshd"
	"dpki/internal/harness/sshkey"
	"dpki/internal/socket"
	"dpki/internal/socket/serve"
	"dpki/registry/mirror"
	"dpki/registry/source"
	"dpki/state"
)

func TestMain(m *testing.M) {
	harness.RepoRoot() // found from here; drills run in folders of their own
	harness.Main(m, "dpkid", "dpki-authkeys")
}

// TestMigration: an organisation goes on as another when both say so and the
// delay is over, and not before; its device, a real dpkid and sshd that nobody
// touches, follows once the other has adopted it, and lets in whom that one grants.
func TestMigration(t *testing.T) {
	d := newDrill(t)
	dev := d.device("gate-9")
	old := d.org
	before, err := d.grantOn(d.root, dev.name)
	d.must(err)
	dev.admits("before", before)

	next, there := d.founded("acme2")
	_, err = d.root.desk().Point(t.Context(), state.Successor, next.org)
	d.must(err)
	if p, err := d.root.desk().Pointers(t.Context()); err != nil || p.Successor != "" || p.Waits != next.org.String() {
		t.Fatalf("before the delay is over: %+v, %v", p, err)
	}
	dev.stage(device.Delayed)
	_, err = there.desk().Point(t.Context(), state.Predecessor, old)
	d.must(err)
	dev.pass(2 * time.Hour)
	if p, err := d.root.desk().Pointers(t.Context()); err != nil || p.Successor != next.org.String() || p.Waits != "" {
		t.Errorf("after it: %+v, %v", p, err)
	}
	if p, err := there.desk().Pointers(t.Context()); err != nil || p.Predecessor != old.String() {
		t.Errorf("the successor: %+v, %v", p, err)
	}
	dev.stage(device.Unadopted)
	dev.admits("while the successor has not adopted it", before)
	if s, err := d.root.desk().Succession(t.Context(), there.desk()); err != nil || !s.Answers || s.Devices != 2 || s.Adopted != 0 || s.Moved != 0 {
		t.Errorf("both sides before: %+v, %v", s, err)
	}

	// Killed between the journal of one and the configuration of the other.
	thaw := dev.freeze("/etc/dpki")
	adopted, err := there.desk().Adopt(t.Context(), d.root.desk())
	d.must(err)
	if len(adopted) != 1 || adopted[0].Devices != 2 || !adopted[0].Made {
		t.Errorf("adopted: %+v", adopted)
	}
	harness.Eventually(t, 2*settled, func() error { _, err := os.Lstat("/var/lib/dpki/moving"); return err })
	dev.refuses("between the two", before)
	dev.Daemon.Kill()
	thaw()
	dev.Run()
	dev.Eventually("moved", 2*settled, func(s device.Status) bool {
		return s.Anchor == next.org.String() && s.Enrolled && s.Name == dev.name && len(s.Left) == 1 && s.Left[0] == old.String()
	})
	dev.refuses("a grant of before", before)
	_, err = there.desk().CreateCA(t.Context(), admin.NewCA{
		Zone: "plant", Label: "users", For: 300 * 24 * time.Hour, Passphrase: func() ([]byte, error) { return []byte("drill"), nil },
	})
	d.must(err)
	dev.Eventually("the successor's authority", settled, func(s device.Status) bool { return s.CAs == 1 })
	after, err := next.grantOn(there, dev.name)
	d.must(err)
	dev.admits("the successor's grant", after)
	harness.Eventually(t, settled, func() error {
		s, err := d.root.desk().Succession(t.Context(), there.desk())
		if err == nil && (s.Adopted != 2 || s.Moved != 1 || s.Silent != 1) {
			err = fmt.Errorf("both sides: %+v", s)
		}
		return err
	})
	again, err := there.desk().Adopt(t.Context(), d.root.desk())
	d.must(err)
	if len(again) != 1 || again[0].Already != 2 || len(again[0].Posted) != 0 {
		t.Errorf("adopted again: %+v", again)
	}

	// What moved stays moved over a restart.
	dev.Daemon.Kill()
	dev.Run()
	dev.Eventually("restarted", settled, func(s device.Status) bool { return s.Anchor == next.org.String() && s.Enrolled })
	dev.admits("after a restart", after)

	// On to a third, undisturbed: for how long nobody is answered.
	last, beyond := d.founded("acme3")
	_, err = there.desk().Point(t.Context(), state.Successor, last.org)
	d.must(err)
	dev.stage(device.Delayed)
	_, err = beyond.desk().Point(t.Context(), state.Predecessor, next.org)
	d.must(err)
	dev.pass(2 * time.Hour)
	dev.stage(device.Unadopted)
	silent := dev.silent(last.org)
	_, err = beyond.desk().Adopt(t.Context(), there.desk())
	d.must(err)
	took, answered := silent()
	if took == 0 || took > settled || !answered.Enrolled || answered.Name != dev.name || len(answered.Left) != 2 {
		t.Errorf("after %v: %+v", took, answered)
	}
	t.Logf("measured: from the last answer in one organisation to the first in the next %v", took.Round(time.Millisecond))
}

// founded is another organisation of the same root.
func (d *drill) founded(label string) (*drill, *person) {
	d.Helper()
	next := *d
	var salt state.Word
	rand.Read(salt[:])
	next.org.Org = d.chain.Registry().OrganisationID(d.chain.AdminAddress(), salt)
	there := next.person(d.chain.Admin)
	there.id = d.root.id
	_, err := there.desk().CreateOrganisation(d.Context(), label, "root", salt)
	d.must(err)
	return &next, there
}

// silent asks a device all the time, until it has gone on to an organisation, and
// gives how long it was between its last answer before and its first one there.
func (m *movable) silent(to anchor.Anchor) func() (time.Duration, device.Status) {
	var took time.Duration
	var first device.Status
	done := make(chan struct{})
	go func() {
		defer close(done)
		last := time.Now()
		for m.Context().Err() == nil && first.Anchor != to.String() {
			a, err := serve.Call(m.Context(), config.System().Control(), socket.NewRequest(socket.Status))
			if now := time.Now(); err == nil && json.Unmarshal([]byte(a.Text), &first) == nil {
				took, last = now.Sub(last), now
			}
			time.Sleep(2 * time.Millisecond)
		}
	}()
	return func() (time.Duration, device.Status) {
		m.Helper()
		select {
		case <-done:
		case <-time.After(2 * settled):
			m.Fatal("the device does not move")
		}
		return took, first
	}
}

// settled bounds what a device does at once: for a machine under load.
const settled = time.Minute

// movable is this machine as a device of the drill.
type movable struct {
	*machine.Machine
	drill *drill
	name  string
}

// device makes this machine a device: dpkid as its two processes, a real sshd, a
// mirror that takes its receipts.
func (d *drill) device(name string) *movable {
	d.Helper()
	harness.Need(d, harness.Namespace, harness.Sshd, harness.Ssh)
	m := &movable{&machine.Machine{TB: d.T}, d, name}
	d.Cleanup(func() {
		for _, p := range []string{"/etc/dpki", "/var/lib/dpki", "/run/dpki"} {
			m.Must(os.RemoveAll(p))
		}
	})
	m.Sshd = sshd.Start(d, sshd.Config{Command: machine.Helper})
	n := d.chain.Network()
	url := d.mirror()
	n.Mirrors = []string{url}
	text, err := n.Marshal()
	d.must(err)
	dir := d.TempDir()
	d.must(os.WriteFile(filepath.Join(dir, "network.toml"), text, 0o600))
	d.must(os.WriteFile(filepath.Join(dir, "host.pub"), ssh.MarshalAuthorizedKey(m.Sshd.Host), 0o600))
	m.Dpkid(0, "enroll", d.org.String(), "--name", name, "--host-key", filepath.Join(dir, "host.pub"),
		"--network", filepath.Join(dir, "network.toml"), "--out", filepath.Join(dir, "request"))
	request, err := os.ReadFile(filepath.Join(dir, "request"))
	d.must(err)
	asked, err := bundle.ParseRequest(request)
	d.must(err)
	desk := d.root.desk()
	plan, err := desk.PlanDevices(d.Context(), admin.AddDevices{Zone: "plant", Requests: []*bundle.Request{asked}})
	d.must(err)
	_, err = desk.AddPlanned(d.Context(), plan)
	d.must(err)
	m.Run()
	m.Eventually("enrolment", settled, func(s device.Status) bool { return s.Enrolled && s.CAs > 0 })
	return m
}

// mirror serves the chain's and takes receipts.
func (d *drill) mirror() string {
	d.Helper()
	up, err := source.Dial(d.chain.HTTP)
	d.must(err)
	blocks, err := store.NewSandbox(d.chain.HTTP)
	d.must(err)
	server, err := mirror.New(mirror.Config{Registry: d.chain.Registry(), Chain: []mirror.Source{up}, Blocks: blocks, Dir: d.TempDir(),
		Memory: 1 << 20, Disk: 1 << 20, Rate: 1e6, Log: slog.New(slog.DiscardHandler)})
	d.must(err)
	s := httptest.NewServer(server)
	to, err := source.DialMirror(s.URL)
	d.must(err)
	d.Cleanup(func() { to.Close(); s.Close(); up.Close() })
	d.receipts = append(d.receipts, to)
	return s.URL
}

// freeze makes a folder one that nobody can write to, root neither.
func (m *movable) freeze(dir string) (thaw func()) {
	m.Helper()
	m.Must(unix.Mount(dir, dir, "", unix.MS_BIND, ""))
	m.Must(unix.Mount("", dir, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, ""))
	return func() { m.Must(unix.Unmount(dir, unix.MNT_DETACH)) }
}

func (m *movable) stage(want device.Stage) {
	m.Helper()
	m.Eventually(want.String(), settled, func(s device.Status) bool { return s.Successor != nil && s.Successor.Stage == want.String() })
}

// pass moves the chain's time in steps that the device's clocks believe.
func (m *movable) pass(by time.Duration) {
	m.Helper()
	const step = 40 * time.Minute
	for ; by > 0; by -= step {
		m.drill.pass(min(by, step))
		m.drill.chain.Mine(1)
		now := m.drill.chain.Time()
		m.Eventually("time", settled, func(s device.Status) bool { return s.BlockTime >= now })
	}
}

// granted is a grant with the key that it is for.
type granted struct {
	key  sshkey.Key
	cert *ssh.Certificate
}

func (d *drill) grantOn(by *person, name string) (granted, error) {
	d.Helper()
	g := granted{key: sshkey.New(d.T)}
	got, err := by.desk().Grant(d.Context(), admin.GrantRequest{Targets: []string{name}, Account: "alice", For: 2 * 24 * time.Hour, Key: g.key.PublicKey()})
	if err == nil {
		g.cert = got.Grants[0].Cert
	}
	return g, err
}

func (m *movable) admits(when string, g granted) {
	m.Helper()
	harness.Eventually(m, settled, func() error { // at the first try, unless the machine is busy
		if got := m.Login("alice", g.key, g.cert); got.Code != 0 || got.Stdout != "alice\n" {
			return fmt.Errorf("%s: %+v, %+v", when, got, m.LastAudit())
		}
		return nil
	})
}

func (m *movable) refuses(when string, g granted) {
	m.Helper()
	m.Refused(when, "alice", g.key, g.cert)
}

// TestPointerOfOneRoot: where two roots must sign, one alone points nowhere; with
// the other it does.
func TestPointerOfOneRoot(t *testing.T) {
	d := newDrill(t)
	bob := d.person(nil)
	_, err := d.root.desk().AddAdmin(t.Context(), admin.NewAdmin{Account: bob.account, Root: true})
	d.must(err)
	_, _, err = d.root.desk().SetLimit(t.Context(), "ADMIN", 2, 0)
	d.must(d.sign(err, d.root, bob))
	to := d.org
	to.Org = state.Word{7}
	_, err = d.root.desk().Point(t.Context(), state.Successor, to)
	alone := d.proposal(err)
	_, err = d.root.desk().SubmitProposal(t.Context(), alone)
	d.refused(err, "1 of 2 approvals")
	if p, err := d.root.desk().Pointers(t.Context()); err != nil || *p != (admin.Pointers{}) {
		t.Fatalf("one root alone: %+v, %v", p, err)
	}
	_, err = bob.desk().Point(t.Context(), state.Successor, to)
	d.must(d.sign(err, bob, d.root))
	if p, err := d.root.desk().Pointers(t.Context()); err != nil || p.Waits != to.String() {
		t.Errorf("twin: %+v, %v", p, err)
	}
}

// TestVetoedPointer: a stolen root points to an organisation of the thief's; two of
// three guardians end it before its delay is over, and the device stays where it is.
func TestVetoedPointer(t *testing.T) {
	d := newDrill(t)
	dev := d.device("gate-9")
	g := d.guardians()
	before, err := d.grantOn(d.root, dev.name)
	d.must(err)
	to := d.org
	to.Org = state.Word{7}
	_, err = g[0].desk().VetoPointer(t.Context())
	d.refused(err, "no pointer to a successor waits")
	_, err = d.root.desk().Point(t.Context(), state.Successor, to)
	d.must(err)
	dev.stage(device.Delayed)
	_, err = d.root.desk().VetoPointer(t.Context())
	d.refused(err, "is no guardian")
	_, err = g[0].desk().VetoPointer(t.Context())
	d.must(d.sign(err, g[1], g[1]))
	dev.stage(device.Vetoed)
	dev.pass(2 * timelock)
	dev.stage(device.Vetoed)
	if p, err := d.root.desk().Pointers(t.Context()); err != nil || *p != (admin.Pointers{}) {
		t.Errorf("after the veto: %+v, %v", p, err)
	}
	dev.admits("after the veto", before)
}
