package desk

import (
	"crypto/ecdsa"
	"path/filepath"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/crypto"

	"dpki/admin"
	"dpki/admin/home"
	"dpki/admin/ledger"
	"dpki/bundle"
	"dpki/bundle/store"
	"dpki/contracts/code"
	"dpki/internal/anchor"
	"dpki/internal/devchain"
	"dpki/registry/post"
	"dpki/registry/source"
	"dpki/registry/verify"
	"dpki/state"
)

// Administrator is who works at the use cases in this process, on a chain whose
// time a test moves: what commands cannot do, whose clock is the machine's.
type Administrator struct {
	Chain    *devchain.Chain
	Org      anchor.Anchor
	Home     home.Home
	Identity *bundle.Identity
	Key      *ecdsa.PrivateKey // the account's
	Receipts []admin.ReceiptSource
	Endpoint string        // empty: the chain's own
	Wait     time.Duration // for a block; 0 = as a command does
}

// Account is the administrator's.
func (a Administrator) Account() state.Address {
	return state.Address(crypto.PubkeyToAddress(a.Key.PublicKey))
}

// Desk is one run of the command, with what the runs before it kept at home. Its
// clock is the chain's; CA keys have the passphrase "desk".
func (a Administrator) Desk(t testing.TB) *admin.Desk {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	n := a.Chain.Network()
	if a.Endpoint != "" {
		n.Endpoints = []string{a.Endpoint}
	}
	c, err := source.Dial(n.Endpoints[0])
	must(err)
	log, err := ledger.Open(verify.Config{
		Registry: a.Org.Registry, Org: a.Org.Org, CodeHash: code.Hash(), Deploy: n.DeployBlock, Policy: verify.Agreement{K: 1},
	}, []verify.Endpoint{{Name: "chain", Source: c}}, filepath.Join(a.Home.State(a.Org.Org), "ledger.json"))
	must(err)
	stores, err := store.Open(n.Stores, store.Own{})
	must(err)
	poster, err := post.New(post.Config{
		Endpoints: n.Endpoints, ChainID: n.ChainID, FeeModel: n.FeeModel, Wait: a.Wait,
		Account: post.Account{Address: a.Account(), Open: func() (*ecdsa.PrivateKey, error) { return a.Key, nil }},
	})
	must(err)
	t.Cleanup(poster.Close)
	return admin.New(admin.Config{
		Home: a.Home, Anchor: a.Org, Network: n, Identity: a.Identity, Ledger: log, Stores: stores, Account: a.Account(), Poster: poster, Receipts: a.Receipts,
		Passphrase: func(string) ([]byte, error) { return Passphrase() },
		Now:        func() time.Time { return time.Unix(int64(a.Chain.Time()), 0) },
	})
}

// Passphrase is that of a CA's key which an Administrator makes.
func Passphrase() ([]byte, error) { return []byte("desk"), nil }
