package harness

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// Patience is how long a test waits for what it does not measure: enough for a machine that is several times slower than this one and
// stops a process for seconds at any instruction. A bar that is asserted is a number of its own.
const Patience = 30 * time.Second

// Eventually asks every few milliseconds until the check returns nil, and fails the test with its last error.
func Eventually(t testing.TB, within time.Duration, check func() error) {
	t.Helper()
	deadline := time.Now().Add(within)
	for {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("after %v: %v", within, err)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func contains(text, want string) error {
	if strings.Contains(text, want) {
		return nil
	}
	return fmt.Errorf("no %q in:\n%s", want, text)
}
