package apply

import (
	"encoding/binary"
	"errors"
	"testing"

	"dpki/device"
	"dpki/state"
)

// subjectOf is the subject of one delivery of many.
func subjectOf(n int) (s state.Word) {
	binary.BigEndian.PutUint64(s[24:], uint64(n+1))
	return s
}

// A delivery that is announced still is not forgotten, however many there are: it
// would be fetched and settled again, and push out the next, for ever. Those that
// have ended are, the oldest first.
func TestAttackMoreThanAreRemembered(t *testing.T) {
	t.Parallel()
	const until = 5000
	r := newRig(t)
	a := r.open()
	next := *a.ledger
	for n := range maxSettled + 200 {
		next.settle(device.Delivered{Subject: subjectOf(n), Seq: uint64(n), Time: 1000, Until: until, Result: device.Superseded}, 1000)
	}
	r.must(a.note(&next))
	last := maxSettled + 200
	r.must(a.Settle(device.Delivered{Subject: subjectOf(last), Seq: uint64(last), Time: 1001, Until: 2 * until, Result: "refused"}))
	a = r.open() // another daemon knows them all
	for n := range last + 1 {
		if !a.Settled(subjectOf(n)) {
			t.Fatalf("delivery %d of %d is forgotten", n, last+1)
		}
	}
	if a.Settled(subjectOf(last + 1)) {
		t.Error("one that never was is settled")
	}

	// The twin: once they have ended, as many as there are too many.
	r.must(a.Settle(device.Delivered{Subject: subjectOf(last + 1), Seq: uint64(last + 1), Time: until, Until: 2 * until, Result: "refused"}))
	kept := 0
	for n := range last + 2 {
		if a.Settled(subjectOf(n)) {
			kept++
		} else if n > last+2-maxSettled {
			t.Errorf("delivery %d went before older ones", n)
		}
	}
	if kept != maxSettled || !a.Settled(subjectOf(last)) || !a.Settled(subjectOf(last+1)) {
		t.Errorf("%d are remembered", kept)
	}

	// What is announced at once has a bound too: then the next one waits.
	full := *a.ledger
	full.Others = nil
	for n := range maxAnnounced {
		full.Others = append(full.Others, device.Delivered{Subject: subjectOf(1e6 + n), Time: until, Until: 2 * until})
	}
	r.must(a.note(&full))
	late := device.Delivered{Subject: subjectOf(1e7), Time: until + 1, Until: 3 * until}
	if err := a.Settle(late); !errors.Is(err, ErrFull) || a.Settled(late.Subject) {
		t.Errorf("one more: %v", err)
	}
	late.Time = 2 * until
	if err := a.Settle(late); err != nil || !a.Settled(late.Subject) {
		t.Errorf("once others have ended: %v", err)
	}
}
