// Package multisig is a wallet of several owners on a development chain: an
// account that is a contract and signs by ERC-1271, as a Safe does. Its code is
// contracts/test/Multisig.sol; contracts/check.sh holds the two together.
package multisig

import (
	"bytes"
	"crypto/ecdsa"
	_ "embed"
	"encoding/hex"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"dpki/contracts"
	"dpki/internal/devchain"
	"dpki/registry/post"
	"dpki/state"
)

//go:embed Multisig.bin
var initCode string

// Wallet is a contract account.
type Wallet struct {
	Account state.Address
	t       testing.TB
}

// Deploy puts a wallet on a chain of which `needed` owners sign.
func Deploy(t testing.TB, chain *devchain.Chain, needed int, owners ...*ecdsa.PrivateKey) *Wallet {
	t.Helper()
	init, err := hex.DecodeString(strings.TrimSpace(initCode))
	if err != nil {
		t.Fatal(err)
	}
	// abi.encode(address[] owners, uint256 needed)
	for _, n := range []int{64, needed, len(owners)} {
		init = append(init, common.BigToHash(big.NewInt(int64(n))).Bytes()...)
	}
	for _, o := range owners {
		init = append(init, common.LeftPadBytes(crypto.PubkeyToAddress(o.PublicKey).Bytes(), 32)...)
	}
	proxy := contracts.Deterministic().To
	if _, err := chain.Send(t.Context(), chain.Admin, proxy, nil, append(make([]byte, 32), init...)); err != nil {
		t.Fatal(err)
	}
	return &Wallet{Account: state.Address(crypto.CreateAddress2(common.Address(proxy), [32]byte{}, crypto.Keccak256(init))), t: t}
}

// Sign is what the wallet takes for its own signature: the owners', one after the
// other by their accounts.
func (w *Wallet) Sign(digest state.Word, owners ...*ecdsa.PrivateKey) []byte {
	w.t.Helper()
	owners = slices.Clone(owners)
	slices.SortFunc(owners, func(a, b *ecdsa.PrivateKey) int {
		return bytes.Compare(crypto.PubkeyToAddress(a.PublicKey).Bytes(), crypto.PubkeyToAddress(b.PublicKey).Bytes())
	})
	var signature []byte
	for _, o := range owners {
		one, err := post.Account{Address: state.Address(crypto.PubkeyToAddress(o.PublicKey)), Open: func() (*ecdsa.PrivateKey, error) { return o, nil }}.Sign(digest)
		if err != nil {
			w.t.Fatal(err)
		}
		signature = append(signature, one...)
	}
	return signature
}
