package journal

import (
	"encoding/binary"

	"dpki/registry/verify"
	"dpki/state"
)

const (
	headLen = 8 + 32 + 8 + 8 + 8
	tipLen  = 32 + 8 + 8 + 8
)

// marshalHead encodes u64 number | hash 32 | u64 time | u64 safe | u64 finalized.
func marshalHead(h verify.Head) []byte {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, headLen), h.Number)
	b = append(b, h.Hash[:]...)
	b = binary.BigEndian.AppendUint64(b, h.Time)
	b = binary.BigEndian.AppendUint64(b, h.Safe)
	return binary.BigEndian.AppendUint64(b, h.Finalized)
}

func parseHead(b []byte) (verify.Head, error) {
	if len(b) != headLen {
		return verify.Head{}, corrupt("head of %d bytes", len(b))
	}
	u := func(at int) uint64 { return binary.BigEndian.Uint64(b[at:]) }
	return verify.Head{Number: u(0), Hash: state.Word(b[8:40]), Time: u(40), Safe: u(48), Finalized: u(56)}, nil
}

// marshalTip encodes H 32 | u64 seq | u64 block | u64 time.
func marshalTip(t state.Tip) []byte {
	b := append(make([]byte, 0, tipLen), t.H[:]...)
	b = binary.BigEndian.AppendUint64(b, t.Seq)
	b = binary.BigEndian.AppendUint64(b, t.Block)
	return binary.BigEndian.AppendUint64(b, t.Time)
}

func parseTip(b []byte) (state.Tip, error) {
	if len(b) != tipLen {
		return state.Tip{}, corrupt("tip of %d bytes", len(b))
	}
	u := func(at int) uint64 { return binary.BigEndian.Uint64(b[at:]) }
	return state.Tip{H: state.Word(b[:32]), Seq: u(32), Block: u(40), Time: u(48)}, nil
}

// marshalEntries encodes (u32 length | entry)...
func marshalEntries(entries []state.Entry) ([]byte, error) {
	var b []byte
	for i := range entries {
		e, err := entries[i].Marshal()
		if err != nil {
			return nil, err
		}
		b = binary.BigEndian.AppendUint32(b, uint32(len(e)))
		b = append(b, e...)
	}
	return b, nil
}

func parseEntries(b []byte) ([]state.Entry, error) {
	var entries []state.Entry
	for len(b) > 0 {
		if len(b) < 4 {
			return nil, corrupt("list of entries")
		}
		n := binary.BigEndian.Uint32(b)
		if b = b[4:]; uint64(n) > uint64(len(b)) {
			return nil, corrupt("list of entries")
		}
		e, err := state.ParseEntry(b[:n])
		if err != nil {
			return nil, corrupt("entry: %v", err)
		}
		entries = append(entries, *e)
		b = b[n:]
	}
	return entries, nil
}

func number(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

func parseNumber(b []byte) (uint64, error) {
	if len(b) != 8 {
		return 0, corrupt("number of %d bytes", len(b))
	}
	return binary.BigEndian.Uint64(b), nil
}
