package vendor

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"dpki/bundle"
	"dpki/internal/harness"
	"dpki/internal/harness/desk"
	"dpki/internal/harness/sshkey"
)

var devices = flag.Int("devices", 2100, "how many devices the vendor's file has, at least 1,001")

func TestMain(m *testing.M) { harness.Main(m, "dpki", "dpki-sandbox") }

// TestThousands: the command is killed after the first thousand devices, and run
// again it adds the others, and nobody twice.
func TestThousands(t *testing.T) {
	d := desk.New(t, nil)
	vendor, key, file := sshkey.New(t), filepath.Join(d.Dir, "vendor"), filepath.Join(d.Dir, "batch")
	vendor.Save(t, key)
	manifest(d, vendor, file, *devices)
	args := []string{"--home", d.Home(), "--passphrase-file", d.Passphrase, "device", "add", "--vendor", file, "--vendor-key", key + ".pub", "--yes"}

	began := time.Now()
	first := harness.Start(t, harness.Command{Path: harness.Bin(t, "dpki"), Args: args, Ready: harness.Says("1,000 of "), Within: 5 * time.Minute})
	t.Logf("the first 1,000 of %d: %v", *devices, time.Since(began).Round(time.Millisecond))
	first.Kill()
	if !strings.Contains(first.Output(), "1,000 of ") || strings.Contains(first.Output(), "enrolled in zone") {
		t.Fatalf("it was not killed in the middle: %s", first.Output())
	}

	cmd := exec.Command(harness.Bin(t, "dpki"), append(args, "--json")...)
	cmd.Env = []string{"PATH=/usr/bin:/bin", "HOME=/nonexistent", "TMPDIR=" + os.TempDir()}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	began = time.Now()
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %s", err, stderr.Bytes())
	}
	took := time.Since(began)
	var added struct {
		Added, Already, Lines int
		Transactions          []struct{ Gas uint64 }
	}
	d.Decode(desk.Result{Stdout: stdout.String()}, &added)
	if added.Lines != *devices || added.Already < 1000 || added.Added+added.Already != *devices || len(added.Transactions) != (added.Added+999)/1000 {
		t.Errorf("%+v", added)
	}
	gas := uint64(0)
	for _, tx := range added.Transactions {
		gas += tx.Gas
	}
	usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok || added.Added == 0 {
		t.Fatal("nothing was measured")
	}
	perDevice, memory := float64(gas)/float64(added.Added), usage.Maxrss>>10
	t.Logf("measured: the other %d devices of a vendor: %v, %d transactions, %.0f gas a device, at most %d MB", added.Added, took.Round(time.Millisecond), len(added.Transactions), perDevice, memory)
	if perDevice > 500 || memory > 200+int64(*devices)/20 {
		t.Errorf("%.0f gas a device, %d MB", perDevice, memory)
	}

	// All of them are there once, and the same file adds nobody.
	var list []struct{ Name, ID string }
	d.Decode(d.Dpki(0, "device", "list", "--json"), &list)
	names, ids := map[string]bool{}, map[string]bool{}
	for _, v := range list {
		names[v.Name], ids[v.ID] = true, true
	}
	if len(list) != *devices || len(names) != *devices || len(ids) != *devices {
		t.Errorf("%d devices, %d names, %d ids", len(list), len(names), len(ids))
	}
	d.Says(d.Dpki(0, args[4:]...).Stdout, "0 devices of vendor", fmt.Sprintf("%d,%03d before", *devices/1000, *devices%1000))
}

// manifest is what a factory makes.
func manifest(d *desk.Desk, vendor sshkey.Key, file string, count int) {
	d.Helper()
	out, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	d.Must(err)
	defer out.Close()
	w, host := bundle.NewManifest(out), strings.TrimSpace(string(ssh.MarshalAuthorizedKey(sshkey.New(d.T).PublicKey())))
	for i := range count {
		id, err := bundle.GenerateIdentity()
		d.Must(err)
		r, err := id.NewRequest(d.Anchor, fmt.Sprintf("gate-%05d", i), host)
		d.Must(err)
		d.Must(w.Add(r))
	}
	d.Must(w.Sign(vendor))
}
