package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"dpki/internal/harness"
	"dpki/internal/harness/machine"
)

// helper compares a whole run of the helper, question and answer included, with
// the smallest usual Go program.
func (d *bench) helper(t *report) {
	const rounds, maxSize, bar = 300, 3_000_000, 2.0
	info, err := os.Stat(harness.Bin(d, "dpki-authkeys"))
	d.Must(err)
	program := hello(d)
	var ours, theirs sample
	for range rounds {
		began := time.Now()
		if d.Ask("alice", d.cert) == "" {
			d.Fatal("the helper denies")
		}
		ours = append(ours, time.Since(began))
		cmd := exec.Command(program)
		cmd.Env, cmd.Dir = []string{"PATH=/usr/bin:/bin"}, "/"
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: machine.HelperUser, Gid: machine.HelperUser}}
		began = time.Now()
		_, err := cmd.Output()
		d.Must(err)
		theirs = append(theirs, time.Since(began))
	}
	t.add("helper's size", fmt.Sprintf("%.2f MB", float64(info.Size())/1e6), "3 MB", info.Size() <= maxSize, "static")
	small, err := os.Stat(program)
	d.Must(err)
	t.note("Go hello's size", fmt.Sprintf("%.2f MB", float64(small.Size())/1e6), "")
	compared(t, "helper, whole run : Go hello", ours, theirs, bar)
}

// hello builds it as the helper is built.
func hello(d *bench) string {
	dir := harness.RootDir(d)
	source := filepath.Join(dir, "hello.go")
	d.Must(os.WriteFile(source, []byte("package main\n\nimport \"fmt\"\n\nfunc main() { fmt.Println(\"hello\") }\n"), 0o644))
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w -buildid=", "-o", filepath.Join(dir, "hello"), source)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		d.Fatalf("%v\n%s", err, out)
	}
	return filepath.Join(dir, "hello")
}
