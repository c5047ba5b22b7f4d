package sshd

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"time"
)

// restart is how long an sshd may take to begin anew.
const restart = 5 * time.Second

// pidFile reads the file in which sshd keeps its process. An sshd that has just
// been told to read its configuration again takes the file away and writes it a
// moment later: two set-ups in a row must not fail for that, so for a while a
// file that is absent or empty is waited for.
func pidFile(ctx context.Context, path string, wait time.Duration) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	for {
		text, err := os.ReadFile(path)
		if pid := bytes.TrimSpace(text); err == nil && len(pid) > 0 {
			return string(pid), nil
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
		select {
		case <-ctx.Done():
			if err == nil {
				err = errors.New(path + " is empty")
			}
			return "", err
		case <-time.After(50 * time.Millisecond):
		}
	}
}
