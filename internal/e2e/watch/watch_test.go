package watch

import (
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"dpki/bundle"
	"dpki/device"
	"dpki/state"
)

// TestWatched: an administrator who may do everything delivers nothing that the
// watchdogs of the policy in force have not signed. Each attack ends in what is
// accepted: the same with the signatures that were missing.
func TestWatched(t *testing.T) {
	w := newWorld(t)
	t.Run("co-signed", func(t *testing.T) { w.in(t).cosigned() })
	t.Run("another's signatures", func(t *testing.T) { w.in(t).others() })
	t.Run("shown one thing, sent another", func(t *testing.T) { w.in(t).shown() })
	t.Run("superseded", func(t *testing.T) { w.in(t).superseded() })
	t.Run("another purpose", func(t *testing.T) { w.in(t).otherPurpose() })
	t.Run("the policy changes", func(t *testing.T) { w.in(t).policies() })
}

func (w *world) cosigned() {
	first := w.send(w.pack("1", nil))
	w.becomes(first, bundle.Applied)
	w.demand(2, w.dogs...)
	p := w.send(w.pack("2", nil))
	w.waits("not co-signed: 0 of 2 watchdogs")
	w.version("1") // what was applied before stays
	metrics := w.Dpkid(0, "status", "--metrics")
	for _, want := range []string{"dpki_deliveries_not_cosigned 1\n", "dpki_deliveries_waiting 1\n", "dpki_deliveries_applied 1\n"} {
		if !strings.Contains(metrics, want) {
			w.Errorf("no %q in %s", want, metrics)
		}
	}
	if shown := w.Dpkid(0, "status"); !strings.Contains(shown, "fewer watchdogs than the policy demands have signed") {
		w.Errorf("status: %s", shown)
	}
	w.sign(p, w.dogs[0])
	w.waits("not co-signed: 1 of 2 watchdogs")
	// One watchdog twice is one, and a stranger is none.
	w.sign(p, w.dogs[0], w.Org.NewKey())
	w.waits("not co-signed: 1 of 2 watchdogs")
	// The daemon asks again after a restart as well.
	w.down()
	w.up()
	w.waits("not co-signed: 1 of 2 watchdogs")
	w.version("1")
	w.sign(p, w.dogs[2])
	w.becomes(p, bundle.Applied)
	w.version("2")
	if metrics := w.Dpkid(0, "status", "--metrics"); !strings.Contains(metrics, "dpki_deliveries_not_cosigned 0\n") {
		w.Errorf("metrics: %s", metrics)
	}
}

// others: signatures that are whole, and of another delivery.
func (w *world) others() {
	w.demand(2, w.dogs...)
	p := w.send(w.pack("others", nil))
	for _, alter := range []func(*bundle.Statement){
		func(s *bundle.Statement) { s.Mailbox[0]++ },
		func(s *bundle.Statement) { s.Recipient = "gate-8" },
		func(s *bundle.Statement) { s.Purpose = bundle.PurposeUserKey },
		func(s *bundle.Statement) { s.Subject[0]++ },
	} {
		s := *p.Statement
		alter(&s)
		w.attach(p, w.signatures(&s, w.dogs...))
	}
	w.waits("signatures of something else")
	w.waits("not co-signed: 0 of 2 watchdogs")
	w.sign(p, w.dogs...)
	w.becomes(p, bundle.Applied)
	w.version("others")
}

// shown: the watchdogs saw a summary, and the content is another.
func (w *world) shown() {
	w.demand(2, w.dogs...)
	p, harmless := w.send(w.pack("evil", nil)), w.pack("harmless", nil)
	s := *p.Statement
	s.Summary = harmless.Statement.Summary
	if err := s.Describes(harmless.Summary); err != nil {
		w.Fatal(err) // they see nothing wrong
	}
	w.attach(p, w.signatures(&s, w.dogs...))
	w.waits("not co-signed: 0 of 2 watchdogs")
	w.version("others")
	w.sign(p, w.dogs[1], w.dogs[2])
	w.becomes(p, bundle.Applied)
	w.version("evil")
}

// superseded: signatures serve one entry, and what is not signed takes the place
// of nothing that is.
func (w *world) superseded() {
	w.demand(2, w.dogs...)
	w.down() // all of it is there when the device looks
	old := w.send(w.pack("old", nil))
	signed := w.signatures(old.Statement, w.dogs...)
	w.attach(old, signed)
	next := w.send(w.pack("old", old)) // even the same content
	w.attach(next, signed)
	w.up()
	w.becomes(old, bundle.Applied)
	w.version("old")
	w.waits("not co-signed: 0 of 2 watchdogs")
	w.sign(next, w.dogs...)
	w.becomes(next, bundle.Applied)
	// And where both are signed, the one that was superseded before it came is not applied.
	w.down()
	before := w.pack("before", next)
	after := w.pack("after", before)
	for _, p := range []*parcel{before, after} {
		w.send(p)
		w.sign(p, w.dogs...)
	}
	w.up()
	w.becomes(after, bundle.Applied)
	w.becomes(before, "")
	w.version("after")
}

// otherPurpose: what nobody has to sign takes the place of nothing that watchdogs do.
func (w *world) otherPurpose() {
	p := policy(2, w.dogs...)
	p.Watchdogs[0].Purposes = 1 << bundle.PurposeFiles
	w.zonePolicy(p)
	files := w.send(w.pack("guarded", nil))
	w.waits("not co-signed: 0 of 2 watchdogs")
	ca := w.Org.NewCAOf(state.KindCAUser)
	content, err := (&bundle.Trust{Version: 1, Name: "dpki", Use: bundle.ForUsers, CAs: []bundle.TrustedCA{{
		Key: strings.TrimSpace(string(ssh.MarshalAuthorizedKey(ca.PublicKey()))), Authority: w.Org.Authority(ca)}}}).Marshal()
	w.Must(err)
	o := w.out(bundle.PurposeCA, content)
	o.Supersedes = files.Entry.Subject
	free, err := w.Org.Ring.DeliverWatched(w.Org.Anchor, "gate-7", o)
	w.Must(err)
	w.becomes(w.send(&parcel{free, o.Until}), bundle.Applied)
	w.sign(files, w.dogs[0], w.dogs[1])
	w.becomes(files, bundle.Applied)
	w.version("guarded")
}

// policies: the one in force when a delivery comes to be applied counts.
func (w *world) policies() {
	w.demand(1, w.dogs[0])
	w.down()
	p := w.send(w.pack("former", nil))
	w.sign(p, w.dogs[0])
	w.demand(1, w.dogs[1]) // the first is no watchdog any more
	w.up()
	w.waits("not co-signed: 0 of 1 watchdogs")
	w.sign(p, w.dogs[1])
	w.becomes(p, bundle.Applied)
	// What waits is looked at anew when the policy changes.
	p = w.send(w.pack("lifted", nil))
	w.waits("not co-signed: 0 of 1 watchdogs")
	w.demand(0)
	w.becomes(p, bundle.Applied)
	// The zone cannot demand less than the organisation.
	w.floor(1, w.dogs[2])
	w.demand(0)
	w.Eventually("both policies", settled, func(s device.Status) bool { return s.Offline == 3600 })
	p = w.send(w.pack("floor", nil))
	w.waits("not co-signed: 0 of 1 watchdogs")
	w.demand(1, w.dogs[0])
	w.sign(p, w.dogs[0])
	w.waits("not co-signed: 0 of 1 watchdogs")
	w.version("lifted")
	w.sign(p, w.dogs[2])
	w.becomes(p, bundle.Applied)
	w.version("floor")
}
