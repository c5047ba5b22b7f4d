package audit

import (
	"errors"
	"fmt"

	"dpki/registry/verify"
	"dpki/registry/witness"
	"dpki/state"
)

// Why a file that can be read shows nothing.
var (
	// ErrNobody: nobody whom the reader trusts says that its block is the chain's.
	ErrNobody = errors.New("nobody vouches for the file's newest block")
	// ErrOther: somebody whom the reader trusts names another block in its place.
	ErrOther = errors.New("the chain has another block in the place of the file's")
)

// Checked is a file that holds together.
type Checked struct {
	*File
	// Blocks are its headers, the oldest first.
	Blocks []verify.Header
	// proven is the index of the newest block that a proof is for.
	proven int
}

// Newest is the block that everything in the file is proven by, once it is known
// to be one of the chain's.
func (c *Checked) Newest() verify.Header { return c.Blocks[c.proven] }

// Check proves every log by the file's own headers. code is the hash of the
// contract's code. What it says holds for the chain that Newest is a block of.
func (f *File) Check(code state.Word) (*Checked, error) {
	c := &Checked{File: f}
	for i, b := range f.Headers {
		h, err := header(b)
		if err != nil {
			return nil, fmt.Errorf("header %d: %w", i, err)
		}
		if i > 0 && (h.Number != c.Blocks[i-1].Number+1 || h.Parent != c.Blocks[i-1].Hash) {
			return nil, fmt.Errorf("%w: block %d does not follow block %d", verify.ErrHeader, h.Number, c.Blocks[i-1].Number)
		}
		c.Blocks = append(c.Blocks, h)
	}
	for _, p := range f.Proofs {
		if err := CheckLogs(f.Anchor.Registry, f.Anchor.Org, p.Nodes, c.Blocks[p.Header], code, p.Logs); err != nil {
			return nil, err
		}
		c.proven = max(c.proven, p.Header)
	}
	return c, nil
}

// Slots are the words that a proof of logs needs: H of each, then the C words
// that some begin at.
func Slots(org state.Word, logs []Log) []state.Word {
	var slots []state.Word
	for i := range logs {
		slots = append(slots, verify.SlotH(org, logs[i].Scope))
	}
	for i := range logs {
		if base := logs[i].Base(); base > 0 {
			slots = append(slots, verify.SlotC(org, logs[i].Scope, base/state.CheckpointInterval))
		}
	}
	return slots
}

// CheckLogs proves that the logs are all that the contract holds of their scopes
// at a header. nodes is eth_getProof's result.
func CheckLogs(r state.Registry, org state.Word, nodes []byte, at verify.Header, code state.Word, logs []Log) error {
	words, err := verify.CheckProof(nodes, at, r.Contract, code, Slots(org, logs))
	if err != nil {
		return fmt.Errorf("block %d: %w", at.Number, err)
	}
	joins := words[len(logs):]
	for i := range logs {
		l := &logs[i]
		tip := state.Tip{H: r.H0(org, l.Scope)}
		if base := l.Base(); base > 0 {
			tip = state.Tip{H: joins[0], Seq: base}
			joins = joins[1:]
		}
		if err := replay(l, tip, words[i]); err != nil {
			return err
		}
	}
	return nil
}

// replay leads from a log's beginning to its proven end.
func replay(l *Log, tip state.Tip, end state.Word) error {
	if len(l.Segments) == 0 {
		if !end.IsZero() {
			return fmt.Errorf("%w: scope %s has entries, the file none", verify.ErrLogs, l.Scope)
		}
		return nil
	}
	for i := range l.Segments {
		for j := range l.Segments[i].Entries {
			var err error
			if tip, err = tip.Append(&l.Segments[i].Entries[j]); err != nil {
				return fmt.Errorf("%w: scope %s: %w", verify.ErrLogs, l.Scope, err)
			}
		}
	}
	if tip.H != end {
		return fmt.Errorf("%w: the entries of scope %s lead to %s, proven is %s", verify.ErrLogs, l.Scope, tip.H, end)
	}
	return nil
}

// Trust is whom the reader of a file believes. The zero value believes nobody.
type Trust struct {
	// Block is the hash of a block that the reader knows to be the chain's: from a
	// node of his own, from several that he asked. Zero = none.
	Block state.Word
	// Agree of Witnesses must have signed the block; 0 = they are not asked.
	Agree     int
	Witnesses []witness.Key
}

// Voucher is who said that the file's block is the chain's.
type Voucher struct {
	Block     bool
	Witnesses []witness.Key
}

// Vouched says by whose word the file's newest block is the chain's. A block
// after it will do, since it names it. Its error wraps ErrNobody or ErrOther.
func (c *Checked) Vouched(t Trust) (Voucher, error) {
	if t.Block.IsZero() && t.Agree < 1 {
		return Voucher{}, fmt.Errorf("%w: no block's hash and no witness was given", ErrNobody)
	}
	var v Voucher
	if !t.Block.IsZero() {
		for _, b := range c.Blocks[c.proven:] {
			v.Block = v.Block || b.Hash == t.Block
		}
		if !v.Block {
			return v, fmt.Errorf("%w: the file's block %d is %s", ErrOther, c.Newest().Number, c.Newest().Hash)
		}
	}
	if t.Agree < 1 {
		return v, nil
	}
	var against int
	for _, key := range t.Witnesses {
		switch yes, no := c.signed(key); {
		case yes:
			v.Witnesses = append(v.Witnesses, key)
		case no:
			against++
		}
	}
	switch {
	case against >= t.Agree:
		return Voucher{}, fmt.Errorf("%w: %d witnesses have signed another", ErrOther, against)
	case len(v.Witnesses) < t.Agree:
		return Voucher{}, fmt.Errorf("%w: %d of the %d witnesses have signed it, %d must", ErrNobody, len(v.Witnesses), len(t.Witnesses), t.Agree)
	}
	return v, nil
}

// signed reports whether a checkpoint in the file, signed by this witness, has
// the newest block or one after it, or another in its place.
func (c *Checked) signed(key witness.Key) (yes, no bool) {
	for _, raw := range c.Checkpoints {
		p, err := witness.Parse(raw, key, c.Anchor.Registry.ChainID)
		if err != nil {
			continue
		}
		for _, b := range c.Blocks[c.proven:] {
			if h, ok := p.Hash(b.Number); ok {
				yes, no = yes || h == b.Hash, no || h != b.Hash
			}
		}
	}
	return yes && !no, no
}
