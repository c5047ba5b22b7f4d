package rotate

import (
	"errors"
	"testing"
	"time"

	"dpki/internal/harness"
	"dpki/internal/harness/desk"
)

// TestReplaced: new hardware of dpkid and sshd takes the name of the old, with an
// identity of its own, and lets in whoever had a certificate. The old, which still
// runs and may be anybody's, lets in nobody and is handed nothing new.
func TestReplaced(t *testing.T) {
	harness.Need(t, harness.Namespace, harness.Sshd, harness.Ssh)
	d := desk.New(t, overHTTP)
	d.Dpki(0, "ca", "create", "users", "--zone", "plant")
	old := newReal(d, "gate-7")
	old.run(d)
	d.Dpki(0, "device", "add", old.request, "--zone", "plant", "--yes")
	before := old.granted(d, "before")
	old.follows(d, before, "plant", 1)

	fresh := newReal(d, "gate-7")
	fresh.run(d)
	if got := fresh.login(d, before); got.Code == 0 {
		t.Fatal("hardware that nobody has enrolled lets in")
	}
	d.Dpki(0, "device", "replace", "gate-7", fresh.request, "--grants", "--yes")
	fresh.follows(d, before, "plant", 2)
	harness.Eventually(t, time.Minute, func() error {
		if s := old.status(d); !s.Retired {
			return errors.New("the old hardware does not know that it is retired")
		}
		return nil
	})
	if got := old.login(d, before); got.Code == 0 {
		t.Error("the old hardware lets in by the certificate of before")
	}
	// The zone has another key, which the old one was not handed. What is granted from now on is sealed to the new one.
	after := fresh.granted(d, "after")
	fresh.follows(d, after, "plant", 2)
	if got := old.login(d, after); got.Code == 0 {
		t.Error("the old hardware lets in by a grant for the new")
	}
	was, now := old.status(d), fresh.status(d)
	if was.Device == now.Device || len(was.ZoneKeys) != 1 || was.ZoneKeys[0] != 1 || now.Retired {
		t.Errorf("old %+v, new %+v", was, now)
	}
}
