package audit

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/rpc"

	"dpki/internal/harness"
	"dpki/internal/network"
	"dpki/registry/witness"
)

func TestMain(m *testing.M) { harness.Main(m, "dpki", "dpki-sandbox") }

// rig is a sandbox with a witness beside it, and an administrator.
type rig struct {
	*testing.T
	dir, sandbox, witness string
	network               network.File
}

func newRig(t *testing.T) *rig {
	t.Helper()
	harness.Need(t, harness.Namespace)
	r := &rig{T: t, dir: t.TempDir()}
	r.sandbox = filepath.Join(r.dir, "sandbox")
	harness.Start(t, harness.Command{Path: harness.Bin(t, "dpki-sandbox"), Args: []string{"--dir", r.sandbox, "--block-time", "1s"}, Ready: harness.Says("ready")})
	var err error
	if r.network, err = network.Load(filepath.Join(r.sandbox, "network.toml")); err != nil {
		t.Fatal(err)
	}
	_, out, _ := r.run(nil, "witness", "key", r.path("witness.key"))
	r.witness = strings.TrimSpace(out)
	key, err := witness.ParseKey(r.witness)
	if err != nil {
		t.Fatal(err)
	}
	harness.Start(t, harness.Command{Path: harness.Bin(t, "dpki"), Args: []string{"--network", filepath.Join(r.sandbox, "network.toml"), "witness", "run", "--key", r.path("witness.key"),
		"--node", r.network.Endpoints[0], "--out", r.path("checkpoints")}, Env: r.env(), Ready: harness.Says("signs chain")})
	r.network.WitnessVersion, r.network.WitnessAgree = 1, 1
	r.network.Witnesses = []network.Witness{{Name: "hq", Key: key, Path: r.path("checkpoints")}}
	text, err := r.network.Marshal()
	if err == nil {
		err = os.WriteFile(r.path("network.toml"), text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	r.dpki("identity", "create", "--chain-key", filepath.Join(r.sandbox, "admin.json"))
	r.dpki("network", "use", r.path("network.toml"))
	r.dpki("org", "create", "acme")
	r.dpki("zone", "create", "plant")
	return r
}

func (r *rig) path(name string) string { return filepath.Join(r.dir, name) }

func (r *rig) env() []string { return []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=" + r.dir} }

func (r *rig) run(attr *syscall.SysProcAttr, args ...string) (code int, stdout, stderr string) {
	r.Helper()
	cmd := exec.Command(harness.Bin(r.T, "dpki"), args...)
	cmd.Dir, cmd.Env, cmd.SysProcAttr = r.dir, r.env(), attr
	var out, err bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &err
	var exit *exec.ExitError
	if e := cmd.Run(); e != nil && !errors.As(e, &exit) {
		r.Fatalf("dpki %q: %v", args, e)
	}
	return cmd.ProcessState.ExitCode(), out.String(), err.String()
}

func (r *rig) dpki(args ...string) string {
	r.Helper()
	code, out, notes := r.run(nil, append([]string{"--home", r.path("home"), "--passphrase-file", filepath.Join(r.sandbox, "admin.passphrase")}, args...)...)
	if code != 0 {
		r.Fatalf("dpki %q ended with %d\n%s%s", args, code, out, notes)
	}
	return out
}

func (r *rig) decode(text string, v any) {
	r.Helper()
	if err := json.Unmarshal([]byte(text), v); err != nil {
		r.Fatalf("%v: %s", err, text)
	}
}

// An auditor in a network namespace of his own, where not even loopback is up, is
// convinced by a node's word for the block, or by a witness's; and by neither of
// a stranger's.
func TestAuditorWithoutNetwork(t *testing.T) {
	r := newRig(t)
	var org struct{ Anchor string }
	r.decode(r.dpki("org", "show", "--json"), &org)
	var proved struct {
		Block     uint64
		BlockHash string `json:"block_hash"`
		Witnesses int
	}
	r.decode(r.dpki("log", "--export", r.path("log.audit"), "--json"), &proved)
	if proved.Witnesses != 1 {
		t.Errorf("%d checkpoints in the file, want 1", proved.Witnesses)
	}
	// The node is asked apart from dpki, by its number.
	client, err := rpc.Dial(r.network.Endpoints[0])
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	var block struct{ Hash string }
	if err := client.Call(&block, "eth_getBlockByNumber", hexutil.Uint64(proved.Block), false); err != nil || block.Hash != proved.BlockHash {
		t.Fatalf("the node's block %d is %s, the file's %s (%v)", proved.Block, block.Hash, proved.BlockHash, err)
	}
	alone := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	verify := func(args ...string) (int, string, string) {
		return r.run(alone, append([]string{"--home", r.path("nobody"), "log", "--verify", r.path("log.audit"), "--anchor", org.Anchor}, args...)...)
	}
	for _, row := range []struct {
		name string
		args []string
		code int
		says string
	}{
		{"the node's hash", []string{"--block", block.Hash}, 0, "you gave the hash"},
		{"the witness", []string{"--witness", r.witness}, 0, "1 of the 1 witnesses that you named signed it"},
		{"both", []string{"--witness", r.witness, "--block", block.Hash}, 0, "you gave the hash, and 1 witnesses signed it"},
		{"one of two witnesses", []string{"--witness", r.witness, "--witness", strings.Repeat("11", 32), "--agree", "1"}, 0, "1 of the 2 witnesses"},
		{"two of two", []string{"--witness", r.witness, "--witness", strings.Repeat("11", 32)}, 3, "NOBODY SAYS SO YET"},
		{"a stranger", []string{"--witness", strings.Repeat("11", 32)}, 3, "NOBODY SAYS SO YET"},
		{"another block", []string{"--block", "0x" + strings.Repeat("11", 32)}, 3, "NOBODY SAYS SO YET"},
		{"nobody", nil, 3, "NOBODY SAYS SO YET"},
	} {
		code, out, notes := verify(row.args...)
		if code != row.code || !strings.Contains(out, row.says) || !strings.Contains(out, "root administrator") {
			t.Errorf("%s: status %d, want %d and %q\n%s%s", row.name, code, row.code, row.says, out, notes)
		}
	}
	if _, err := os.Stat(r.path("nobody")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an auditor's home was made: %v", err)
	}
}

// A monitor with nothing but the anchor tells syslog of a new zone while it runs,
// and ends when it is told to; what happened meanwhile it tells at the next start.
func TestMonitorAtWork(t *testing.T) {
	r := newRig(t)
	log := harness.StartSyslog(t)
	var org struct{ Anchor string }
	r.decode(r.dpki("org", "show", "--json"), &org)
	rules := "version = 1\nevery = \"1s\"\n[[sink]]\nname = \"system\"\ntype = \"syslog\"\non = [\"zone\", \"ca\"]\n"
	if err := os.WriteFile(r.path("rules.toml"), []byte(rules), 0o600); err != nil {
		t.Fatal(err)
	}
	watch := func() *harness.Proc {
		return harness.Start(t, harness.Command{Path: harness.Bin(t, "dpki"), Env: r.env(), Args: []string{"--home", r.path("dog"), "--network", r.path("network.toml"),
			"monitor", "--anchor", org.Anchor, "--rules", r.path("rules.toml")}})
	}
	p := watch()
	p.WaitOutput(t, "begins after", 20*time.Second)
	r.dpki("zone", "create", "yard")
	log.Wait(t, "zone:", 20*time.Second)
	if err := p.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code, err := p.Wait(harness.Patience); err != nil || code != 0 {
		t.Errorf("ended with %d, %v", code, err)
	}
	r.dpki("ca", "create", "main", "--zone", "plant")
	watch()
	log.Wait(t, "CA_USER, sealed", 20*time.Second)
	if got := strings.Count(log.Text(), "zone: "); got != 1 {
		t.Errorf("the zone was told %d times\n%s", got, log.Text())
	}
	if text := log.Text(); strings.Contains(text, "yard") || strings.Contains(text, "main") {
		t.Errorf("somebody without keys knows names:\n%s", text)
	}
}
