package rotate

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"dpki/authkeys"
	"dpki/bundle"
	"dpki/device"
	"dpki/device/clock"
	"dpki/device/fetch"
	"dpki/device/journal"
	"dpki/device/pipe"
	"dpki/internal/harness"
	"dpki/internal/harness/desk"
	"dpki/internal/network"
)

func TestMain(m *testing.M) { harness.Main(m, "dpki", "dpkid", "dpki-authkeys", "dpki-sandbox") }

// engine is a device whose daemon runs in this process: its own identity, folder
// and reader, and no sshd.
type engine struct {
	*device.Engine
	name     string
	identity *bundle.Identity
	journal  string
	stop     func()
}

// newEngine makes the folder of a device.
func newEngine(t *testing.T, d *desk.Desk, name string) *engine {
	t.Helper()
	id, err := bundle.GenerateIdentity()
	d.Must(err)
	e := &engine{name: name, identity: id, journal: filepath.Join(t.TempDir(), "journal")}
	d.Must(journal.Create(e.journal, d.Anchor))
	return e
}

// run starts it.
func (e *engine) run(t *testing.T, d *desk.Desk) {
	t.Helper()
	n, err := network.Load(d.Network)
	d.Must(err)
	j, err := journal.Open(e.journal, d.Anchor)
	d.Must(err)
	system, err := clock.System()
	d.Must(err)
	log := slog.New(slog.DiscardHandler)
	sup := device.NewSupervisor(inProcess, log)
	e.Engine, err = device.New(device.Config{
		Anchor: d.Anchor, Identity: e.identity, Journal: j, Network: n, Fetcher: sup, Clock: system, Profile: device.Profiles["normal"], Log: log,
	})
	d.Must(err)
	ctx, cancel := context.WithCancel(context.Background())
	ran, supervised := make(chan struct{}), make(chan struct{})
	go func() { e.Engine.Run(ctx); close(ran) }()
	go func() { sup.Run(ctx); close(supervised) }()
	stopped := false
	e.stop = func() {
		if !stopped {
			stopped = true
			cancel()
			<-ran
			<-supervised
			j.Close()
		}
	}
	t.Cleanup(e.stop)
}

// inProcess is a device's fetch in this process.
func inProcess(ctx context.Context) (io.ReadWriteCloser, error) {
	a, b := net.Pipe()
	go pipe.Serve(ctx, b, &fetch.Backend{})
	return a, nil
}

// admits is the engine's decision about a certificate, from what it knows already.
func (e *engine) admits(account string, cert *ssh.Certificate) bool {
	f := strings.Fields(string(ssh.MarshalAuthorizedKey(cert)))
	v := e.View()
	decision := authkeys.Parse(authkeys.Request{Account: account, KeyType: f[0], Key: f[1], Stage: authkeys.StageOffer}).Decide(v.State, v.Now(e.Clock().Read()))
	return decision.Allow
}

// enrolled says what is missing until it decides logins.
func (e *engine) enrolled() error {
	if s := e.Status("test"); !s.Enrolled {
		return fmt.Errorf("%s is not enrolled", e.name)
	}
	return nil
}
