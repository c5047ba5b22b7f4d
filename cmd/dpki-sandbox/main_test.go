package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"dpki/internal/harness"
	"dpki/internal/network"

	"github.com/ethereum/go-ethereum/accounts/keystore"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/rpc"
)

// sandbox runs the sandbox and returns when it has printed its ready line.
func sandbox(t *testing.T, dir string, args ...string) (*harness.Proc, network.File) {
	t.Helper()
	p := harness.Start(t, harness.Command{
		Path: harness.Build(t, "./cmd/dpki-sandbox"), Args: append([]string{"--dir", dir}, args...),
		Ready: func(_ context.Context, p *harness.Proc) error {
			if !strings.Contains(p.Output(), "ready") {
				return os.ErrNotExist
			}
			return nil
		},
	})
	n, err := network.Load(filepath.Join(dir, networkName))
	if err != nil {
		t.Fatal(err)
	}
	return p, n
}

func call(t *testing.T, n network.File, result any, method string, args ...any) {
	t.Helper()
	c, err := rpc.Dial(n.Endpoints[0])
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.CallContext(t.Context(), result, method, args...); err != nil {
		t.Fatalf("%s: %v", method, err)
	}
}

// Killed at once after each of several writes, it has lost none of them.
func TestSurvivesKill(t *testing.T) {
	dir := t.TempDir()
	p, first := sandbox(t, dir)
	account := "0x00000000000000000000000000000000000000aa"
	for i := range 4 {
		call(t, first, nil, "sandbox_fund", account, "0x1")
		p.Kill()
		begun := time.Now()
		var n network.File
		p, n = sandbox(t, dir)
		if took := time.Since(begun); took > 5*time.Second {
			t.Errorf("ready again after %s", took)
		}
		if n.Endpoints[0] != first.Endpoints[0] || n.Contract != first.Contract {
			t.Errorf("network %+v, want %+v", n, first)
		}
		var balance hexutil.Big
		call(t, n, &balance, "eth_getBalance", account, "latest")
		if got := balance.ToInt().Int64(); got != int64(i+1) {
			t.Errorf("after kill %d: balance %d, want %d", i+1, got, i+1)
		}
		var code hexutil.Bytes
		call(t, n, &code, "eth_getCode", n.Contract.String(), "latest")
		if len(code) == 0 {
			t.Error("the contract is gone")
		}
	}
}

func TestEndsCleanly(t *testing.T) {
	dir := t.TempDir()
	p, n := sandbox(t, dir, "--hold-back", "5")
	call(t, n, nil, "sandbox_mine", "0x8")
	var header struct {
		Number hexutil.Uint64 `json:"number"`
	}
	call(t, n, &header, "eth_getHeaderByNumber", "finalized")
	if header.Number != 4 {
		t.Errorf("finalized is %d, want 4 (head 9, held back by 5)", header.Number)
	}
	if err := p.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code, err := p.Wait(10 * time.Second); err != nil || code != 0 {
		t.Errorf("exit %d, %v, want 0", code, err)
	}
	if out := p.Output(); strings.Count(out, "\n") != 1 {
		t.Errorf("output %q, want the one ready line", out)
	}
}

func TestWritesAnAccountThatOnlyItsOwnerReads(t *testing.T) {
	dir := t.TempDir()
	sandbox(t, dir)
	for _, name := range []string{keystoreName, passphraseName} {
		fi, err := os.Stat(filepath.Join(dir, name))
		if err != nil || fi.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode %v, %v, want 0600", name, fi.Mode(), err)
		}
	}
	blob, err := os.ReadFile(filepath.Join(dir, keystoreName))
	if err != nil {
		t.Fatal(err)
	}
	passphrase, err := os.ReadFile(filepath.Join(dir, passphraseName))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := keystore.DecryptKey(blob, strings.TrimSpace(string(passphrase))); err != nil {
		t.Error(err)
	}
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{{"--speed", "1"}, {"--port", "x"}, {"extra"}, {"--dir", t.TempDir(), "extra"}, {"--dir", t.TempDir(), "--block-time", "1500ms"}} {
		var stdout, stderr bytes.Buffer
		if got := run(t.Context(), args, &stdout, &stderr); got != exitUsage || stdout.Len() != 0 || stderr.Len() == 0 {
			t.Errorf("%q: exit %d, stdout %q, stderr %q, want %d", args, got, &stdout, &stderr, exitUsage)
		}
	}
}

func TestHelp(t *testing.T) {
	var stdout, stderr bytes.Buffer
	if got := run(t.Context(), []string{"--help"}, &stdout, &stderr); got != exitDone {
		t.Errorf("exit %d", got)
	}
	for _, want := range []string{"to try DPKI on", "dpki network use FOLDER/network.toml", "--heartbeat DURATION", "(default: 5s)"} {
		if !strings.Contains(stderr.String(), want) {
			t.Errorf("%q is not in\n%s", want, &stderr)
		}
	}
}
