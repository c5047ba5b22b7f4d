package faults

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"dpki/authkeys"
	"dpki/authkeys/breakglass"
	"dpki/device"
	"dpki/internal/devchain"
	"dpki/internal/harness"
	"dpki/internal/harness/machine"
	"dpki/state"

	"golang.org/x/crypto/ssh"
)

// TestNetworkCut: unprivileged logins go on for the offline period, privileged ones while fresh, then break-glass keys alone.
func TestNetworkCut(t *testing.T) {
	w := newWorld(t, devchain.Options{}, machine.Options{})
	const fresh, offline = 8, 40 // seconds: a slow machine does in them what they are for
	policy, err := state.Policy{Modes: state.ModeCertificateAndGrant, Fresh: fresh, Offline: offline}.Marshal()
	w.Org.Write(w.Org.Zone, w.Org.Seal(w.Org.Zone, state.KindPolicy, policy, err, time.Hour))
	w.Eventually("the policy", harness.Patience, func(s device.Status) bool { return s.Offline == offline })
	w.in("before the cut", w.root)

	w.wire.cut()
	cut := time.Now()
	w.in("cut a moment ago", w.root)
	w.Eventually("stale", harness.Patience, func(s device.Status) bool { return s.Age > fresh && s.Problem != "" })
	w.in("cut, and stale", w.alice)
	w.denied("cut, and stale", w.root, authkeys.NotFresh)
	// Being switched off and on does not make the device younger, and root waits for the chain.
	w.Daemon.Kill()
	w.Run()
	w.denied("cut, stale, started anew", w.root, authkeys.NotFresh)
	w.in("cut, stale, started anew", w.alice)
	w.Eventually("offline", offline*time.Second+harness.Patience, func(s device.Status) bool { return s.Freshness == "offline" })
	t.Logf("offline %v after the cut, the period is %d s", time.Since(cut).Round(time.Second/10), offline)
	w.denied("offline", w.alice, authkeys.TooOld)

	glass := user{account: "root", key: w.Org.NewKey()}
	w.breakGlass(glass)
	w.Accepted("offline, by a break-glass key", "root", glass.key, nil)
	if r := w.LastAudit(); !r.BreakGlass || r.BreakGlassFile == "" {
		t.Errorf("the audit does not name the break-glass key: %v", r)
	}
	stranger := user{account: "root", key: w.Org.NewKey()}
	if got := w.Login("root", stranger.key, nil); got.Code != 255 {
		t.Errorf("offline, by a key that nobody put there: %+v", got)
	}

	w.wire.mend()
	w.until("mended", w.root, true, 90*time.Second)
	w.in("mended", w.alice)
	if got := w.Login("root", glass.key, nil); got.Code != 255 {
		t.Errorf("the break-glass key while the chain is there: %+v", got)
	}
}

// breakGlass puts a key into the folder, as an administrator on the machine does.
func (w *world) breakGlass(u user) {
	w.Helper()
	w.Must(os.MkdirAll(breakglass.Folder, 0o755))
	expiry := time.Now().Add(time.Hour).UTC().Format("20060102150405Z")
	line := fmt.Sprintf("from=\"127.0.0.0/8\",expiry-time=\"%s\",restrict %s", expiry, ssh.MarshalAuthorizedKey(u.key.PublicKey()))
	w.Must(os.WriteFile(breakglass.Folder+"/"+u.account+"@test.keys", []byte(line), 0o644))
}

// TestReorganised: what a reorganisation drops lets nobody in any more, and what it drops of restrictions stays.
func TestReorganised(t *testing.T) {
	w := newWorld(t, devchain.Options{HoldBack: 100}, machine.Options{})
	dropped, revoked := w.grant("alice"), w.grant("alice")
	w.in("granted", dropped)
	w.in("granted", revoked)
	w.Org.Chain.Mine(3)
	block := w.Org.Chain.Number()
	late := w.grant("alice")
	w.Org.Revoke(w.ID, revoked.grant)
	w.in("granted late", late)
	w.until("revoked", revoked, false, harness.Patience)
	w.Must(w.Org.Chain.Reorg(int(w.Org.Chain.Number()-block), false))
	w.until("its grant is not in the chain any more", late, false, harness.Patience)
	if r := w.LastAudit(); r.Reason != authkeys.GrantUnknown.String() {
		t.Errorf("after the reorganisation: %v", r)
	}
	w.denied("its revocation is not in the chain any more", revoked, authkeys.GrantRevoked)
	w.in("not concerned", dropped)
	w.Daemon.Kill()
	w.Run()
	w.Eventually("a look", harness.Patience, func(s device.Status) bool { return s.Problem == "" && s.Block > block })
	w.denied("started anew", revoked, authkeys.GrantRevoked)
	w.in("started anew", dropped)
	w.Org.Write(w.ID, late.grant)
	w.in("granted once more", late)
}

// TestRolledBack: a chain without what was final is refused, over restarts and without caches, until local root says otherwise.
func TestRolledBack(t *testing.T) {
	w := newWorld(t, devchain.Options{}, machine.Options{})
	block := w.Org.Chain.Number()
	gone := w.grant("alice")
	w.in("granted", gone)
	w.Org.Revoke(w.ID, gone.grant)
	w.until("revoked", gone, false, harness.Patience)
	w.Eventually("final", harness.Patience, func(s device.Status) bool { return s.Finalized >= w.Org.Chain.Number()-1 })
	// The other history holds the grant and not its revocation.
	w.Must(w.Org.Chain.Reorg(int(w.Org.Chain.Number()-block), false))
	w.Org.Write(w.ID, gone.grant)
	refuses := func(when string) {
		t.Helper()
		s := w.Eventually(when, harness.Patience, func(s device.Status) bool { return strings.Contains(s.Problem, "what was final") })
		if !strings.Contains(s.Next, "reset-trust") {
			t.Errorf("%s: %q, next %q", when, s.Problem, s.Next)
		}
		w.denied(when, gone, authkeys.GrantRevoked)
		w.in(when, w.alice)
	}
	refuses("rolled back")
	w.Daemon.Kill()
	for _, cache := range []string{"/run/dpki", "/var/cache/dpki", "/root/.cache/dpki"} {
		w.Must(os.RemoveAll(cache))
	}
	w.Run()
	refuses("rolled back, started anew without caches")
	if !strings.Contains(w.Daemon.Output(), "level=ERROR") {
		t.Error("the daemon's log has no error about it")
	}
	w.Dpkid(0, "reset-trust", "--yes")
	w.until("trust reset", gone, true, harness.Patience)
}

// TestForeignChain: an endpoint of another chain, or with other code at the address, is believed nothing.
func TestForeignChain(t *testing.T) {
	w := newWorld(t, devchain.Options{}, machine.Options{})
	other := devchain.New(t, devchain.Options{ChainID: 4242, BlockTime: time.Second})
	contract := w.Org.Chain.Contract
	code := devchain.New(t, devchain.Options{NoContract: true, BlockTime: time.Second,
		Alloc: map[state.Address]devchain.Account{contract: {Code: []byte{0x60, 0x00, 0x60, 0x00, 0xf3}}}})
	empty := devchain.New(t, devchain.Options{NoContract: true, BlockTime: time.Second})
	for _, row := range []struct{ name, url, want string }{
		{"another chain", other.HTTP, "another chain"},
		{"other code at the address", code.HTTP, "another one"},
		{"no code at the address", empty.HTTP, "no contract"},
	} {
		w.wire.lead(strings.TrimPrefix(row.url, "http://"))
		s := w.Eventually(row.name, 30*time.Second, func(s device.Status) bool { return strings.Contains(s.Problem, row.want) })
		if s.Next == "" {
			t.Errorf("%s: nothing to do next", row.name)
		}
		w.in(row.name, w.alice) // what was verified before stands
		w.wire.lead("")
		w.Eventually("the right chain", 90*time.Second, func(s device.Status) bool { return s.Problem == "" })
	}
}
