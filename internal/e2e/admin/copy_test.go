package admin

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"dpki/internal/harness"
)

// TestCopies: what copies files by ssh does so by `dpki ssh`, every byte of them, and leaves no grant.
func TestCopies(t *testing.T) {
	harness.Need(t, harness.Rsync, harness.Git)
	r := newRig(t)
	// An administrator would be asked for the passphrase; here a file has it.
	ssh := filepath.Join(r.Dir, "dpki-ssh")
	r.Must(os.WriteFile(ssh, fmt.Appendf(nil, "#!/bin/sh\nexec %s --quiet --home %s --passphrase-file %s ssh \"$@\"\n",
		harness.Bin(t, "dpki"), r.Home(), r.Passphrase), 0o755))
	data := make([]byte, 1<<20+7)
	rand.Read(data)
	file := filepath.Join(r.Dir, "data")
	r.Must(os.WriteFile(file, data, 0o644))
	same := func(what, path string) {
		t.Helper()
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, data) {
			t.Errorf("%s: %d bytes, want %d (%v)", what, len(got), len(data), err)
		}
		os.Remove(path)
	}
	const home = "/run/home/alice/"

	r.run(0, "scp", "-q", "-S", ssh, file, "alice@gate-7:there")
	same("scp there", home+"there")
	r.Must(os.WriteFile(home+"from", data, 0o644))
	for _, protocol := range []string{"-s", "-O"} {
		r.run(0, "scp", "-q", protocol, "-S", ssh, "alice@gate-7:from", "back")
		same("scp "+protocol+" back", filepath.Join(r.Dir, "back"))
	}
	batch := filepath.Join(r.Dir, "batch")
	r.Must(os.WriteFile(batch, []byte("get from back\n"), 0o644))
	r.run(0, "sftp", "-q", "-b", batch, "-S", ssh, "alice@gate-7")
	same("sftp", filepath.Join(r.Dir, "back"))
	r.run(0, "rsync", "-e", ssh+" --account alice", "gate-7:from", "back")
	same("rsync back", filepath.Join(r.Dir, "back"))
	r.run(0, "rsync", "-z", "-e", ssh, file, "alice@gate-7:there")
	same("rsync there", home+"there")

	r.run(0, ssh, "alice@gate-7", "git", "init", "-q", "--bare", "repository")
	r.run(0, "git", "init", "-q", "work")
	r.Must(os.Rename(file, filepath.Join(r.Dir, "work/data")))
	git := func(args ...string) {
		t.Helper()
		r.run(0, "git", append([]string{"-C", "work", "-c", "core.sshCommand=" + ssh, "-c", "ssh.variant=ssh", "-c", "user.name=a", "-c", "user.email=a@localhost"}, args...)...)
	}
	git("add", "data")
	git("commit", "-q", "-m", "data")
	git("push", "-q", "alice@gate-7:repository", "HEAD:main")
	git("clone", "-q", "-b", "main", "alice@gate-7:repository", "../clone")
	same("git", filepath.Join(r.Dir, "clone/data"))

	// And a pipe, both ways at once.
	r.Must(os.WriteFile(file, data, 0o644))
	r.run(0, "sh", "-c", ssh+" alice@gate-7 cat <data >back")
	same("a pipe", filepath.Join(r.Dir, "back"))
	if n := r.live(); n != 0 {
		t.Errorf("%d grants live, want 0", n)
	}
}
