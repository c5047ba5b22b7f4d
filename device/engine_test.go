package device

import (
	"context"
	"encoding/base64"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"testing"
	"time"

	"dpki/authkeys"
	"dpki/authkeys/breakglass"
	"dpki/bundle"
	"dpki/device/clock"
	"dpki/device/fetch"
	"dpki/device/journal"
	"dpki/device/pipe"
	"dpki/internal/harness"
	"dpki/internal/harness/devchain"
	"dpki/internal/harness/fleet"
	"dpki/internal/network"
	"dpki/state"

	"golang.org/x/crypto/ssh"
)

// rig is an engine on a real chain, with the fetch side in this process.
type rig struct {
	*testing.T
	org      *fleet.Org
	identity *bundle.Identity
	path     string
	network  network.File
	config   Config
	engine   *Engine
	stop     func()
}

func newRig(t *testing.T, org *fleet.Org) *rig {
	t.Helper()
	id, err := bundle.GenerateIdentity()
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{T: t, org: org, identity: id, path: filepath.Join(t.TempDir(), "journal"), network: org.Chain.Network()}
	if err := journal.Create(r.path, org.Anchor); err != nil {
		t.Fatal(err)
	}
	return r
}

// start opens the journal and runs an engine. change adjusts its configuration.
func (r *rig) start(change func(*Config)) {
	r.Helper()
	j, err := journal.Open(r.path, r.org.Anchor)
	if err != nil {
		r.Fatal(err)
	}
	system, err := clock.System()
	if err != nil {
		r.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(testWriter{r.T}, &slog.HandlerOptions{Level: slog.LevelDebug}))
	sup := NewSupervisor(inProcess, log)
	r.config = Config{
		Anchor: r.org.Anchor, Identity: r.identity, Journal: j, Network: r.network, Fetcher: sup, Clock: system,
		Profile: Profile{Watch: 100 * time.Millisecond, Idle: time.Hour}, Log: log,
	}
	if change != nil {
		change(&r.config)
	}
	if r.engine, err = New(r.config); err != nil {
		j.Close()
		r.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ran, supervised := make(chan error, 1), make(chan struct{})
	go func() { ran <- r.engine.Run(ctx) }()
	go func() { sup.Run(ctx); close(supervised) }()
	stopped := false
	r.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-ran; err != nil {
			r.Errorf("engine: %v", err)
		}
		<-supervised
		j.Close()
	}
	r.Cleanup(r.stop)
}

type testWriter struct{ t *testing.T }

func (w testWriter) Write(b []byte) (int, error) {
	if w.t.Context().Err() == nil {
		w.t.Logf("%s", b[:len(b)-1])
	}
	return len(b), nil
}

// inProcess is a Starter whose fetch is this process.
func inProcess(ctx context.Context) (io.ReadWriteCloser, error) {
	a, b := net.Pipe()
	go pipe.Serve(ctx, b, &fetch.Backend{})
	return a, nil
}

// enrol has the device added and waits until it knows.
func (r *rig) enrol(name string) state.Word {
	r.Helper()
	request, err := r.identity.NewRequest(r.org.Anchor, name, "")
	if err != nil {
		r.Fatal(err)
	}
	mailbox := r.org.Enrol(request)
	r.eventually(func(s Status) bool { return s.Enrolled && s.Name == name })
	return mailbox
}

// eventually waits for a status.
func (r *rig) eventually(ok func(Status) bool) {
	r.Helper()
	harness.Eventually(r, 10*time.Second, func() error {
		if s := r.engine.Status("test"); !ok(s) {
			return statusError(s)
		}
		return nil
	})
}

// offer asks as sshd does when a key is offered.
func (r *rig) offer(account string, key ssh.PublicKey) Verdict {
	return NewDoor(r.engine, breakglass.Store{}).Decide(context.Background(), offerOf(account, key))
}

func offerOf(account string, key ssh.PublicKey) authkeys.Request {
	return authkeys.Request{
		Stage: authkeys.StageOffer, Account: account, KeyType: key.Type(), Key: base64.StdEncoding.EncodeToString(key.Marshal()), ExpiryTime: true,
	}
}

func TestGrantAndRevocation(t *testing.T) {
	org := fleet.New(t, devchain.Options{BlockTime: time.Second})
	r := newRig(t, org)
	ca := org.NewCA()
	r.start(nil)
	if v := r.offer("root", org.NewKey().PublicKey()); v.Allow || v.Reason != authkeys.NotEnrolled && v.Reason != authkeys.NotReady {
		t.Fatalf("before enrolment: %v", v.Reason)
	}
	mailbox := r.enrol("gate-7")
	key := org.NewKey()
	grant := org.Grant(mailbox, state.KindGrantPriv, "root", key.PublicKey(), 5*time.Minute)
	cert := org.Certificate(ca, key.PublicKey(), grant)

	v := r.offer("root", cert)
	if !v.Allow || v.Freshness != authkeys.Fresh {
		t.Fatalf("a grant that was mined a moment ago: %v, %v, age %v", v.Reason, v.Freshness, v.Now.Age)
	}
	if v := r.offer("alice", cert); v.Allow || v.Reason != authkeys.GrantOtherAccount {
		t.Errorf("another account: %v", v.Reason)
	}
	org.Revoke(mailbox, grant)
	r.eventually(func(s Status) bool { return s.Grants == 0 })
	if v := r.offer("root", cert); v.Allow || v.Reason != authkeys.GrantRevoked {
		t.Errorf("after the revocation: %v", v.Reason)
	}
}
