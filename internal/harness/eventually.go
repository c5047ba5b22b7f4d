package harness

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

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
