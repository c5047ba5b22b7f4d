package device_test

import (
	"testing"
	"time"

	"dpki/authkeys"
	"dpki/authkeys/breakglass"
	"dpki/device"
	"dpki/device/answer"
	"dpki/internal/harness/fleet"
	"dpki/internal/harness/follower"
	"dpki/state"

	"golang.org/x/crypto/ssh"
)

func TestGrantAndRevocation(t *testing.T) {
	t.Parallel()
	r := follower.New(t, fleet.New(t, follower.Instant))
	r.CA = r.Org.NewCA()
	r.Start(nil)
	if v := r.Offer("root", r.Org.NewKey().PublicKey()); v.Allow || v.Reason != authkeys.NotEnrolled && v.Reason != authkeys.NotReady {
		t.Fatalf("before enrolment: %v", v.Reason)
	}
	r.Mailbox = r.Enrol("gate-7")
	root := r.Granted("root", 5*time.Minute)
	r.Allowed("a grant that was mined a moment ago", "root", root.Cert)
	r.Refused("another account", "alice", root.Cert, authkeys.GrantOtherAccount)
	r.Org.Revoke(r.Mailbox, root.Grant)
	r.Eventually(func(s device.Status) bool { return s.Grants == 0 })
	r.Refused("after the revocation", "root", root.Cert, authkeys.GrantRevoked)
}

// Idle, with State older than ten seconds: what strangers offer causes no
// traffic; what a live CA has signed causes one look, which finds the grant.
func TestStrangersCauseNoTraffic(t *testing.T) {
	t.Parallel()
	r := follower.Enrolled(t, follower.Instant, nil)
	strangerCA := r.Org.NewKey()
	r.Eventually(func(s device.Status) bool { return s.CAs == 1 })
	r.Quiet()

	alice := r.Granted("alice", time.Hour)
	forged := *alice.Cert
	forged.Serial++ // which the signature covers

	looks := looking(r)
	for _, c := range []struct {
		what string
		key  ssh.PublicKey
		want authkeys.Reason
	}{
		{"a plain key", alice.Key, authkeys.ModeNotAllowed},
		{"a certificate by a stranger", r.Org.Certificate(strangerCA, alice.Key, alice.Grant), authkeys.CAUnknown},
		{"a forged certificate of the CA", &forged, authkeys.SignatureWrong},
	} {
		for range 5 {
			r.Refused(c.what, "alice", c.key, c.want)
		}
	}
	if n, _ := looks(); n != 0 {
		t.Errorf("strangers caused %d looks", n)
	}
	looks = looking(r)
	r.Allowed("a certificate of the CA", "alice", alice.Cert)
	if n, own := looks(); n == 0 || n > 1+own {
		t.Errorf("the certificate of the CA caused %d looks, want 1", n)
	}
}

// looking counts the looks from here on, and how many of them an engine that watches
// may have made of its own.
func looking(r *follower.Rig) func() (n, own int64) {
	before, began := r.Looks.Load(), time.Now()
	return func() (int64, int64) {
		return r.Looks.Load() - before, int64(time.Since(began) / r.Engine.Profile().Watch)
	}
}

// A CA that was made a moment ago is of use at once while somebody is at work on
// the zone, although nothing vouches for it yet.
func TestNewCAWhileWatching(t *testing.T) {
	t.Parallel()
	org := fleet.New(t, follower.Instant)
	r := follower.New(t, org)
	r.Start(func(c *device.Config) { c.Profile.Watch = 10 * time.Second })
	r.Mailbox = r.Enrol("gate-7")
	r.Eventually(func(s device.Status) bool { return s.Gear == "watch" })
	r.CA = org.NewCA()
	r.Allowed("the first login by a new CA", "alice", r.Granted("alice", time.Hour).Cert)

	door, before := answer.NewDoor(r.Engine, breakglass.Store{}), r.Looks.Load()
	stranger := org.NewKey()
	forged := org.Certificate(org.NewKey(), stranger.PublicKey(), org.GrantEntry(r.Mailbox, state.KindGrant, "alice", stranger.PublicKey(), time.Hour))
	for range 50 {
		door.Decide(t.Context(), follower.OfferOf("alice", forged))
	}
	if n := r.Looks.Load() - before; n > 4 {
		t.Errorf("50 certificates of strangers caused %d looks", n)
	}
}

// Many logins at once share one look.
func TestRefreshIsSingleFlight(t *testing.T) {
	t.Parallel()
	r := follower.Enrolled(t, follower.Instant, nil)
	r.Eventually(func(s device.Status) bool { return s.CAs == 1 })
	r.Quiet()
	cert := r.Granted("alice", time.Hour).Cert
	looks := looking(r)
	verdicts := make(chan answer.Verdict)
	for range 40 {
		go func() { verdicts <- r.Offer("alice", cert) }()
	}
	for range 40 {
		if v := <-verdicts; !v.Allow {
			t.Errorf("one of many: %v", v.Reason)
		}
	}
	if n, own := looks(); n > 4+own {
		t.Errorf("40 logins caused %d looks", n)
	}
}

// The wall clock pushed by ten years, either way, changes nothing once a block
// was verified since boot.
func TestWallClockPushedTenYears(t *testing.T) {
	t.Parallel()
	const tenYears = 10 * 365 * 24 * time.Hour
	r := follower.Enrolled(t, follower.Instant, nil)
	cert := r.Granted("root", 5*time.Minute).Cert
	r.Allowed("the right clock", "root", cert)
	for _, push := range []time.Duration{tenYears, -tenYears} {
		r.Wall.Store(int64(push))
		r.Allowed("clock pushed "+push.String(), "root", cert)
	}
	// The grant's end comes by the boot clock, whatever the wall clock says.
	r.Cut.Store(true)
	r.Boot.Add(int64(6 * time.Minute))
	r.Refused("six minutes later, the clock ten years behind", "root", cert, authkeys.CertificateExpired)
}

// After a reboot with a wall clock ten years ahead, grants are there again as
// soon as a block was verified: the wrong time took none away.
func TestRebootWithWrongClock(t *testing.T) {
	t.Parallel()
	r := follower.Enrolled(t, follower.Ticking, nil)
	cert := r.Granted("alice", time.Hour).Cert
	r.Allowed("before", "alice", cert)
	r.Stop()
	r.BootID = "second"
	r.Boot.Store(int64(time.Minute) - int64(r.Uptime()))
	r.Wall.Store(int64(10 * 365 * 24 * time.Hour))
	r.Cut.Store(true)
	r.Start(nil)
	if v := r.Offer("alice", cert); v.Allow {
		t.Errorf("ten years ahead, as far as anybody can tell: allowed (%v)", v.Freshness)
	}
	r.Cut.Store(false)
	r.Eventually(func(s device.Status) bool { return s.Freshness == "fresh" })
	r.Allowed("after the first look", "alice", cert)
}

// After a reboot without network: time does not go back, nothing is fresh, and
// the offline period holds although the wall clock lies.
func TestRebootWithoutNetwork(t *testing.T) {
	t.Parallel()
	r := follower.Enrolled(t, follower.Ticking, nil)
	asAlice, asRoot := r.Granted("alice", 72*time.Hour).Cert, r.Granted("root", 72*time.Hour).Cert
	r.Allowed("before", "alice", asAlice)
	r.Allowed("before", "root", asRoot)
	r.Stop()

	reboot := func(id string, wall time.Duration) {
		r.Stop()
		r.BootID = id
		r.Boot.Store(int64(time.Minute) - int64(r.Uptime()))
		r.Wall.Store(int64(wall))
		r.Start(nil)
	}
	r.Cut.Store(true)
	for i, wall := range []time.Duration{0, -20 * 365 * 24 * time.Hour} {
		reboot(string(rune('b'+i)), wall)
		r.Allowed("unprivileged after a reboot", "alice", asAlice)
		r.Refused("privileged after a reboot", "root", asRoot, authkeys.NotFresh)
	}
	// The clock reset to the past does not stretch the offline period, and
	// neither does another reboot.
	r.Boot.Add(int64(16 * time.Hour))
	r.Eventually(func(device.Status) bool { return r.Engine.View().Now(r.Clock().Read()).Age > 16*time.Hour })
	r.Allowed("after 16 hours", "alice", asAlice)
	r.Stop()
	reboot("x", -20*365*24*time.Hour)
	r.Boot.Add(int64(9 * time.Hour))
	r.Refused("after 16 hours, a reboot and 9 hours", "alice", asAlice, authkeys.TooOld)
	// The twin: the network is back.
	r.Cut.Store(false)
	r.Boot.Store(int64(time.Minute) - int64(r.Uptime()))
	r.Wall.Store(0)
	r.Stop()
	r.Start(nil)
	r.Eventually(func(s device.Status) bool { return s.Freshness == "fresh" })
	r.Allowed("online again", "root", asRoot)
}
