package journal

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"dpki/registry/verify"
	"dpki/state"
)

// read is all that the daemon reads of a journal when it starts.
func read(path string) (verify.Known, error) {
	j, err := Open(path, org)
	if err != nil {
		return verify.Known{}, err
	}
	defer j.Close()
	known, err := j.Load()
	if err == nil {
		err = j.Entries(zone, func(*state.Entry) error { return nil })
	}
	for _, name := range []string{RecordClock, RecordEnrolment} {
		if err == nil {
			_, err = j.Record(name)
		}
	}
	if err == nil {
		_, err = j.Batches()
	}
	return known, err
}

func full(t *testing.T) (path string, bytes []byte, seq uint64) {
	t.Helper()
	path = create(t)
	j := reopen(t, path)
	h := newHistory()
	for range 200 {
		if err := j.Apply(h.tick(), []byte("clock")); err != nil {
			t.Fatal(err)
		}
	}
	j.Close()
	bytes, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return path, bytes, h.log.Confirmed.Seq
}

// place writes bytes to a file of their own: a library that panics while it
// opens one keeps its lock until the process ends, as the daemon does then.
func place(t *testing.T, bytes []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "journal")
	if err := os.WriteFile(path, bytes, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// However much is cut off, the journal is refused, and never a shorter history
// taken for the whole.
func TestTruncated(t *testing.T) {
	_, bytes, seq := full(t)
	refused := 0
	for n := 0; n < len(bytes); n += 1 + len(bytes)/97 {
		path := place(t, bytes[:n])
		known, err := read(path)
		switch got := known.Scopes[zone].Confirmed.Seq; {
		case errors.Is(err, ErrCorrupt):
			refused++
		case err != nil || got != seq: // the end of the file may hold nothing
			t.Errorf("%d of %d bytes: %v, confirmed %d of %d", n, len(bytes), err, got, seq)
		}
	}
	if refused < 20 {
		t.Errorf("only %d cuts were noticed", refused)
	}
	if _, err := read(place(t, bytes)); err != nil {
		t.Errorf("all bytes: %v", err)
	}
}

// A byte that was turned over is noticed, or stood where nothing stands. In the
// newest of the two pages that begin a file it takes back one transaction.
func TestFlippedBytes(t *testing.T) {
	_, bytes, seq := full(t)
	random := rand.New(rand.NewPCG(1, 2))
	noticed := 0
	for range 400 {
		at, bit := random.IntN(len(bytes)), byte(1)<<random.IntN(8)
		bytes[at] ^= bit
		path := place(t, bytes)
		bytes[at] ^= bit
		known, err := read(path)
		switch {
		case err != nil:
			noticed++
		case known.Scopes[zone].Confirmed.Seq != seq && known.Scopes[zone].Confirmed.Seq != seq-1:
			t.Errorf("bit %#x of byte %d: confirmed %d of %d", bit, at, known.Scopes[zone].Confirmed.Seq, seq)
		}
	}
	if noticed == 0 {
		t.Error("no damage was noticed: the test looks in the wrong place")
	}
	t.Logf("%d of 400 were noticed; the others stood in free pages or in the older half", noticed)
}

// Entries that were swapped for others of the same length do not pass, although
// the file is whole: the running hash is what vouches for them.
func TestSwappedEntry(t *testing.T) {
	path, _, _ := full(t)
	j := reopen(t, path)
	err := j.db.Update(func(tx *tx) error {
		b := tx.Bucket(bucketScopes).Bucket(zone[:]).Bucket(bucketLog)
		e, err := state.ParseEntry(b.Get(number(100)))
		if err != nil {
			return err
		}
		e.Until++
		raw, err := e.Marshal()
		if err != nil {
			return err
		}
		return b.Put(number(100), raw)
	})
	if err != nil {
		t.Fatal(err)
	}
	j.Close()
	if _, err := read(path); !errors.Is(err, ErrCorrupt) {
		t.Errorf("altered entry: %v", err)
	}
}
