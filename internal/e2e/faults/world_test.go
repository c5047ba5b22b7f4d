package faults

import (
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"dpki/authkeys"
	"dpki/contracts"
	"dpki/internal/devchain"
	"dpki/internal/harness"
	"dpki/internal/harness/fleet"
	"dpki/internal/harness/machine"
	"dpki/internal/network"
	"dpki/state"

	"golang.org/x/crypto/ssh"
)

func TestMain(m *testing.M) { harness.Main(m, "dpkid", "dpki-authkeys") }

// world is a device whose only way to the chain can be cut.
type world struct {
	*machine.Machine
	ca    fleet.CA
	wire  *wire
	alice user // may log in to alice
	root  user // may log in to root
}

// user is a key with a certificate for a grant.
type user struct {
	account string
	key     fleet.Key
	grant   contracts.Change
	cert    *ssh.Certificate
}

func newWorld(t *testing.T, o devchain.Options, mo machine.Options) *world {
	t.Helper()
	return newWorldBy(t, "ws", o, mo)
}

// newWorldBy says by which scheme the endpoint is reached: http announces nothing.
func newWorldBy(t *testing.T, scheme string, o devchain.Options, mo machine.Options) *world {
	t.Helper()
	harness.Need(t, harness.Namespace, harness.Sshd, harness.Ssh)
	if o.BlockTime == 0 {
		o.BlockTime = time.Second
	}
	org := fleet.New(t, o)
	w := &world{wire: newWire(t, strings.TrimPrefix(org.Chain.HTTP, "http://"))}
	org.Network.Endpoints = []string{scheme + "://" + w.wire.addr}
	org.Network.Stores = []network.Store{{Type: network.Sandbox, URL: "http://" + w.wire.addr}}
	w.ca = org.NewCA()
	w.Machine = machine.New(t, org, mo)
	w.alice, w.root = w.grant("alice"), w.grant("root")
	w.in("in the beginning", w.alice)
	w.in("in the beginning", w.root)
	return w
}

// grant lets a new key in to an account for an hour.
func (w *world) grant(account string) user {
	w.Helper()
	kind := state.KindGrant
	if account == "root" {
		kind = state.KindGrantPriv
	}
	u := user{account: account, key: w.Org.NewKey()}
	u.grant = w.Org.Grant(w.ID, kind, account, u.key.PublicKey(), time.Hour)
	u.cert = w.Org.Certificate(w.ca, u.key.PublicKey(), u.grant)
	return u
}

// in and out say what a login has to come to.
func (w *world) in(when string, u user) {
	w.Helper()
	w.Accepted(when, u.account, u.key, u.cert)
}

// out returns how long the refusal took.
func (w *world) out(when string, u user) time.Duration {
	w.Helper()
	began := time.Now()
	err := w.Present(u.account, u.key, u.cert)
	took := time.Since(began)
	if err == nil || !strings.Contains(err.Error(), "unable to authenticate") {
		w.Errorf("%s: %s got in, or something else: %v", when, u.account, err)
	}
	return took
}

// denied is out, by the daemon's reason.
func (w *world) denied(when string, u user, why authkeys.Reason) {
	w.Helper()
	w.Denied(when, u.account, u.key, u.cert, why)
}

// until waits for a login to become what it has to be.
func (w *world) until(when string, u user, in bool, within time.Duration) {
	w.Helper()
	harness.Eventually(w, within, func() error {
		if err := w.Present(u.account, u.key, u.cert); (err == nil) != in {
			return fmt.Errorf("%s: %s logs in: %v, want %v (%v)", when, u.account, err == nil, in, w.LastAudit())
		}
		return nil
	})
}

// wire is a TCP connection's way, which can be cut.
type wire struct {
	addr string
	mu   sync.Mutex
	down bool
	to   string // where it leads
	home string // where it leads to at first
	open map[net.Conn]bool
}

func newWire(t *testing.T, to string) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{addr: l.Addr().String(), to: to, home: to, open: map[net.Conn]bool{}}
	t.Cleanup(func() { l.Close(); w.cut() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go w.carry(c)
		}
	}()
	return w
}

func (w *wire) carry(c net.Conn) {
	defer c.Close()
	to, ok := w.add(c)
	if !ok {
		return
	}
	defer w.drop(c)
	far, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	defer far.Close()
	go func() { io.Copy(far, c); far.Close() }()
	io.Copy(c, far)
}

func (w *wire) add(c net.Conn) (to string, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.down {
		w.open[c] = true
	}
	return w.to, !w.down
}

func (w *wire) drop(c net.Conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.open, c)
}

// cut ends what is open and lets nothing new through.
func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.down = true
	for c := range w.open {
		c.Close()
	}
}

func (w *wire) mend() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.down = false
}

// lead makes it lead elsewhere, or home again.
func (w *wire) lead(to string) {
	if to == "" {
		to = w.home
	}
	w.cut()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.to, w.down = to, false
}
