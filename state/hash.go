package state

import "fmt"

// Next is the running hash after e, given the hash h before it:
//
//	keccak256(abi.encode(h, seq, block, prevBlock, time, authors, action, kind,
//	                     subject, from, until, keccak256(data)))
//
// where authors is the one dynamic argument: its head is the offset of its
// tail, which is its length and one word per address.
func Next(h Word, e *Entry) Word {
	const headWords = 12
	words := make([]Word, 0, headWords+1+len(e.Authors))
	words = append(words,
		h, number(e.Seq), number(e.Block), number(e.PrevBlock), number(e.Time),
		number(headWords*wordLen),
		number(uint64(e.Action)), number(uint64(e.Kind)), e.Subject, number(e.From), number(e.Until),
		Keccak256(e.Data),
		number(uint64(len(e.Authors))))
	for _, a := range e.Authors {
		words = append(words, a.word())
	}
	return hashWords(words...)
}

// CheckpointInterval is how many entries lie between two C words.
const CheckpointInterval = 1024

// Tip is the end of a replayed log: everything that the next entry is checked
// against.
type Tip struct {
	H     Word   // running hash
	Seq   uint64 // sequence of the last entry, 0 before the first
	Block uint64 // block of the last entry, 0 before the first
	Time  uint64 // time of the last entry, Unix seconds, 0 before the first
}

// Append extends the tip by e. The sequence, the previous block and the order
// of time are checked here, so that an error names what is wrong instead of
// "the hash differs"; the hash itself is compared by the caller with a proven
// one, at the end.
//
// At a C word (Seq > 0, Block = 0) the previous block is not known yet and is
// taken from e: the hash covers it.
func (t Tip) Append(e *Entry) (Tip, error) {
	if err := e.validate(); err != nil {
		return t, err
	}
	fromCheckpoint := t.Seq > 0 && t.Block == 0
	switch {
	case e.Seq != t.Seq+1:
		return t, fmt.Errorf("entry %d follows entry %d: %w", e.Seq, t.Seq, ErrNotNext)
	case e.PrevBlock != t.Block && !fromCheckpoint:
		return t, fmt.Errorf("entry %d names block %d before it, it is %d: %w", e.Seq, e.PrevBlock, t.Block, ErrNotNext)
	case e.Block < t.Block || e.Time < t.Time:
		return t, fmt.Errorf("entry %d is older than the one before it: %w", e.Seq, ErrNotNext)
	}
	return Tip{H: Next(t.H, e), Seq: e.Seq, Block: e.Block, Time: e.Time}, nil
}
