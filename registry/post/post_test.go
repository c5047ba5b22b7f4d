package post

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"errors"
	"math/big"
	"sync"
	"testing"
	"time"

	"dpki/contracts"
	"dpki/contracts/code"
	"dpki/internal/devchain"
	"dpki/internal/network"
	"dpki/registry"
	"dpki/state"

	"github.com/ethereum/go-ethereum/crypto"
)

var _ Poster = (*Client)(nil)

func account(key *ecdsa.PrivateKey) Account {
	return Account{Address: state.Address(crypto.PubkeyToAddress(key.PublicKey)), Open: func() (*ecdsa.PrivateKey, error) { return key, nil }}
}

func newClient(t *testing.T, config Config) *Client {
	t.Helper()
	c, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func clientOf(t *testing.T, chain *devchain.Chain, alter func(*Config)) *Client {
	t.Helper()
	config := Config{Endpoints: []string{chain.HTTP}, ChainID: chain.ChainID, Account: account(chain.Admin), Wait: 20 * time.Second}
	if alter != nil {
		alter(&config)
	}
	return newClient(t, config)
}

// desk writes to one organisation of a chain.
type desk struct {
	t      *testing.T
	chain  *devchain.Chain
	client *Client
	org    state.Word
	admin  state.Admin
}

func newDesk(t *testing.T, o devchain.Options) *desk {
	t.Helper()
	o.MaxDrift = -1
	chain := devchain.New(t, o)
	d := &desk{t: t, chain: chain, client: clientOf(t, chain, nil)}
	salt := random()
	d.post(contracts.PackCreate(salt))
	d.org = chain.Registry().OrganisationID(chain.AdminAddress(), salt)
	d.admin = state.RootAdmin(chain.AdminAddress(), d.org, salt)
	return d
}

func (d *desk) call(data []byte) Call {
	return Call{To: d.chain.Contract, Data: data, CodeHash: code.Hash()}
}

func (d *desk) post(data []byte) Receipt {
	d.t.Helper()
	r, err := d.client.Post(d.t.Context(), d.call(data))
	if err != nil {
		d.t.Fatal(err)
	}
	return r
}

func (d *desk) write(scope state.Word, changes ...contracts.Change) []byte {
	d.t.Helper()
	data, err := contracts.PackWrite(d.org, d.admin, []contracts.Group{{Scope: scope, Changes: changes}})
	if err != nil {
		d.t.Fatal(err)
	}
	return data
}

func random() (w state.Word) {
	rand.Read(w[:])
	return w
}

func (d *desk) put() contracts.Change {
	c := contracts.Change{Action: state.ActionPut, Kind: state.KindGrant, Until: d.chain.Time() + 3600, Subject: random(), Data: make([]byte, 181)}
	rand.Read(c.Data)
	return c
}

// What a dry run says is what is paid, within 2 %.
func TestEstimateIsTheReceipt(t *testing.T) {
	d := newDesk(t, devchain.Options{})
	zone := state.ZoneID(d.org, random())
	batch := make([]contracts.Change, 100)
	for i := range batch {
		batch[i] = d.put()
	}
	known := d.put()
	rows := []struct {
		name string
		data []byte
	}{
		{"first of a scope", d.write(zone, known)},
		{"used scope", d.write(zone, d.put())},
		{"revoke", d.write(zone, contracts.Change{Action: state.ActionRevoke, Kind: known.Kind, Subject: known.Subject})},
		{"batch of 100", d.write(zone, batch...)},
		{"another organisation", contracts.PackCreate(random())},
	}
	for _, row := range rows {
		e, err := d.client.Estimate(t.Context(), d.call(row.data))
		if err != nil {
			t.Fatalf("%s: %v", row.name, err)
		}
		before := d.chain.Number()
		r := d.post(row.data)
		if off := float64(e.Gas)/float64(r.GasUsed) - 1; off < -0.02 || off > 0.02 {
			t.Errorf("%s: estimated %d gas, used %d: %.1f %% off", row.name, e.Gas, r.GasUsed, 100*off)
		}
		if r.Block <= before || r.Time == 0 || r.Time > d.chain.Time() {
			t.Errorf("%s: receipt %+v", row.name, r)
		}
		if r.Fee.Cmp(e.MaxFee) > 0 || r.Fee.Sign() <= 0 || e.Fee.Cmp(e.MaxFee) > 0 {
			t.Errorf("%s: paid %s, estimated %s, at most %s", row.name, r.Fee, e.Fee, e.MaxFee)
		}
	}
}

func TestLegacyFees(t *testing.T) {
	d := newDesk(t, devchain.Options{})
	legacy := clientOf(t, d.chain, func(c *Config) { c.FeeModel = network.Legacy })
	if _, err := legacy.Post(t.Context(), d.call(contracts.PackCreate(random()))); err != nil {
		t.Error(err)
	}
}

func TestOPStackFees(t *testing.T) {
	fee := big.NewInt(12_345_678_901)
	d := newDesk(t, devchain.Options{L1Fee: fee})
	call := d.call(contracts.PackCreate(random()))
	plain, err := d.client.Estimate(t.Context(), call)
	if err != nil {
		t.Fatal(err)
	}
	e, err := clientOf(t, d.chain, func(c *Config) { c.FeeModel = network.OPStack }).Estimate(t.Context(), call)
	if err != nil {
		t.Fatal(err)
	}
	if e.L1Fee.Cmp(fee) != 0 || plain.L1Fee.Sign() != 0 || new(big.Int).Sub(e.Fee, plain.Fee).Cmp(fee) != 0 {
		t.Errorf("L1 fee %s, fee %s against %s without, want %s more", e.L1Fee, e.Fee, plain.Fee, fee)
	}
	if want := crypto.Keccak256([]byte("getL1Fee(bytes)"))[:4]; string(getL1Fee) != string(want) {
		t.Errorf("selector %x, want %x", getL1Fee, want)
	}
	// A chain without the oracle is not an OP-stack chain.
	other := newDesk(t, devchain.Options{})
	if _, err := clientOf(t, other.chain, func(c *Config) { c.FeeModel = network.OPStack }).Estimate(t.Context(), other.call(contracts.PackCreate(random()))); !errors.Is(err, registry.ErrChain) {
		t.Errorf("without the oracle: %v, want ErrChain", err)
	}
}

// Each row is refused with its own error before anything is sent; its twin, the
// same with the fault gone, is posted.
func TestRefusals(t *testing.T) {
	d := newDesk(t, devchain.Options{})
	ctx := t.Context()
	zone := state.ZoneID(d.org, random())
	good := func() Call { return d.call(d.write(zone, d.put())) }
	poor, err := crypto.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}

	t.Run("funds", func(t *testing.T) {
		c := clientOf(t, d.chain, func(c *Config) { c.Account = account(poor) })
		call := d.call(contracts.PackCreate(random()))
		_, err := c.Post(ctx, call)
		var funds *FundsError
		if !errors.As(err, &funds) || funds.Have.Sign() != 0 || funds.Missing().Sign() <= 0 {
			t.Fatalf("got %v, want *FundsError", err)
		}
		if err := d.chain.Fund(ctx, c.From(), funds.Missing()); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Post(ctx, call); err != nil {
			t.Errorf("with what was missing: %v", err)
		}
	})
	t.Run("another chain", func(t *testing.T) {
		c := clientOf(t, d.chain, func(c *Config) { c.ChainID = 1 })
		if _, err := c.Post(ctx, good()); !errors.Is(err, registry.ErrChain) {
			t.Errorf("got %v, want ErrChain", err)
		}
	})
	t.Run("no code", func(t *testing.T) {
		call := good()
		call.To = state.Address{0x99}
		if _, err := d.client.Post(ctx, call); !errors.Is(err, registry.ErrNoCode) {
			t.Errorf("got %v, want ErrNoCode", err)
		}
	})
	t.Run("other code", func(t *testing.T) {
		call := good()
		call.CodeHash[0] ^= 1
		if _, err := d.client.Post(ctx, call); !errors.Is(err, registry.ErrCode) {
			t.Errorf("got %v, want ErrCode", err)
		}
	})
	t.Run("the contract's own reason", func(t *testing.T) {
		change := d.put()
		d.post(d.write(zone, change))
		_, err := d.client.Post(ctx, d.call(d.write(zone, change)))
		var refused *contracts.Refusal
		if !errors.As(err, &refused) || refused.Name != "SubjectUsed" {
			t.Errorf("got %v, want SubjectUsed", err)
		}
	})
	t.Run("a revert without a reason", func(t *testing.T) {
		if _, err := d.client.Post(ctx, d.call([]byte{1, 2, 3, 4})); !errors.Is(err, ErrReverted) {
			t.Errorf("got %v, want ErrReverted", err)
		}
	})
	t.Run("the passphrase", func(t *testing.T) {
		wrong := errors.New("wrong passphrase")
		c := clientOf(t, d.chain, func(c *Config) {
			c.Account.Open = func() (*ecdsa.PrivateKey, error) { return nil, wrong }
		})
		if _, err := c.Estimate(ctx, good()); err != nil {
			t.Errorf("an estimate needs no key: %v", err)
		}
		if _, err := c.Post(ctx, good()); !errors.Is(err, ErrSigner) || !errors.Is(err, wrong) {
			t.Errorf("got %v, want ErrSigner", err)
		}
	})
	t.Run("another account's key", func(t *testing.T) {
		c := clientOf(t, d.chain, func(c *Config) {
			c.Account.Open = func() (*ecdsa.PrivateKey, error) { return poor, nil }
		})
		if _, err := c.Post(ctx, good()); !errors.Is(err, ErrSigner) {
			t.Errorf("got %v, want ErrSigner", err)
		}
	})
	t.Run("no endpoint", func(t *testing.T) {
		c := clientOf(t, d.chain, func(c *Config) { c.Endpoints = []string{"http://127.0.0.1:1"} })
		if _, err := c.Post(ctx, good()); !errors.Is(err, ErrUnavailable) {
			t.Errorf("got %v, want ErrUnavailable", err)
		}
		if _, err := New(Config{}); !errors.Is(err, ErrUnavailable) {
			t.Errorf("none configured: got %v, want ErrUnavailable", err)
		}
		twin := clientOf(t, d.chain, func(c *Config) { c.Endpoints = []string{"http://127.0.0.1:1", d.chain.WS} })
		if _, err := twin.Post(ctx, good()); err != nil {
			t.Errorf("with a second endpoint: %v", err)
		}
	})
	if _, err := d.client.Post(ctx, good()); err != nil {
		t.Errorf("twin: %v", err)
	}
}

// Several at once, of one process and of two, take different nonces.
func TestQuickWrites(t *testing.T) {
	d := newDesk(t, devchain.Options{})
	clients := []*Client{d.client, clientOf(t, d.chain, nil)}
	var all sync.WaitGroup
	errs := make(chan error, 12)
	for i := range cap(errs) {
		call := d.call(contracts.PackCreate(random()))
		all.Go(func() {
			_, err := clients[i%len(clients)].Post(t.Context(), call)
			errs <- err
		})
	}
	all.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			t.Error(err)
		}
	}
}

// Mined only with the next block, in a chain that makes none by itself in time.
func TestTimeout(t *testing.T) {
	slow := devchain.New(t, devchain.Options{BlockTime: time.Hour})
	c := clientOf(t, slow, func(c *Config) { c.Wait = 300 * time.Millisecond })
	_, err := c.Post(t.Context(), Call{To: slow.Contract, Data: contracts.PackCreate(random()), CodeHash: code.Hash()})
	var sent *SentError
	if !errors.Is(err, ErrTimeout) || !errors.As(err, &sent) || sent.Tx.IsZero() {
		t.Fatalf("got %v, want ErrTimeout of a sent transaction", err)
	}
	// It was not lost, and the next one does not take its nonce.
	again := clientOf(t, slow, nil)
	done := make(chan error, 1)
	go func() {
		_, err := again.Post(t.Context(), Call{To: slow.Contract, Data: contracts.PackCreate(random()), CodeHash: code.Hash()})
		done <- err
	}()
	time.Sleep(100 * time.Millisecond) // until it is in the pool, or the block comes first: both must work
	for end := time.After(15 * time.Second); ; {
		slow.Mine(1)
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
			return
		case <-time.After(50 * time.Millisecond):
		case <-end:
			t.Fatal("never mined")
		}
	}
}

// The nonce was taken by another transaction: said, and not waited for.
func TestReplaced(t *testing.T) {
	chain := devchain.New(t, devchain.Options{BlockTime: time.Hour})
	c := clientOf(t, chain, nil)
	q, err := c.quote(t.Context(), Call{To: chain.Contract, Data: contracts.PackCreate(random())})
	if err != nil {
		t.Fatal(err)
	}
	tx, err := c.send(t.Context(), Call{To: chain.Contract, Data: contracts.PackCreate(random())}, q)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.stillComing(t.Context(), tx); err != nil {
		t.Errorf("waiting in the pool: %v", err)
	}
	q.MaxGasPrice, q.tip = new(big.Int).Mul(q.MaxGasPrice, big.NewInt(3)), new(big.Int).Mul(q.tip, big.NewInt(3))
	other, err := c.signer.sign(t.Context(), c.transaction(Call{To: chain.Contract, Data: contracts.PackCreate(random())}, q, tx.Nonce()), c.chainID)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.broadcast(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	chain.Mine(1)
	if err := c.stillComing(t.Context(), tx); !errors.Is(err, ErrReplaced) {
		t.Errorf("got %v, want ErrReplaced", err)
	}
	if err := c.stillComing(t.Context(), other); err != nil {
		t.Errorf("twin, the one that was mined: %v", err)
	}
}

// Good when it was estimated, refused when it was mined: the reason is found.
func TestRevertsInItsBlock(t *testing.T) {
	chain := devchain.New(t, devchain.Options{BlockTime: time.Hour})
	c := clientOf(t, chain, nil)
	call := Call{To: chain.Contract, Data: contracts.PackCreate(random()), CodeHash: code.Hash()}
	results := make(chan error, 2)
	for range 2 {
		go func() {
			_, err := c.Post(t.Context(), call)
			results <- err
		}()
	}
	// Both must be in the pool before a block is made; how long that takes is
	// not ours to say, so blocks come when the pool's nonce says two.
	for end := time.Now().Add(15 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		n, err := c.nextNonce(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if n == 2 || time.Now().After(end) {
			break
		}
	}
	chain.Mine(1)
	var refused *contracts.Refusal
	var sent *SentError
	good := 0
	for range 2 {
		err := <-results
		switch {
		case err == nil:
			good++
		case errors.As(err, &refused) && refused.Name == "OrganisationExists" && errors.As(err, &sent):
		default:
			t.Errorf("got %v, want OrganisationExists", err)
		}
	}
	if good != 1 || refused == nil {
		t.Errorf("%d of 2 accepted, refusal %v, want one of each", good, refused)
	}
}

func TestDeploy(t *testing.T) {
	chain := devchain.New(t, devchain.Options{NoContract: true, MaxDrift: -1})
	c := clientOf(t, chain, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	address, r, err := Deploy(ctx, c)
	if err != nil || r.Tx.IsZero() || address != contracts.Deterministic().Contract {
		t.Fatalf("got %s, %+v, %v", address, r, err)
	}
	if again, r, err := Deploy(ctx, c); err != nil || again != address || !r.Tx.IsZero() {
		t.Errorf("again: %s, %+v, %v, want nothing sent", again, r, err)
	}
}
