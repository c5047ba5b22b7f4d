package state

import "bytes"

// EventTopic is the first topic of every entry's log: the hash of
// Appended(bytes32,bytes32,bytes32,bytes32,address[],bytes).
var EventTopic = Keccak256([]byte("Appended(bytes32,bytes32,bytes32,bytes32,address[],bytes)"))

const wordLen = 32

// MaxEventData bounds the data of an entry's log event, in bytes: head,
// subject, two offsets, authors, data.
const MaxEventData = wordLen * (4 + 1 + MaxAuthors + 1 + MaxData/wordLen)

// DecodeLog decodes the Appended event of the contract. Topics are the event's
// hash, the organisation and the scope; data is its ABI encoding; block is the
// number of the block that holds the log.
//
//	head, most significant bits first:
//	0 24 | action 8 | kind 8 | seq 48 | prevBlock 48 | time 40 | from 40 | until 40
//
// Only the encoding that the contract emits is accepted (offsets in order, zero
// padding): whoever serves another one did not get it from the contract.
func DecodeLog(topics []Word, data []byte, block uint64) (org, scope Word, e *Entry, err error) {
	if len(topics) != 3 || topics[0] != EventTopic {
		return Word{}, Word{}, nil, malformed("log is not an Appended event")
	}
	if len(data) > MaxEventData || len(data)%wordLen != 0 {
		return Word{}, Word{}, nil, malformed("event with %d bytes of data", len(data))
	}
	r := reader{b: data}
	if r.uint(3) != 0 {
		return Word{}, Word{}, nil, malformed("event head")
	}
	e = &Entry{Block: block}
	e.Action, e.Kind = Action(r.uint(1)), Kind(r.uint(1))
	e.Seq, e.PrevBlock = r.uint(6), r.uint(6)
	e.Time, e.From, e.Until = r.uint(5), r.uint(5), r.uint(5)
	copy(e.Subject[:], r.bytes(wordLen))
	authorsAt, dataAt := r.smallWord(), r.smallWord()
	n := r.smallWord()
	if n > MaxAuthors || authorsAt != 4*wordLen || dataAt != (5+n)*wordLen {
		return Word{}, Word{}, nil, malformed("event layout")
	}
	e.Authors = make([]Address, n)
	for i := range e.Authors {
		if pad := r.bytes(12); !allZero(pad) {
			return Word{}, Word{}, nil, malformed("event author")
		}
		copy(e.Authors[i][:], r.bytes(addressLen))
	}
	size := r.smallWord()
	if size > MaxData {
		return Word{}, Word{}, nil, malformed("event data")
	}
	if body := r.bytes(size); len(body) > 0 {
		e.Data = bytes.Clone(body)
	}
	if pad := r.bytes((wordLen - size%wordLen) % wordLen); !allZero(pad) {
		return Word{}, Word{}, nil, malformed("event padding")
	}
	if r.short || len(r.b) != 0 {
		return Word{}, Word{}, nil, malformed("event length")
	}
	return topics[1], topics[2], e, e.validate()
}

// EncodeLog is the inverse of DecodeLog: what a chain, or who plays one, emits.
func EncodeLog(org, scope Word, e *Entry) (topics []Word, data []byte, err error) {
	if err := e.validate(); err != nil {
		return nil, nil, err
	}
	b := make([]byte, 0, MaxEventData)
	b = append(b, 0, 0, 0, byte(e.Action), byte(e.Kind))
	b = appendUint(b, e.Seq, 6)
	b = appendUint(b, e.PrevBlock, 6)
	b = appendUint(b, e.Time, 5)
	b = appendUint(b, e.From, 5)
	b = appendUint(b, e.Until, 5)
	b = append(b, e.Subject[:]...)
	words := []Word{number(4 * wordLen), number(uint64(5+len(e.Authors)) * wordLen), number(uint64(len(e.Authors)))}
	for _, a := range e.Authors {
		words = append(words, a.word())
	}
	words = append(words, number(uint64(len(e.Data))))
	for _, w := range words {
		b = append(b, w[:]...)
	}
	b = append(b, e.Data...)
	b = append(b, make([]byte, (wordLen-len(e.Data)%wordLen)%wordLen)...)
	return []Word{EventTopic, org, scope}, b, nil
}

// smallWord reads a 32-byte integer that must fit 32 bits; anything larger ends
// the parse.
func (r *reader) smallWord() int {
	high := r.bytes(wordLen - 4)
	v := r.uint(4)
	if !allZero(high) || v > 1<<31-1 {
		r.b, r.short = nil, true
		return 0
	}
	return int(v)
}

func allZero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}
