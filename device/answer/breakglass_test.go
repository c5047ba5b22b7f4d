package answer_test

import (
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"dpki/authkeys"
	"dpki/authkeys/breakglass"
	"dpki/device"
	"dpki/device/answer"
	"dpki/internal/harness/fleet"
	"dpki/internal/harness/follower"
	"dpki/internal/socket"
	"dpki/state"

	"golang.org/x/crypto/ssh"
)

// Break-glass keys let in while the device is offline and at no other time;
// every DENY that was seen applies to them.
func TestBreakGlass(t *testing.T) {
	t.Parallel()
	org := fleet.New(t, follower.Instant)
	r := follower.New(t, org)
	org.NewCA()
	emergency, denied := org.NewKey(), org.NewKey()
	store := glass(t, "root", emergency.PublicKey(), denied.PublicKey())
	var last atomic.Pointer[map[state.Word]bool]
	r.Start(func(c *device.Config) {
		c.Denied = func(_ time.Time, keys iter.Seq[state.Word]) error {
			list := map[state.Word]bool{}
			for k := range keys {
				list[k] = true
			}
			last.Store(&list)
			return nil
		}
	})
	r.Enrol("gate-7")
	hash := authkeys.Decide(follower.OfferOf("root", denied.PublicKey()), nil, authkeys.Now{}).Key
	payload, err := state.Deny{Key: hash, Before: state.Never}.Marshal()
	org.Write(org.Zone, org.Seal(org.Zone, state.KindDeny, payload, err, 48*time.Hour))
	clear := org.NewKey() // another one, denied in the clear
	r.Eventually(func(s device.Status) bool { return r.Engine.View().State.Denied(hash, 1, s.Time) })
	s := serving(r, 0, 0, store)

	ask := func(what, account string, key ssh.PublicKey, want bool) {
		t.Helper()
		if a, err := s.ask(account, key); err != nil || (a.Code == socket.Allow) != want {
			t.Errorf("%s: %+v, %v", what, a, err)
		}
	}
	ask("online", "root", emergency.PublicKey(), false)
	r.Cut.Store(true)
	r.Boot.Add(int64(25 * time.Hour)) // beyond the offline period
	ask("offline", "root", emergency.PublicKey(), true)
	ask("offline, another account", "alice", emergency.PublicKey(), false)
	ask("offline, a denied key", "root", denied.PublicKey(), false)
	ask("offline, a key that is not in the folder", "root", clear.PublicKey(), false)
	all := strings.Join(s.syslog, "\n")
	if !strings.Contains(all, "true BREAK-GLASS would accept") {
		t.Errorf("not logged loudly: %s", all)
	}
	if list := *last.Load(); !list[hash] || len(list) != 1 {
		t.Errorf("the list for the helper: %v", list)
	}
}

// A clock pushed by ten years, either way, opens no break-glass, and takes none
// away from a machine that is offline.
func TestBreakGlassAndTheWallClock(t *testing.T) {
	t.Parallel()
	const tenYears = 10 * 365 * 24 * time.Hour
	r := follower.Enrolled(t, follower.Ticking, nil)
	emergency := r.Org.NewKey().PublicKey()
	door := answer.NewDoor(r.Engine, glassUntil(t, time.Now().AddDate(5, 0, 0), "root", emergency))
	lets := func(when string, want bool) {
		t.Helper()
		if v := door.Decide(t.Context(), follower.OfferOf("root", emergency)); v.Allow != want {
			t.Errorf("%s: allowed %v, %v (%v, age %v)", when, v.Allow, v.Reason, v.Freshness, v.Now.Age)
		}
	}
	lets("online", false)
	r.Cut.Store(true)
	for _, push := range []time.Duration{tenYears, -tenYears} {
		r.Wall.Store(int64(push))
		lets("clock pushed "+push.String(), false)
	}
	r.Boot.Add(int64(25 * time.Hour))
	for _, push := range []time.Duration{0, tenYears, -tenYears} {
		r.Wall.Store(int64(push))
		lets("offline, clock pushed "+push.String(), true)
	}
}

// glass makes a break-glass folder of this user's.
func glass(t *testing.T, account string, keys ...ssh.PublicKey) breakglass.Store {
	t.Helper()
	return glassUntil(t, time.Now().AddDate(50, 0, 0), account, keys...)
}

func glassUntil(t *testing.T, expires time.Time, account string, keys ...ssh.PublicKey) breakglass.Store {
	t.Helper()
	root := t.TempDir()
	if err := os.Mkdir(filepath.Join(root, "keys"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(root, 0o755); err != nil {
		t.Fatal(err)
	}
	for i, k := range keys {
		line := `from="192.0.2.0/24",expiry-time="` + expires.UTC().Format("20060102150405Z") + `",restrict,pty ` + string(ssh.MarshalAuthorizedKey(k))
		if err := os.WriteFile(filepath.Join(root, "keys", fmt.Sprintf("%s@%d.keys", account, i)), []byte(line), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return breakglass.Store{Root: root, Owner: uint32(os.Geteuid()), Folder: "/keys"}
}
