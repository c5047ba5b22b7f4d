package devchain

import (
	"context"
	"crypto/ecdsa"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"dpki/state"

	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/eth"
	"github.com/ethereum/go-ethereum/eth/catalyst"
	"github.com/ethereum/go-ethereum/node"
	"github.com/ethereum/go-ethereum/rpc"
)

const (
	defaultChainID  = 31337
	defaultMaxDrift = 3 * time.Second
)

// Chain is a running chain.
type Chain struct {
	HTTP    string // endpoint, http://127.0.0.1:port
	WS      string // endpoint, ws://127.0.0.1:port
	ChainID uint64
	// Contract is the registry contract, and DeployBlock its block; zero with
	// NoContract.
	Contract    state.Address
	DeployBlock uint64
	// Admin is the funded account's key.
	Admin *ecdsa.PrivateKey

	options  Options
	node     *node.Node
	eth      *eth.Ethereum
	beacon   *catalyst.SimulatedBeacon
	rpc      *rpc.Server
	server   *http.Server
	content  *content
	faucet   *ecdsa.PrivateKey
	holdBack atomic.Uint64
	held     atomic.Bool // no blocks are made by themselves

	mining sync.Mutex // held while blocks are made or unmade
	stop   chan struct{}
	done   sync.WaitGroup
	closed sync.Once
}

// Start starts a chain and, unless told otherwise, deploys the contract. The
// context bounds starting only; Close ends the chain.
func Start(ctx context.Context, o Options) (*Chain, error) {
	if o.ChainID == 0 {
		o.ChainID = defaultChainID
	}
	if o.MaxDrift == 0 {
		o.MaxDrift = defaultMaxDrift
	}
	if o.BlockTime%time.Second != 0 || o.BlockTime < 0 {
		return nil, fmt.Errorf("block time %s: want whole seconds", o.BlockTime)
	}
	c := &Chain{ChainID: o.ChainID, Admin: o.Admin, options: o,
		stop: make(chan struct{})}
	c.holdBack.Store(o.HoldBack)
	if err := c.start(ctx); err != nil {
		c.Close()
		return nil, fmt.Errorf("devchain: %w", err)
	}
	return c, nil
}

func (c *Chain) start(ctx context.Context) error {
	if c.options.Dir != "" {
		if err := os.MkdirAll(c.options.Dir, 0o700); err != nil {
			return err
		}
	}
	var err error
	if c.faucet, err = loadKey(c.options.Dir, "faucet.key"); err != nil {
		return err
	}
	if c.Admin == nil {
		if c.Admin, err = loadKey(c.options.Dir, "admin.key"); err != nil {
			return err
		}
	}
	if c.content, err = openContent(c.options.Dir); err != nil {
		return err
	}
	if err := c.startNode(); err != nil {
		return err
	}
	if err := c.deploy(ctx); err != nil {
		return err
	}
	events := make(chan core.NewTxsEvent, 256)
	sub := c.eth.TxPool().SubscribeTransactions(events, true)
	c.done.Add(1)
	go c.mine(events, sub)
	return c.serve()
}

// loadKey reads a chain key of the folder, or makes it: the genesis block funds
// it, so that the key is part of the chain.
func loadKey(dir, name string) (*ecdsa.PrivateKey, error) {
	if dir == "" {
		return crypto.GenerateKey()
	}
	path := filepath.Join(dir, name)
	key, err := crypto.LoadECDSA(path)
	if !os.IsNotExist(err) {
		return key, err
	}
	if key, err = crypto.GenerateKey(); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if _, err := fmt.Fprintf(f, "%x", crypto.FromECDSA(key)); err != nil {
		return nil, err
	}
	return key, f.Sync()
}

func (c *Chain) serve() error {
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(c.options.Port)))
	if err != nil {
		return err
	}
	c.HTTP, c.WS = "http://"+l.Addr().String(), "ws://"+l.Addr().String()
	c.server = &http.Server{Handler: c.handler(), ReadHeaderTimeout: 10 * time.Second}
	c.done.Add(1)
	go func() {
		defer c.done.Done()
		c.server.Serve(l)
	}()
	return nil
}

// Close ends the chain and waits for it.
func (c *Chain) Close() {
	c.closed.Do(func() {
		close(c.stop)
		if c.server != nil {
			c.server.Close()
		}
		if c.rpc != nil {
			c.rpc.Stop()
		}
		c.done.Wait()
		if c.node != nil {
			c.node.Close()
		}
		if c.content != nil {
			c.content.close()
		}
	})
}

// AdminAddress is the funded account.
func (c *Chain) AdminAddress() state.Address {
	return state.Address(crypto.PubkeyToAddress(c.Admin.PublicKey))
}

// Registry names the deployed contract.
func (c *Chain) Registry() state.Registry {
	return state.Registry{ChainID: c.ChainID, Contract: c.Contract}
}

// ether is 10^18 wei.
var ether = new(big.Int).Exp(big.NewInt(10), big.NewInt(18), nil)

// Ether is n ether in wei.
func Ether(n int64) *big.Int { return new(big.Int).Mul(big.NewInt(n), ether) }
