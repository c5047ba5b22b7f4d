package device

import (
	"testing"
	"time"

	"dpki/authkeys"
	"dpki/authkeys/breakglass"
	"dpki/internal/harness/fleet"
	"dpki/state"

	"golang.org/x/crypto/ssh"
)

func TestGrantAndRevocation(t *testing.T) {
	t.Parallel()
	r := newRig(t, fleet.New(t, instant))
	r.ca = r.org.NewCA()
	r.start(nil)
	if v := r.offer("root", r.org.NewKey().PublicKey()); v.Allow || v.Reason != authkeys.NotEnrolled && v.Reason != authkeys.NotReady {
		t.Fatalf("before enrolment: %v", v.Reason)
	}
	r.mailbox = r.enrol("gate-7")
	root := r.granted("root", 5*time.Minute)
	r.allowed("a grant that was mined a moment ago", "root", root.cert)
	r.refused("another account", "alice", root.cert, authkeys.GrantOtherAccount)
	r.org.Revoke(r.mailbox, root.grant)
	r.eventually(func(s Status) bool { return s.Grants == 0 })
	r.refused("after the revocation", "root", root.cert, authkeys.GrantRevoked)
}

// Idle, with State older than ten seconds: what strangers offer causes no
// traffic; what a live CA has signed causes one look, which finds the grant.
func TestStrangersCauseNoTraffic(t *testing.T) {
	t.Parallel()
	r := enrolled(t, instant, nil)
	strangerCA := r.org.NewKey()
	r.eventually(func(s Status) bool { return s.CAs == 1 })
	r.quiet()

	alice := r.granted("alice", time.Hour)
	forged := *alice.cert
	forged.Serial++ // which the signature covers

	before := r.looks.Load()
	for _, c := range []struct {
		what string
		key  ssh.PublicKey
		want authkeys.Reason
	}{
		{"a plain key", alice.key, authkeys.ModeNotAllowed},
		{"a certificate by a stranger", r.org.Certificate(strangerCA, alice.key, alice.grant), authkeys.CAUnknown},
		{"a forged certificate of the CA", &forged, authkeys.SignatureWrong},
	} {
		for range 5 {
			r.refused(c.what, "alice", c.key, c.want)
		}
	}
	if n := r.looks.Load() - before; n != 0 {
		t.Errorf("strangers caused %d looks", n)
	}
	r.allowed("a certificate of the CA", "alice", alice.cert)
	if n := r.looks.Load() - before; n != 1 {
		t.Errorf("the certificate of the CA caused %d looks, want 1", n)
	}
}

// A CA that was made a moment ago is of use at once while somebody is at work on
// the zone, although nothing vouches for it yet.
func TestNewCAWhileWatching(t *testing.T) {
	t.Parallel()
	org := fleet.New(t, instant)
	r := newRig(t, org)
	r.start(func(c *Config) { c.Profile.Watch = 10 * time.Second })
	r.mailbox = r.enrol("gate-7")
	r.eventually(func(s Status) bool { return s.Gear == "watch" })
	r.ca = org.NewCA()
	r.allowed("the first login by a new CA", "alice", r.granted("alice", time.Hour).cert)

	door, before := NewDoor(r.engine, breakglass.Store{}), r.looks.Load()
	stranger := org.NewKey()
	forged := org.Certificate(org.NewKey(), stranger.PublicKey(), org.GrantEntry(r.mailbox, state.KindGrant, "alice", stranger.PublicKey(), time.Hour))
	for range 50 {
		door.Decide(t.Context(), offerOf("alice", forged))
	}
	if n := r.looks.Load() - before; n > 4 {
		t.Errorf("50 certificates of strangers caused %d looks", n)
	}
}

// Many logins at once share one look.
func TestRefreshIsSingleFlight(t *testing.T) {
	t.Parallel()
	r := enrolled(t, instant, nil)
	r.eventually(func(s Status) bool { return s.CAs == 1 })
	r.quiet()
	cert := r.granted("alice", time.Hour).cert
	before := r.looks.Load()
	verdicts := make(chan Verdict)
	for range 40 {
		go func() { verdicts <- r.offer("alice", cert) }()
	}
	for range 40 {
		if v := <-verdicts; !v.Allow {
			t.Errorf("one of many: %v", v.Reason)
		}
	}
	if n := r.looks.Load() - before; n > 4 {
		t.Errorf("40 logins caused %d looks", n)
	}
}

// The wall clock pushed by ten years, either way, changes nothing once a block
// was verified since boot.
func TestWallClockPushedTenYears(t *testing.T) {
	t.Parallel()
	const tenYears = 10 * 365 * 24 * time.Hour
	r := enrolled(t, instant, nil)
	cert := r.granted("root", 5*time.Minute).cert
	r.allowed("the right clock", "root", cert)
	for _, push := range []time.Duration{tenYears, -tenYears} {
		r.wall.Store(int64(push))
		r.allowed("clock pushed "+push.String(), "root", cert)
	}
	// The grant's end comes by the boot clock, whatever the wall clock says.
	r.cut.Store(true)
	r.boot.Add(int64(6 * time.Minute))
	r.refused("six minutes later, the clock ten years behind", "root", cert, authkeys.CertificateExpired)
}

// After a reboot with a wall clock ten years ahead, grants are there again as
// soon as a block was verified: the wrong time took none away.
func TestRebootWithWrongClock(t *testing.T) {
	t.Parallel()
	r := enrolled(t, ticking, nil)
	cert := r.granted("alice", time.Hour).cert
	r.allowed("before", "alice", cert)
	r.stop()
	r.bootID = "second"
	r.boot.Store(int64(time.Minute) - int64(r.uptime()))
	r.wall.Store(int64(10 * 365 * 24 * time.Hour))
	r.cut.Store(true)
	r.start(nil)
	if v := r.offer("alice", cert); v.Allow {
		t.Errorf("ten years ahead, as far as anybody can tell: allowed (%v)", v.Freshness)
	}
	r.cut.Store(false)
	r.eventually(func(s Status) bool { return s.Freshness == "fresh" })
	r.allowed("after the first look", "alice", cert)
}

// After a reboot without network: time does not go back, nothing is fresh, and
// the offline period holds although the wall clock lies.
func TestRebootWithoutNetwork(t *testing.T) {
	t.Parallel()
	r := enrolled(t, ticking, nil)
	asAlice, asRoot := r.granted("alice", 72*time.Hour).cert, r.granted("root", 72*time.Hour).cert
	r.allowed("before", "alice", asAlice)
	r.allowed("before", "root", asRoot)
	r.stop()

	reboot := func(id string, wall time.Duration) {
		r.stop()
		r.bootID = id
		r.boot.Store(int64(time.Minute) - int64(r.uptime()))
		r.wall.Store(int64(wall))
		r.start(nil)
	}
	r.cut.Store(true)
	for i, wall := range []time.Duration{0, -20 * 365 * 24 * time.Hour} {
		reboot(string(rune('b'+i)), wall)
		r.allowed("unprivileged after a reboot", "alice", asAlice)
		r.refused("privileged after a reboot", "root", asRoot, authkeys.NotFresh)
	}
	// The clock reset to the past does not stretch the offline period, and
	// neither does another reboot.
	r.boot.Add(int64(16 * time.Hour))
	r.eventually(func(Status) bool { return r.engine.View().Now(r.clock().Read()).Age > 16*time.Hour })
	r.allowed("after 16 hours", "alice", asAlice)
	r.stop()
	reboot("x", -20*365*24*time.Hour)
	r.boot.Add(int64(9 * time.Hour))
	r.refused("after 16 hours, a reboot and 9 hours", "alice", asAlice, authkeys.TooOld)
	// The twin: the network is back.
	r.cut.Store(false)
	r.boot.Store(int64(time.Minute) - int64(r.uptime()))
	r.wall.Store(0)
	r.stop()
	r.start(nil)
	r.eventually(func(s Status) bool { return s.Freshness == "fresh" })
	r.allowed("online again", "root", asRoot)
}
