package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"dpki/contracts"
	"dpki/internal/devchain"
	"dpki/internal/harness"
	"dpki/internal/harness/fleet"
	"dpki/state"
)

// grantSize is the data of a put that is measured, in bytes: a sealed grant with
// the smallest padding.
const grantSize = 181

// rival is a contract of others, as its makers have published it: the npm packages
// are pinned in contracts/package-lock.json.
type rival struct {
	abi.ABI
	s     *stage
	chain *devchain.Chain
	at    state.Address
}

// others measures what others take for what a put does, on the same chain and with
// the same data: ERC-1056 (setAttribute of ethr-did-registry) and EAS (attest).
// Each is measured the second time, when every word that it writes besides the
// entry's own has been written before.
func others(s *stage, t *report) {
	org := fleet.New(s, devchain.Options{MaxDrift: -1})
	data := bytes.Repeat([]byte{0x5a}, grantSize)

	var put uint64
	for n := range byte(2) {
		c := contracts.Change{Action: state.ActionPut, Kind: state.KindGrant, From: 1, Until: org.Chain.Time() + 3600, Subject: sha256.Sum256([]byte{n}), Data: data}
		call, err := contracts.PackWrite(org.Anchor.Org, org.Admin, []contracts.Group{{Scope: org.Zone, Changes: []contracts.Change{c}}})
		s.must(err)
		put = (&rival{s: s, chain: org.Chain, at: org.Chain.Contract}).sent(call)
	}
	t.note("gas: our put, "+bytesOf(len(data)), thousands(int(put)), "on the same chain")

	registry := deploy(s, org.Chain, "ethr-did-registry/artifacts/contracts/EthereumDIDRegistry.sol/EthereumDIDRegistry.json")
	identity := common.Address(org.Chain.AdminAddress())
	for _, size := range []int{32, grantSize} {
		set := func(identity common.Address) uint64 {
			return registry.call("setAttribute", identity, [32]byte{'d', 'i', 'd'}, data[:size], big.NewInt(3600))
		}
		first := set(identity)
		gas := set(identity)
		note := timesOurs(gas, put)
		if size == 32 {
			note += fmt.Sprintf("; the first of an identity %s", thousands(int(first)))
		}
		t.note("gas: ERC-1056 setAttribute, "+bytesOf(size), thousands(int(gas)), note)
	}

	const eas = "@ethereum-attestation-service/eas-contracts/artifacts/contracts/"
	schemas := deploy(s, org.Chain, eas+"SchemaRegistry.sol/SchemaRegistry.json")
	attestations := deploy(s, org.Chain, eas+"EAS.sol/EAS.json", common.Address(schemas.at))
	const schema = "bytes entry"
	schemas.call("register", schema, common.Address{}, true)
	type request struct {
		Recipient      common.Address
		ExpirationTime uint64
		Revocable      bool
		RefUID         [32]byte
		Data           []byte
		Value          *big.Int
	}
	for _, size := range []int{32, grantSize} {
		var gas uint64
		for range 2 {
			gas = attestations.call("attest", struct {
				Schema [32]byte
				Data   request
			}{crypto.Keccak256Hash([]byte(schema), make([]byte, 20), []byte{1}), request{Recipient: identity, ExpirationTime: org.Chain.Time() + 3600, Revocable: true, Data: data[:size], Value: new(big.Int)}})
		}
		t.note("gas: EAS attest, "+bytesOf(size), thousands(int(gas)), timesOurs(gas, put))
	}
}

func bytesOf(n int) string { return fmt.Sprintf("%d bytes of data", n) }

func timesOurs(gas, put uint64) string {
	return fmt.Sprintf("%.2f times our put", float64(gas)/float64(put))
}

// artefact is what a compiler's output says of one contract.
type artefact struct {
	ABI      json.RawMessage `json:"abi"`
	Bytecode string          `json:"bytecode"` // 0x and init code
}

// deploy puts a contract on the chain through the deterministic proxy.
func deploy(s *stage, chain *devchain.Chain, path string, args ...any) *rival {
	text, err := os.ReadFile(filepath.Join(harness.RepoRoot(), "contracts", "node_modules", filepath.FromSlash(path)))
	if err != nil {
		s.Fatalf("%v; `make contracts-tools` fetches it", err)
	}
	var a artefact
	s.must(json.Unmarshal(text, &a))
	r := &rival{s: s, chain: chain}
	r.ABI, err = abi.JSON(bytes.NewReader(a.ABI))
	s.must(err)
	init, err := hex.DecodeString(strings.TrimPrefix(a.Bytecode, "0x"))
	s.must(err)
	packed, err := r.Pack("", args...)
	s.must(err)
	init = append(init, packed...)
	proxy := contracts.Deterministic().To
	r.at = state.Address(crypto.CreateAddress2(common.Address(proxy), [32]byte{}, crypto.Keccak256(init)))
	to := *r
	to.at = proxy
	to.sent(append(make([]byte, 32), init...))
	return r
}

// call sends a transaction and returns its gas.
func (r *rival) call(method string, args ...any) uint64 {
	data, err := r.Pack(method, args...)
	r.s.must(err)
	return r.sent(data)
}

func (r *rival) sent(data []byte) uint64 {
	ctx, cancel := context.WithTimeout(r.s.Context(), time.Minute)
	defer cancel()
	receipt, err := r.chain.Send(ctx, r.chain.Admin, r.at, nil, data)
	r.s.must(err)
	return receipt.GasUsed
}
