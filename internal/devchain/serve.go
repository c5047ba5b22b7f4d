package devchain

import (
	"context"
	"math/big"
	"net/http"
	"strings"
	"time"

	"dpki/state"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/eth/filters"
	"github.com/ethereum/go-ethereum/rpc"
)

// handler serves JSON-RPC by POST and WS at /, and the content store at /ipfs.
func (c *Chain) handler() http.Handler {
	c.rpc = rpc.NewServer()
	var blocks blockAPI
	for _, api := range c.eth.APIs() {
		switch api.Namespace {
		case "eth", "net", "debug", "txpool":
			c.register(api.Namespace, api.Service)
		}
		if b, ok := api.Service.(blockAPI); ok {
			blocks = b
		}
	}
	// Registered after geth's, these methods take the place of its own.
	c.register("eth", &heldBack{blocks, c})
	c.register("eth", filters.NewFilterAPI(filters.NewFilterSystem(c.eth.APIBackend, filters.Config{})))
	c.register("sandbox", &control{c})
	ws := c.rpc.WebsocketHandler(nil)
	mux := http.NewServeMux()
	mux.Handle("/ipfs", c.content)
	mux.Handle("/ipfs/", c.content)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if !loopbackHost(r.Host) {
			// A page in somebody's browser reaches loopback by a name of its own.
			http.Error(w, "not this host", http.StatusForbidden)
			return
		}
		if strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
			ws.ServeHTTP(w, r)
			return
		}
		c.rpc.ServeHTTP(&durable{w, c}, r)
	})
	return mux
}

// durable holds an answer back until what it may tell of is on disk: geth shows
// a block before commit has synced it, and a kill between the two would take
// back what a caller had been told.
type durable struct {
	http.ResponseWriter
	chain *Chain
}

func (d *durable) Write(b []byte) (int, error) {
	d.chain.mining.Lock()
	//lint:ignore SA2001 the wait is the point
	d.chain.mining.Unlock()
	return d.ResponseWriter.Write(b)
}

func (c *Chain) register(namespace string, service any) {
	if err := c.rpc.RegisterName(namespace, service); err != nil {
		panic(err) // a mistake in this package: the set of services is fixed
	}
}

func loopbackHost(host string) bool {
	name, _, _ := strings.Cut(host, ":")
	return name == "127.0.0.1" || name == "localhost"
}

// blockAPI is the part of geth's eth namespace that knows safe and finalized.
type blockAPI interface {
	GetHeaderByNumber(ctx context.Context, number rpc.BlockNumber) (map[string]any, error)
	GetBlockByNumber(ctx context.Context, number rpc.BlockNumber, fullTx bool) (map[string]any, error)
}

// heldBack answers for safe and finalized with blocks behind the head. The
// simulated beacon would call the head both.
type heldBack struct {
	blocks blockAPI
	chain  *Chain
}

func (h *heldBack) number(n rpc.BlockNumber) rpc.BlockNumber {
	if n != rpc.SafeBlockNumber && n != rpc.FinalizedBlockNumber {
		return n
	}
	head, back := h.chain.Number(), h.chain.holdBack.Load()
	return rpc.BlockNumber(head - min(head, back))
}

// GetHeaderByNumber is eth_getHeaderByNumber.
func (h *heldBack) GetHeaderByNumber(ctx context.Context, n rpc.BlockNumber) (map[string]any, error) {
	return h.blocks.GetHeaderByNumber(ctx, h.number(n))
}

// GetBlockByNumber is eth_getBlockByNumber.
func (h *heldBack) GetBlockByNumber(ctx context.Context, n rpc.BlockNumber, fullTx bool) (map[string]any, error) {
	return h.blocks.GetBlockByNumber(ctx, h.number(n), fullTx)
}

// control is the namespace sandbox.
type control struct{ chain *Chain }

// maxMine bounds one sandbox_mine.
const maxMine = 10_000

// HoldBack is sandbox_holdBack.
func (s *control) HoldBack(n hexutil.Uint64) { s.chain.HoldBack(uint64(n)) }

// Hold is sandbox_hold.
func (s *control) Hold(on bool) { s.chain.Hold(on) }

// Mine is sandbox_mine.
func (s *control) Mine(n hexutil.Uint64) hexutil.Uint64 {
	s.chain.Mine(int(min(n, maxMine)))
	return hexutil.Uint64(s.chain.Number())
}

// Fund is sandbox_fund.
func (s *control) Fund(ctx context.Context, to common.Address, wei hexutil.Big) error {
	return s.chain.Fund(ctx, state.Address(to), (*big.Int)(&wei))
}

// Reorg is sandbox_reorg.
func (s *control) Reorg(depth hexutil.Uint64, keep bool) error {
	return s.chain.Reorg(int(min(depth, maxMine)), keep)
}

// AdjustTime is sandbox_adjustTime.
func (s *control) AdjustTime(seconds hexutil.Uint64) error {
	return s.chain.AdjustTime(time.Duration(min(seconds, 1<<31)) * time.Second)
}
