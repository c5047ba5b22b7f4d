// Package demo runs `make demo` and reads its transcript.
package demo

import (
	"bytes"
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"dpki/internal/harness"
)

// transcript is what the demonstration prints. It runs once for all tests.
func transcript(t *testing.T) string {
	t.Helper()
	harness.Need(t, harness.Root, harness.Sshd, harness.Ssh, harness.SshKeygen)
	once.Do(func() { told = tell(t) })
	if told == "" {
		t.Fatal("the demonstration failed")
	}
	return told
}

var (
	once sync.Once
	told string
)

func tell(t *testing.T) string {
	t.Helper()
	bin := harness.Build(t, "./internal/demo")
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, bin)
	cmd.Dir = harness.RepoRoot()
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	return out.String()
}

// TestDemo: the story ends well, in time, in the order in which it is told, and
// leaves nothing.
func TestDemo(t *testing.T) {
	story := transcript(t)
	rest := story
	for _, want := range []string{
		"$ dpki org create acme", "$ dpki zone create plant", "$ dpki ca create", "$ dpkid enroll", "$ dpki device add", "$ dpki grant gate-7",
		"granted (privileged)  root on plant/gate-7", "$ ssh -i tech -o CertificateFile=", "root on gate-7, ", "$ dpki revoke", "Permission denied (publickey)",
		"would be refused: the grant is revoked", "Done in ",
	} {
		_, after, ok := strings.Cut(rest, want)
		if !ok {
			t.Fatalf("no %q at its place in the transcript\n%s", want, story)
		}
		rest = after
	}
	const bar = 30 * time.Second
	if took, err := time.ParseDuration(strings.ReplaceAll(strings.Fields(rest)[0]+"s", " ", "")); err != nil || took > 5*bar {
		t.Errorf("the story took %v (%v), want at most %v (five times the bar)", took, err, 5*bar)
	}
	if left, err := filepath.Glob("/root/demo-*"); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
