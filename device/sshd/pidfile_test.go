package sshd

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestPidFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sshd.pid")
	if _, err := pidFile(t.Context(), path, 0); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a file: %v", err)
	}
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := pidFile(t.Context(), path, 0); err == nil {
		t.Error("an empty file has no process")
	}
	// What sshd does at SIGHUP: away, and there again.
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	written := make(chan error)
	go func() {
		time.Sleep(100 * time.Millisecond)
		written <- os.WriteFile(path, []byte("123\n"), 0o644)
	}()
	pid, err := pidFile(t.Context(), path, time.Minute)
	if err := errors.Join(err, <-written); err != nil || pid != "123" {
		t.Errorf("got %q, %v", pid, err)
	}
}
