package rotate

import (
	"encoding/base64"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"dpki/admin"
	"dpki/bundle"
	"dpki/device"
	"dpki/internal/harness"
	"dpki/internal/harness/sshkey"
	"dpki/sshca/profile"
	"dpki/state"
)

// TestDenialsNeverLapse: a key is denied once, and for three years a timer is all
// that happens. It is denied all the time, although no entry of a zone lasts longer
// than 400 days; and no longer once the timer is forgotten, which doctor says a month
// before.
func TestDenialsNeverLapse(t *testing.T) {
	const step, last = 100 * day, 3 * 365 * day
	y := newYear(t)
	root := func() *admin.Desk { return y.desk(y.chain.Admin) }
	ctx := t.Context()
	id := y.plant()
	stolen, lifted := profile.Hash(sshkey.New(t).PublicKey()), profile.Hash(sshkey.New(t).PublicKey())
	for _, key := range []state.Word{stolen, lifted} {
		_, err := root().Deny(ctx, admin.DenyRequest{Key: key, For: 399 * day})
		y.must(err)
	}
	e := y.engine(id)
	renewed := 0
	for at := time.Duration(0); at <= last; at += step {
		done, err := root().RotateDue(ctx, admin.RotateDue{Windows: 6, Each: 30 * day})
		y.must(err)
		for _, r := range done.Rotations {
			if r.Left != "" {
				t.Errorf("day %d: left %s of %s: %s", at/day, r.What, r.Name, r.Left)
			}
			if r.What == "denial" {
				renewed++
			}
		}
		if at == 8*step { // it is lifted as a whole, however often it was renewed
			d := root()
			found, err := d.FindRevocable(ctx, keyText(lifted))
			y.must(err)
			_, err = d.Revoke(ctx, found)
			y.must(err)
		}
		y.pass(step - time.Hour) // just before the timer comes again
		harness.Eventually(t, 20*time.Second, func() error { return y.denies(e, stolen, true) })
		harness.Eventually(t, 20*time.Second, func() error { return y.denies(e, lifted, at < 8*step) })
		y.pass(time.Hour)
	}
	t.Logf("%d days, the timer every %d: %d renewals of two denials", last/day, step/day, renewed)
	if renewed < 5 {
		t.Errorf("%d renewals", renewed)
	}
	// Somebody who begins now finds one denial under the key's name.
	y.must(os.RemoveAll(y.home.State(y.org.Org)))
	if _, err := root().FindRevocable(ctx, keyText(stolen)); err != nil {
		t.Error(err)
	}
	// The twin: nobody renews.
	if said := y.lapses(); said != "" {
		t.Errorf("doctor: %s", said)
	}
	y.pass(180 * day)
	harness.Eventually(t, 20*time.Second, func() error { return y.denies(e, stolen, true) })
	if said := y.lapses(); !strings.Contains(said, "end within a month") {
		t.Errorf("doctor says %q before a denial lapses", said)
	}
	y.pass(40 * day)
	harness.Eventually(t, 20*time.Second, func() error { return y.denies(e, stolen, false) })
}

func keyText(key state.Word) string { return "SHA256:" + base64.RawStdEncoding.EncodeToString(key[:]) }

func (y *year) denies(e *device.Engine, key state.Word, want bool) error {
	v, now := e.View(), y.chain.Time()
	if v.State.Head.Time+60 < now {
		return fmt.Errorf("the device is at %d, the chain at %d", v.State.Head.Time, now)
	}
	if got := v.State.Denied(key, 0, now); got != want {
		return fmt.Errorf("the key is denied: %v", got)
	}
	return nil
}

// lapses is what doctor says about what ends.
func (y *year) lapses() string {
	y.Helper()
	for _, c := range y.desk(y.chain.Admin).CheckUp(y.Context()) {
		if strings.Contains(c.Text, "end within a month") {
			return c.Text
		}
	}
	return ""
}

// plant makes the organisation, and in its one zone a device.
func (y *year) plant() *bundle.Identity {
	y.Helper()
	d, ctx := y.desk(y.chain.Admin), y.Context()
	_, err := d.CreateOrganisation(ctx, "acme", "root", y.salt)
	y.must(err)
	_, err = d.CreateZone(ctx, "plant")
	y.must(err)
	id, err := bundle.GenerateIdentity()
	y.must(err)
	request, err := id.NewRequest(y.org, "gate-7", strings.TrimSpace(string(ssh.MarshalAuthorizedKey(sshkey.New(y.T).PublicKey()))))
	y.must(err)
	plan, err := d.PlanDevices(ctx, admin.AddDevices{Zone: "plant", Requests: []*bundle.Request{request}})
	y.must(err)
	_, err = d.AddPlanned(ctx, plan)
	y.must(err)
	return id
}
