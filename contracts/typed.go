package contracts

import (
	"encoding/json"
	"fmt"
	"strconv"

	"dpki/contracts/bindings"
	"dpki/state"
)

// typedData is EIP-712 as eth_signTypedData_v4 takes it: what an external
// signer shows before it signs. Its hash is Digest.
type typedData struct {
	Types       map[string][]typedField `json:"types"`
	PrimaryType string                  `json:"primaryType"`
	Domain      typedDomain             `json:"domain"`
	Message     typedWrite              `json:"message"`
}

type typedField struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

type typedDomain struct {
	Name              string `json:"name"`
	Version           string `json:"version"`
	ChainID           string `json:"chainId"`
	VerifyingContract string `json:"verifyingContract"`
}

type typedWrite struct {
	Org      string       `json:"org"`
	Epoch    string       `json:"epoch"`
	Groups   []typedGroup `json:"groups"`
	Nonce    string       `json:"nonce"`
	Deadline string       `json:"deadline"`
}

type typedGroup struct {
	Scope   string `json:"scope"`
	Salt    string `json:"salt"`
	Changes string `json:"changes"`
}

var typedTypes = map[string][]typedField{
	"EIP712Domain": {{"name", "string"}, {"version", "string"}, {"chainId", "uint256"}, {"verifyingContract", "address"}},
	"Write":        {{"org", "bytes32"}, {"epoch", "uint32"}, {"groups", "Group[]"}, {"nonce", "bytes32"}, {"deadline", "uint40"}},
	"Group":        {{"scope", "bytes32"}, {"salt", "bytes32"}, {"changes", "bytes"}},
}

// TypedData is the proposal for a signer that takes EIP-712 as JSON (clef,
// hardware wallets, a Safe): it hashes to Digest.
func (p Proposal) TypedData(r state.Registry) ([]byte, error) {
	groups, err := packGroups(p.Groups)
	if err != nil {
		return nil, err
	}
	d := typedData{
		Types: typedTypes, PrimaryType: "Write",
		Domain: typedDomain{Name: "DPKI", Version: "1", ChainID: decimal(r.ChainID), VerifyingContract: r.Contract.String()},
		Message: typedWrite{Org: hexOf(p.Org[:]), Epoch: decimal(uint64(p.Epoch)), Groups: []typedGroup{},
			Nonce: hexOf(p.Nonce[:]), Deadline: decimal(p.Deadline)},
	}
	for _, g := range groups {
		d.Message.Groups = append(d.Message.Groups, typedGroup{Scope: hexOf(g.Scope[:]), Salt: hexOf(g.Salt[:]), Changes: hexOf(g.Changes)})
	}
	return json.Marshal(d)
}

func hexOf(b []byte) string { return fmt.Sprintf("0x%x", b) }

func decimal(n uint64) string { return strconv.FormatUint(n, 10) }

// Signature is the called function as Solidity writes it, for a signer that shows
// what a call does; empty where the calldata is no call of the contract.
func Signature(calldata []byte) string {
	parsed, err := bindings.DPKIMetaData.ParseABI()
	if err != nil || len(calldata) < 4 {
		return ""
	}
	method, err := parsed.MethodById(calldata)
	if err != nil {
		return ""
	}
	return method.Sig
}
