package hostile

import (
	"encoding/json"
	"fmt"
	"maps"

	"dpki/state"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
)

// Result replaces the result of a method.
func Result(method string, change func([]byte) []byte) Lie {
	return Answers(func(c *Call) {
		if c.Method == method && c.Result != nil {
			c.Result = change(c.Result)
		}
	})
}

// Header forges the newest header. Its hash is again the hash of what it says.
func Header(change func(*types.Header)) Lie {
	return Answers(func(c *Call) {
		if _, newest := c.asHeader(); newest {
			c.Result = Forged(c.Result, change)
		}
	})
}

// Forged is a header with changes, and the hash that it then has.
func Forged(result json.RawMessage, change func(*types.Header)) json.RawMessage {
	var h types.Header
	if json.Unmarshal(result, &h) != nil {
		return result
	}
	change(&h)
	forged, err := json.Marshal(&h)
	if err != nil {
		return result
	}
	var as map[string]json.RawMessage
	json.Unmarshal(forged, &as)
	return fields(result, func(m map[string]json.RawMessage) {
		for name, v := range as {
			if string(v) != "null" {
				m[name] = v
			}
		}
		m["hash"] = text(h.Hash().Hex())
	})
}

// HeaderMember sets one member of the newest header and leaves the others,
// its hash among them.
func HeaderMember(name, value string) Lie {
	return Answers(func(c *Call) {
		if _, newest := c.asHeader(); newest {
			c.Result = fields(c.Result, func(m map[string]json.RawMessage) { m[name] = text(value) })
		}
	})
}

// proof is an eth_getProof result.
type proof struct {
	AccountProof []string        `json:"accountProof"`
	StorageProof []storageProof  `json:"storageProof"`
	Address      json.RawMessage `json:"address"`
	Balance      string          `json:"balance"`
	CodeHash     string          `json:"codeHash"`
	Nonce        string          `json:"nonce"`
	StorageHash  string          `json:"storageHash"`
}

type storageProof struct {
	Key   string   `json:"key"`
	Value string   `json:"value"`
	Proof []string `json:"proof"`
}

// ofProof alters the proof.
func ofProof(change func(*proof)) Lie {
	return Result("eth_getProof", func(result []byte) []byte {
		var p proof
		if json.Unmarshal(result, &p) != nil {
			return result
		}
		change(&p)
		out, _ := json.Marshal(p)
		return out
	})
}

// Values alters what the proof's JSON says beside its nodes: values, hashes,
// balance.
func Values() Lie {
	return ofProof(func(p *proof) {
		other := fmt.Sprintf("0x%064x", 0xbad)
		p.Balance, p.Nonce, p.CodeHash, p.StorageHash = "0xbad", "0xbad", other, other
		for i := range p.StorageProof {
			p.StorageProof[i].Value = other
		}
	})
}

// AccountNode flips a bit in the last node of the account's proof, which holds
// the storage root.
func AccountNode() Lie {
	return ofProof(func(p *proof) { flip(p.AccountProof) })
}

// StorageNode flips a bit in the last node of every word's proof.
func StorageNode() Lie {
	return ofProof(func(p *proof) {
		for i := range p.StorageProof {
			flip(p.StorageProof[i].Proof)
		}
	})
}

// StorageRoot puts another storage root into the account: the node is whole, and
// the proof of an account that never was.
func StorageRoot(root common.Hash) Lie {
	return ofProof(func(p *proof) {
		last := len(p.AccountProof) - 1
		if last >= 0 {
			node := common.FromHex(p.AccountProof[last])
			// The account is [nonce, balance, root, code hash]: its last 66 bytes
			// are two strings of 32, each after its length (0xa0).
			if at := len(node) - 65; at > 0 {
				copy(node[at:], root[:])
			}
			p.AccountProof[last] = fmt.Sprintf("0x%x", node)
			p.StorageHash = root.Hex()
		}
	})
}

// WithoutStorage leaves the proofs of the words out.
func WithoutStorage() Lie {
	return ofProof(func(p *proof) { p.StorageProof = nil })
}

func flip(nodes []string) {
	if n := len(nodes) - 1; n >= 0 {
		b := common.FromHex(nodes[n])
		b[len(b)-1] ^= 1
		nodes[n] = fmt.Sprintf("0x%x", b)
	}
}

// Logs alters the list of logs.
func Logs(change func([]Log) []Log) Lie {
	return Result("eth_getLogs", func(result []byte) []byte { return LogList(result, change) })
}

// LogList alters a list of logs, unless it is empty.
func LogList(list []byte, change func([]Log) []Log) []byte {
	var logs []Log
	if json.Unmarshal(list, &logs) != nil || len(logs) == 0 {
		return list
	}
	if logs = change(logs); logs == nil {
		logs = []Log{}
	}
	out, _ := json.Marshal(logs)
	return out
}

// Log is one log, member by member.
type Log map[string]any

// Entry is what an Appended log says.
func (l Log) Entry() (org, scope state.Word, e *state.Entry, err error) {
	var topics []state.Word
	list, _ := l["topics"].([]any)
	for _, t := range list {
		s, _ := t.(string)
		topics = append(topics, state.Word(common.HexToHash(s)))
	}
	block, _ := l["blockNumber"].(string)
	number, err := hexutil.DecodeUint64(block)
	if err != nil {
		return org, scope, nil, err
	}
	data, _ := l["data"].(string)
	return state.DecodeLog(topics, common.FromHex(data), number)
}

// WithEntry is a copy that says something else; nil where it does not hold an
// entry.
func (l Log) WithEntry(change func(*state.Entry)) Log {
	org, scope, e, err := l.Entry()
	if err != nil {
		return nil
	}
	change(e)
	_, data, err := state.EncodeLog(org, scope, e)
	if err != nil {
		return nil
	}
	return l.With("data", fmt.Sprintf("0x%x", data)).With("blockNumber", hexutil.EncodeUint64(e.Block))
}

// With is a copy with another member.
func (l Log) With(name string, value any) Log {
	c := maps.Clone(l)
	c[name] = value
	return c
}

// Refuse answers a method with an error of JSON-RPC, which is no lie and no
// failure of the endpoint either.
func Refuse(method string) Lie {
	return Answers(func(c *Call) {
		if c.Method == method {
			c.Error = []byte(`{"code":-32000,"message":"not today"}`)
		}
	})
}
