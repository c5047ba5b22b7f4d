package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"dpki/internal/anchor"
	"dpki/registry/verify"
	"dpki/state"
)

var (
	org  = anchor.Anchor{Registry: state.Registry{ChainID: 7, Contract: state.Address{1}}, Org: state.Word{2}}
	zone = state.Word{3}
)

// history makes the results that a reader would give: n ticks, each of which
// confirms one entry and has the next in the overlay.
type history struct {
	log  verify.ScopeLog
	next state.Entry
	n    uint64
}

func newHistory() *history {
	base := state.Tip{H: org.Registry.H0(org.Org, zone)}
	h := &history{log: verify.ScopeLog{Base: base, Confirmed: base}}
	h.next = h.entry(base)
	return h
}

func (h *history) entry(after state.Tip) state.Entry {
	h.n++
	return state.Entry{
		Seq: after.Seq + 1, Block: after.Block + 10, PrevBlock: after.Block, Time: after.Time + 20, Authors: []state.Address{{9}},
		Action: state.ActionPut, Kind: state.KindGrant, Subject: state.Word{byte(h.n), byte(h.n >> 8)}, From: 1, Until: 2, Data: []byte(fmt.Sprint(h.n)),
	}
}

func (h *history) tick() *verify.Result {
	confirmed := h.next
	tip, err := h.log.Confirmed.Append(&confirmed)
	if err != nil {
		panic(err)
	}
	h.next = h.entry(tip)
	h.log = verify.ScopeLog{
		Base: h.log.Base, Confirmed: tip, Through: tip.Block, Overlay: []state.Entry{h.next},
		Sticky: []state.Entry{{Seq: 1, Block: 5, Time: 6, Authors: []state.Address{{9}}, Action: state.ActionRevoke, Kind: state.KindGrant, Subject: state.Word{8}}},
	}
	return &verify.Result{
		Head:    verify.Head{Number: tip.Block + 1, Hash: state.Word{byte(tip.Seq)}, Time: tip.Time, Safe: tip.Block, Finalized: tip.Block},
		Changes: []verify.Change{{Scope: zone, Confirmed: []state.Entry{confirmed}, Log: h.log}},
	}
}

func create(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "journal")
	if err := Create(path, org); err != nil {
		t.Fatal(err)
	}
	return path
}

func reopen(t testing.TB, path string) *Journal {
	t.Helper()
	j, err := Open(path, org)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	return j
}

func TestRoundTrip(t *testing.T) {
	path := create(t)
	j := reopen(t, path)
	h := newHistory()
	var last *verify.Result
	for i := range 50 {
		last = h.tick()
		if err := j.Apply(last, fmt.Append(nil, i)); err != nil {
			t.Fatal(err)
		}
	}
	batch := state.Word{5}
	if err := j.Enrol(batch, []byte("materials")); err != nil {
		t.Fatal(err)
	}
	j.Close()

	j = reopen(t, path)
	known, err := j.Load()
	want := verify.Known{Head: last.Head, Scopes: map[state.Word]verify.ScopeLog{zone: h.log}}
	if err != nil || !reflect.DeepEqual(known, want) {
		t.Errorf("got %+v, %v\nwant %+v", known, err, want)
	}
	n := uint64(0)
	err = j.Entries(zone, func(e *state.Entry) error {
		if n++; e.Seq != n {
			t.Errorf("entry %d in place %d", e.Seq, n)
		}
		return nil
	})
	if err != nil || n != 50 {
		t.Errorf("%d entries, %v", n, err)
	}
	if err := j.Entries(state.Word{0xee}, func(*state.Entry) error { return errors.New("called") }); err != nil {
		t.Errorf("unknown scope: %v", err)
	}
	clock, err1 := j.Record(RecordClock)
	enrolment, err2 := j.Record(RecordEnrolment)
	seen, err3 := j.Batches()
	if string(clock) != "49" || string(enrolment) != "materials" || len(seen) != 1 || !seen[batch] || errors.Join(err1, err2, err3) != nil {
		t.Errorf("clock %q, enrolment %q, batches %v, %v", clock, enrolment, seen, errors.Join(err1, err2, err3))
	}

	// reset-trust forgets what was verified and keeps what was given.
	if err := j.Forget(); err != nil {
		t.Fatal(err)
	}
	known, err = j.Load()
	enrolment, _ = j.Record(RecordEnrolment)
	clock, _ = j.Record(RecordClock)
	if err != nil || known.Head != (verify.Head{}) || len(known.Scopes) != 0 || string(enrolment) != "materials" || clock != nil {
		t.Errorf("after Forget: %+v, enrolment %q, clock %q, %v", known, enrolment, clock, err)
	}
}

// What does not extend the prefix on disk is not written, and takes nothing.
func TestApplyRefusesAnotherHistory(t *testing.T) {
	j := reopen(t, create(t))
	h := newHistory()
	for range 3 {
		if err := j.Apply(h.tick(), nil); err != nil {
			t.Fatal(err)
		}
	}
	before, err := j.Load()
	if err != nil {
		t.Fatal(err)
	}
	skipped := *h
	skipped.tick()
	other := newHistory()
	elsewhere := *h
	elsewhere.log.Base.Seq = 1024
	for name, res := range map[string]*verify.Result{"a gap": skipped.tick(), "the beginning again": other.tick(), "another base": elsewhere.tick()} {
		if err := j.Apply(res, []byte("x")); err == nil {
			t.Errorf("%s: written", name)
		}
	}
	if after, err := j.Load(); err != nil || !reflect.DeepEqual(after, before) {
		t.Errorf("after refusals: %+v, %v", after, err)
	}
	if err := j.Apply(h.tick(), nil); err != nil {
		t.Errorf("the next entry: %v", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	if _, err := Open(filepath.Join(dir, "none"), org); !errors.Is(err, ErrMissing) {
		t.Errorf("missing: %v", err)
	}
	path := create(t)
	if err := Create(path, org); !errors.Is(err, ErrExists) {
		t.Errorf("a second Create: %v", err)
	}
	other := org
	other.Org = state.Word{4}
	if _, err := Open(path, other); !errors.Is(err, ErrAnchor) {
		t.Errorf("another anchor: %v", err)
	}
	j := reopen(t, path)
	if _, err := Open(path, org); !errors.Is(err, ErrLocked) {
		t.Errorf("in use: %v", err)
	}
	j.Close()
	link := filepath.Join(dir, "link")
	os.Symlink(path, link)
	if _, err := Open(link, org); !errors.Is(err, ErrFileMode) {
		t.Errorf("symbolic link: %v", err)
	}
	os.Chmod(path, 0o640)
	if _, err := Open(path, org); !errors.Is(err, ErrFileMode) {
		t.Errorf("mode 0640: %v", err)
	}
	os.Chmod(path, 0o600)
	reopen(t, path)
}
