package verify

import (
	"encoding/json"
	"errors"
	"fmt"

	"dpki/registry"
	"dpki/state"

	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/rlp"
	"github.com/ethereum/go-ethereum/trie"
)

const (
	// maxNodes bounds the nodes of one proof: a key has 64 nibbles.
	maxNodes = 65
	// maxNode bounds one node, in bytes: a branch has 16 hashes and a value.
	maxNode = 1024
)

// CheckProof proves storage words of the contract at a header's state root
// (EIP-1186), in the order of slots. Zero is proven too, by exclusion. The
// account's code hash must be codeHash. The JSON `value`, `storageHash`,
// `codeHash` and `key` are not read: everything follows from the proof nodes.
// Its error wraps ErrProof, ErrNoCode or ErrCode.
func CheckProof(raw []byte, header Header, contract state.Address, codeHash state.Word, slots []state.Word) ([]state.Word, error) {
	var answer struct {
		AccountProof []string `json:"accountProof"`
		StorageProof []struct {
			Proof []string `json:"proof"`
		} `json:"storageProof"`
	}
	if err := bounded(raw, registry.MaxProof); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrProof, err)
	}
	if err := json.Unmarshal(raw, &answer); err != nil {
		return nil, fmt.Errorf("%w: %v", ErrProof, err)
	}
	if len(answer.StorageProof) > registry.MaxSlots {
		return nil, fmt.Errorf("%w: %d storage proofs", ErrProof, len(answer.StorageProof))
	}
	account, err := proveAccount(answer.AccountProof, header.Root, contract)
	if err != nil {
		return nil, err
	}
	if state.Word(account.CodeHash) == state.Word(types.EmptyCodeHash) {
		return nil, fmt.Errorf("%w %s", registry.ErrNoCode, contract)
	}
	if state.Word(account.CodeHash) != codeHash {
		return nil, fmt.Errorf("%w: code hash %x, want %s", registry.ErrCode, account.CodeHash, codeHash)
	}
	// One pool of nodes for all words: a node is found by its hash, so neither
	// the order nor the keys of the answer matter.
	pool := nodes{}
	for _, p := range answer.StorageProof {
		if err := pool.add(p.Proof); err != nil {
			return nil, err
		}
	}
	words := make([]state.Word, len(slots))
	for i, slot := range slots {
		if words[i], err = proveWord(pool, state.Word(account.Root), slot); err != nil {
			return nil, err
		}
	}
	return words, nil
}

func proveAccount(proof []string, root state.Word, contract state.Address) (*types.StateAccount, error) {
	pool := nodes{}
	if err := pool.add(proof); err != nil {
		return nil, err
	}
	value, err := trie.VerifyProof([32]byte(root), crypto.Keccak256(contract[:]), pool)
	if err != nil {
		return nil, fmt.Errorf("%w: account: %v", ErrProof, err)
	}
	if value == nil {
		return nil, fmt.Errorf("%w %s", registry.ErrNoCode, contract)
	}
	var account types.StateAccount
	if err := rlp.DecodeBytes(value, &account); err != nil {
		return nil, fmt.Errorf("%w: account: %v", ErrProof, err)
	}
	if len(account.CodeHash) != 32 {
		return nil, fmt.Errorf("%w: code hash of %d bytes", ErrProof, len(account.CodeHash))
	}
	return &account, nil
}

func proveWord(pool nodes, root, slot state.Word) (state.Word, error) {
	// An account without storage has no node to prove that with.
	if root == state.Word(types.EmptyRootHash) {
		return state.Word{}, nil
	}
	value, err := trie.VerifyProof([32]byte(root), crypto.Keccak256(slot[:]), pool)
	if err != nil {
		return state.Word{}, fmt.Errorf("%w: word %s: %v", ErrProof, slot, err)
	}
	if value == nil {
		return state.Word{}, nil
	}
	content, rest, err := rlp.SplitString(value)
	if err != nil || len(rest) != 0 || len(content) == 0 || len(content) > 32 || content[0] == 0 {
		return state.Word{}, fmt.Errorf("%w: word %s: value %x", ErrProof, slot, value)
	}
	var w state.Word
	copy(w[32-len(content):], content)
	return w, nil
}

// nodes are proof nodes by their own hash: one that was altered is not found.
type nodes map[state.Word][]byte

func (n nodes) add(proof []string) error {
	if len(proof) > maxNodes {
		return fmt.Errorf("%w: %d nodes", ErrProof, len(proof))
	}
	for _, s := range proof {
		node, err := decodeData(s, maxNode)
		if err != nil {
			return fmt.Errorf("%w: node of %d digits: %w", ErrProof, len(s), err)
		}
		n[state.Keccak256(node)] = node
	}
	return nil
}

var errNoNode = errors.New("no such node")

// Get implements ethdb.KeyValueReader.
func (n nodes) Get(key []byte) ([]byte, error) {
	if node, ok := n[state.Word(key)]; ok {
		return node, nil
	}
	return nil, errNoNode
}

// Has implements ethdb.KeyValueReader.
func (n nodes) Has(key []byte) (bool, error) {
	_, ok := n[state.Word(key)]
	return ok, nil
}
