package devchain

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	"dpki/state"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/ethclient"
	"github.com/ethereum/go-ethereum/rpc"
)

func client(t *testing.T, c *Chain) *ethclient.Client {
	t.Helper()
	e, err := ethclient.Dial(c.HTTP)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e
}

func TestServesAndMinesOnDemand(t *testing.T) {
	start := time.Now()
	c := New(t, Options{})
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("ready after %s, want under a second", took)
	}
	e, ctx := client(t, c), t.Context()
	if id, err := e.ChainID(ctx); err != nil || id.Uint64() != 31337 {
		t.Errorf("chain id %v, %v", id, err)
	}
	to := state.Address{1, 2, 3}
	if err := c.Fund(ctx, to, Ether(3)); err != nil {
		t.Fatal(err)
	}
	if got, err := e.BalanceAt(ctx, common.Address(to), nil); err != nil || got.Cmp(Ether(3)) != 0 {
		t.Errorf("balance %v, %v, want 3 ether", got, err)
	}
	if drift := time.Since(time.Unix(int64(c.Time()), 0)); drift.Abs() > 5*time.Second {
		t.Errorf("block time is %s off the clock", drift)
	}
	ws, err := ethclient.Dial(c.WS)
	if err != nil {
		t.Fatal(err)
	}
	defer ws.Close()
	heads := make(chan *types.Header, 4)
	sub, err := ws.SubscribeNewHead(ctx, heads)
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Unsubscribe()
	c.Mine(1)
	select {
	case h := <-heads:
		if h.Number.Uint64() != c.Number() {
			t.Errorf("head %v, want %d", h.Number, c.Number())
		}
	case <-time.After(30 * time.Second):
		t.Error("no head over WS")
	}
}

func TestHoldBack(t *testing.T) {
	c := New(t, Options{HoldBack: 3, MaxDrift: -1})
	e := client(t, c)
	c.Mine(10)
	number := func(n rpc.BlockNumber) uint64 {
		t.Helper()
		h, err := e.HeaderByNumber(t.Context(), big.NewInt(int64(n)))
		if err != nil {
			t.Fatal(err)
		}
		return h.Number.Uint64()
	}
	head := c.Number()
	for _, tag := range []rpc.BlockNumber{rpc.SafeBlockNumber, rpc.FinalizedBlockNumber} {
		if got := number(tag); got != head-3 {
			t.Errorf("%s is %d, want %d", tag, got, head-3)
		}
	}
	if err := e.Client().Call(nil, "sandbox_holdBack", "0x0"); err != nil {
		t.Fatal(err)
	}
	if got := number(rpc.FinalizedBlockNumber); got != head {
		t.Errorf("finalized is %d, want the head %d", got, head)
	}
	c.HoldBack(1 << 40)
	if got := number(rpc.FinalizedBlockNumber); got != 0 {
		t.Errorf("finalized is %d, want 0", got)
	}
}

func TestReorg(t *testing.T) {
	for _, keep := range []bool{true, false} {
		for _, depth := range []int{1, 5, 20} {
			t.Run(fmt.Sprintf("depth %d keep %v", depth, keep), func(t *testing.T) {
				c := New(t, Options{MaxDrift: -1})
				e, to := client(t, c), state.Address{9}
				c.Mine(2)
				if err := c.Fund(t.Context(), to, Ether(1)); err != nil {
					t.Fatal(err)
				}
				c.Mine(depth - 1)
				before, err := e.HeaderByNumber(t.Context(), nil)
				if err != nil {
					t.Fatal(err)
				}
				if err := c.Reorg(depth, keep); err != nil {
					t.Fatal(err)
				}
				want := new(big.Int)
				if keep {
					want = Ether(1)
				}
				if got, err := e.BalanceAt(t.Context(), common.Address(to), nil); err != nil || got.Cmp(want) != 0 {
					t.Errorf("balance %v, %v, want %v", got, err, want)
				}
				after, err := e.HeaderByNumber(t.Context(), before.Number)
				if err != nil || after.Hash() == before.Hash() {
					t.Errorf("block %v is still the old one (%v)", before.Number, err)
				}
				if err := c.Fund(t.Context(), to, Ether(1)); err != nil {
					t.Errorf("after the reorganisation: %v", err)
				}
			})
		}
	}
}

func TestReopens(t *testing.T) {
	dir, to := t.TempDir(), state.Address{7}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	c, err := Start(ctx, Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Fund(ctx, to, Ether(1)); err != nil {
		t.Fatal(err)
	}
	head, admin := c.Number(), c.AdminAddress()
	c.Close()
	c = New(t, Options{Dir: dir})
	if c.Number() < head || c.AdminAddress() != admin {
		t.Errorf("block %d, admin %s, want %d, %s", c.Number(), c.AdminAddress(), head, admin)
	}
	if got, err := client(t, c).BalanceAt(ctx, common.Address(to), nil); err != nil || got.Cmp(Ether(1)) != 0 {
		t.Errorf("balance %v, %v, want 1 ether", got, err)
	}
}

func TestManyTransactionsKeepRealTime(t *testing.T) {
	c := New(t, Options{})
	for i := range 8 {
		if err := c.Fund(t.Context(), state.Address{byte(i + 1)}, Ether(1)); err != nil {
			t.Fatal(err)
		}
	}
	if ahead := time.Until(time.Unix(int64(c.Time()), 0)); ahead > 5*time.Second {
		t.Errorf("block time is %s ahead of the clock", ahead)
	}
}

func TestContent(t *testing.T) {
	c := New(t, Options{})
	block := []byte("one raw block")
	do := func(method, path string, body []byte) (int, string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, c.HTTP+path, bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(b)
	}
	code, id := do("PUT", "/ipfs", block)
	if code != 200 || !strings.HasPrefix(id, "bafkrei") {
		t.Fatalf("PUT: %d %q", code, id)
	}
	code, got := do("GET", "/ipfs/"+id+"?format=raw", nil)
	if code != 200 || sha256.Sum256([]byte(got)) != sha256.Sum256(block) {
		t.Errorf("GET: %d %q", code, got)
	}
	for _, r := range []struct {
		method, path string
		body         []byte
		want         int
	}{
		{"PUT", "/ipfs", make([]byte, 256<<10), 200},
		{"PUT", "/ipfs", make([]byte, 256<<10+1), 413},
		{"GET", "/ipfs/..%2f..%2fadmin.key", nil, 400},
		{"GET", "/ipfs/bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy", nil, 404},
		{"DELETE", "/ipfs/" + id, nil, 405},
	} {
		if code, _ := do(r.method, r.path, r.body); code != r.want {
			t.Errorf("%s %s: %d, want %d", r.method, r.path, code, r.want)
		}
	}
	req, err := http.NewRequest("POST", c.HTTP, strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	req.Host = "evil.example"
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != 403 {
		t.Errorf("foreign host name: %d, want 403", res.StatusCode)
	}
}
