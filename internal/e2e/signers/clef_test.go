package signers

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"dpki/admin/chainkey"
	"dpki/contracts"
	"dpki/internal/harness"
	"dpki/registry/post"
	"dpki/state"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/rpc"
)

// owner sits before a real clef: it is asked on clef's standard output and
// answers on its standard input (clef's --stdio-ui).
type owner struct {
	mu     sync.Mutex
	refuse bool
	alter  func(tx map[string]any) // what the owner changes in the dialogue
	asked  []string                // methods
}

func (o *owner) set(change func(*owner)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	change(o)
}

func (o *owner) methods() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return strings.Join(o.asked, " ")
}

func (o *owner) answer(method string, params []map[string]any) any {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.asked = append(o.asked, method)
	switch method {
	case "ui_approveTx":
		tx, _ := params[0]["transaction"].(map[string]any)
		if o.alter != nil {
			o.alter(tx)
		}
		return map[string]any{"approved": !o.refuse, "transaction": tx}
	case "ui_approveSignData":
		return map[string]any{"approved": !o.refuse}
	case "ui_onInputRequired":
		return map[string]any{"text": passphrase}
	}
	return map[string]any{"approved": false}
}

func (o *owner) sit(from io.Reader, to io.Writer) {
	for lines := bufio.NewReader(from); ; {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return
		}
		var ask struct {
			ID     json.RawMessage  `json:"id"`
			Method string           `json:"method"`
			Params []map[string]any `json:"params"`
		}
		if json.Unmarshal(line, &ask) != nil || len(ask.ID) == 0 {
			continue // a notification
		}
		b, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": ask.ID, "result": o.answer(ask.Method, ask.Params)})
		if err != nil {
			return
		}
		if _, err := to.Write(append(b, '\n')); err != nil {
			return
		}
	}
}

// clef starts one with the account's key. The owner says yes until told otherwise.
func (r *rig) clef() (o *owner, socket, url string) {
	r.Helper()
	harness.Need(r.T, harness.Clef)
	path, err := harness.ClefPath()
	r.must(err)
	keys := r.path("clef/keys")
	r.keystore(filepath.Join(keys, "UTC--2026-01-01T00-00-00.000000000Z--"+r.account.String()[2:]))
	port := harness.FreePort(r.T)
	socket, url = r.path("clef/clef.ipc"), fmt.Sprintf("http://127.0.0.1:%d", port)
	cmd := exec.Command(path, "--stdio-ui", "--suppress-bootwarn", "--keystore", keys, "--configdir", r.path("clef"), "--ipcpath", r.path("clef"), "--auditlog", "",
		"--nousb", "--chainid", fmt.Sprint(r.chain.Registry().ChainID), "--http", "--http.addr", "127.0.0.1", "--http.port", fmt.Sprint(port))
	cmd.Dir = r.path("clef") // it writes 4byte-custom.json where it stands
	cmd.Env = []string{"HOME=" + r.dir, "PATH=/usr/bin:/bin"}
	var log strings.Builder
	cmd.Stderr = &log
	in, err := cmd.StdinPipe()
	r.must(err)
	out, err := cmd.StdoutPipe()
	r.must(err)
	r.must(cmd.Start())
	o = &owner{}
	done := make(chan struct{})
	go func() { o.sit(out, in); close(done) }()
	r.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-done
		_ = cmd.Wait()
		if r.Failed() {
			r.Logf("the owner was asked %s; clef says\n%s", o.methods(), log.String())
		}
	})
	s, err := chainkey.External{URL: "unix:" + socket, Address: r.account}.Signer()
	r.must(err)
	harness.Eventually(r.T, 20*time.Second, func() error { return s.Ready(context.Background()) })
	return o, socket, url
}

// An organisation is made with a key that dpki never has: over the socket, and
// over HTTP. Its owner sees each transaction; what he refuses or alters is not sent.
func TestClef(t *testing.T) {
	r := newRig(t)
	o, socket, url := r.clef()
	dpki := harness.Build(t, "./cmd/dpki")
	create := []string{"--home", r.path("home"), "identity", "create", "--account", r.account.String(), "--signer"}
	for _, bad := range []string{"http://192.0.2.1:8550", "http://localhost:8550", "https://127.0.0.1:8550", "http://127.0.0.1", "http://u:p@127.0.0.1:8550", "unix:relative", "ledger:x"} {
		if code, _, _ := r.try(dpki, append(create, bad)...); code != 2 {
			t.Errorf("--signer %s: status %d, want 2", bad, code)
		}
		r.must(os.RemoveAll(r.path("home")))
	}
	r.run(dpki, append(create, "unix:"+socket)...)
	out, _ := r.run(dpki, "--home", r.path("home"), "identity", "show")
	if !strings.Contains(out, "unix:"+socket) || !strings.Contains(out, r.account.String()) {
		t.Errorf("who signs is not shown:\n%s", out)
	}
	// No passphrase is given anywhere: there is nothing to open.
	plain := func(args ...string) []string { return append([]string{"--home", r.path("home")}, args...) }
	r.run(dpki, plain("network", "use", r.path("network.toml"))...)
	r.run(dpki, plain("org", "create", "acme")...)
	if got := o.methods(); !strings.Contains(got, "ui_approveTx") {
		t.Fatalf("its owner was not asked: %s", got)
	}

	before := r.nonce()
	for name, change := range map[string]func(*owner){
		"refused":         func(o *owner) { o.refuse = true },
		"more gas":        func(o *owner) { o.alter = func(tx map[string]any) { tx["gas"] = "0x7a1200" } },
		"other fee":       func(o *owner) { o.alter = func(tx map[string]any) { tx["maxFeePerGas"] = "0x2540be400" } },
		"another address": func(o *owner) { o.alter = func(tx map[string]any) { tx["to"] = "0x" + strings.Repeat("11", 20) } },
	} {
		o.set(func(o *owner) { o.refuse, o.alter = false, nil; change(o) })
		code, _, text := r.try(dpki, plain("zone", "create", "plant")...)
		if code == 0 || !strings.Contains(text, "sign") {
			t.Errorf("%s: status %d\n%s", name, code, text)
		}
		if got := r.nonce(); got != before {
			t.Fatalf("%s: it was sent nevertheless", name)
		}
	}
	o.set(func(o *owner) { o.refuse, o.alter = false, nil })
	r.run(dpki, plain("zone", "create", "plant")...)
	if r.nonce() == before {
		t.Error("twin: nothing was sent")
	}

	// The same over HTTP.
	text, err := os.ReadFile(r.path("home/chain-key.json"))
	r.must(err)
	r.must(os.WriteFile(r.path("home/chain-key.json"), []byte(strings.Replace(string(text), "unix:"+socket, url, 1)), 0o600))
	r.run(dpki, plain("zone", "create", "yard")...)
	// Nobody there: try later, before anything is stored.
	r.must(os.WriteFile(r.path("home/chain-key.json"), []byte(strings.Replace(string(text), socket, r.path("none.ipc"), 1)), 0o600))
	if code, _, text := r.try(dpki, plain("zone", "create", "field")...); code != 4 || !strings.Contains(text, "the external signer did not sign") {
		t.Errorf("no signer: status %d, want 4\n%s", code, text)
	}

	t.Run("approvals", func(t *testing.T) { approvals(t, r, o, socket) })
}

func (r *rig) nonce() uint64 {
	r.Helper()
	client, err := rpc.Dial(r.chain.HTTP)
	r.must(err)
	defer client.Close()
	var n hexutil.Uint64
	r.must(client.Call(&n, "eth_getTransactionCount", r.account.String(), "pending"))
	return uint64(n)
}

func keyOf(r *rig) func() (*ecdsa.PrivateKey, error) {
	return func() (*ecdsa.PrivateKey, error) { return r.key, nil }
}

// approvals: EIP-712 by the real clef is what the contract takes.
func approvals(t *testing.T, r *rig, o *owner, socket string) {
	s, err := chainkey.External{URL: "unix:" + socket, Address: r.account}.Signer()
	r.must(err)
	account := post.Account{Address: r.account, External: s}
	p := contracts.Proposal{Org: state.Word{1}, Epoch: 2, Nonce: state.Word{3}, Deadline: 1 << 33, Groups: []contracts.Group{{
		Scope: state.Word{1}, Changes: []contracts.Change{{Action: state.ActionPut, Kind: state.KindDenyClear, Until: state.Never, Subject: state.Word{4}}},
	}}}
	registry := r.chain.Registry()
	signature, err := account.SignProposal(t.Context(), registry, p)
	if err != nil {
		t.Fatal(err)
	}
	digest, err := p.Digest(registry)
	r.must(err)
	if who, err := post.SignerOf(digest, signature); err != nil || who != r.account {
		t.Errorf("signed by %s: %v", who, err)
	}
	byKey := post.Account{Address: r.account, Open: keyOf(r)}
	if same, err := byKey.SignProposal(t.Context(), registry, p); err != nil || string(same) != string(signature) {
		t.Errorf("the key itself signs otherwise: %v", err)
	}
	o.set(func(o *owner) { o.refuse = true })
	if _, err := account.SignProposal(t.Context(), registry, p); !errors.Is(err, post.ErrSigner) || !errors.Is(err, chainkey.ErrSigner) {
		t.Errorf("refused: %v", err)
	}
	o.set(func(o *owner) { o.refuse = false })
	wrong := account
	wrong.External = forger{r}
	if _, err := wrong.SignProposal(t.Context(), registry, p); !errors.Is(err, post.ErrSigner) {
		t.Errorf("a signature over something else: %v", err)
	}
}

// forger signs something else than it was asked to.
type forger struct{ r *rig }

func (f forger) SignTx(_ context.Context, tx *types.Transaction, chainID *big.Int) (*types.Transaction, error) {
	to := common.Address{1}
	return types.SignNewTx(f.r.key, types.LatestSignerForChainID(chainID), &types.LegacyTx{Nonce: tx.Nonce(), To: &to, Gas: tx.Gas(), GasPrice: tx.GasPrice()})
}

func (f forger) SignTyped(context.Context, []byte) ([]byte, error) {
	sig, err := crypto.Sign(make([]byte, 32), f.r.key)
	sig[64] += 27
	return sig, err
}
