package session

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"dpki/pam/proc"
)

// Once nobody watches any more, nobody begins a session, which would have no end, and the register is the next manager's: a
// login that was under way when the device went on to another organisation is neither entered nor overwrites what is there.
func TestAttackSessionAfterTheEnd(t *testing.T) {
	t.Parallel()
	b, first, second := newBench(t), monitor(t), monitor(t)
	stop := b.run(t)
	if _, err := b.Open(Session{Monitor: first}); err != nil {
		t.Fatal(err)
	}
	stop()
	register := func() []byte {
		text, err := os.ReadFile(b.File)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	before := register()
	if _, err := b.Open(Session{Monitor: second}); !errors.Is(err, ErrOver) {
		t.Errorf("entered after the end: %v", err)
	}
	if b.Close(first) {
		t.Error("ended by who watches no more")
	}
	if !bytes.Equal(register(), before) || !first.Alive() {
		t.Errorf("the register says %s, said %s", register(), before)
	}

	// The twin: the next one knows the first, and enters the second.
	next := b.manager(t, b.File)
	if err := next.Restore(); err != nil {
		t.Fatal(err)
	}
	if _, err := next.Open(Session{Monitor: second}); err != nil {
		t.Errorf("the next manager: %v", err)
	}
	known := map[proc.Process]bool{}
	for _, s := range next.List() {
		known[s.Monitor] = true
	}
	if len(known) != 2 || !known[first] || !known[second] {
		t.Errorf("it knows %v", known)
	}
	if left, err := filepath.Glob(b.File + ".*"); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
