package state

// Direction says which way a POINTER points.
type Direction uint8

const (
	// Successor: the organisation goes on there.
	Successor Direction = 1
	// Predecessor: the organisation comes from there, which is what makes a
	// pointer to a successor valid.
	Predecessor Direction = 2
)

// Pointer is the clear data of a POINTER entry: abi.encode(direction, chain id,
// contract, organisation).
type Pointer struct {
	Direction Direction
	ChainID   uint64
	Contract  Address
	Org       Word
}

// Marshal encodes four words.
func (p Pointer) Marshal() []byte {
	var b []byte
	for _, w := range []Word{number(uint64(p.Direction)), number(p.ChainID), p.Contract.word(), p.Org} {
		b = append(b, w[:]...)
	}
	return b
}

// ParsePointer decodes what Marshal encodes, and refuses what the contract does.
func ParsePointer(b []byte) (Pointer, error) {
	w, err := abiWords(b, 4)
	if err != nil {
		return Pointer{}, err
	}
	direction, err := w[0].small(8)
	if err != nil {
		return Pointer{}, err
	}
	chain, err := w[1].small(64)
	if err != nil {
		return Pointer{}, err
	}
	contract, err := w[2].address()
	if err != nil {
		return Pointer{}, err
	}
	p := Pointer{Direction: Direction(direction), ChainID: chain, Contract: contract, Org: w[3]}
	if p.Direction < Successor || p.Direction > Predecessor || chain == 0 || contract.IsZero() || p.Org.IsZero() {
		return Pointer{}, malformed("pointer")
	}
	return p, nil
}

// PointsTo returns where the organisation points at now (Unix seconds) in this
// direction. A pointer to a successor says nothing by itself: see Succeeds.
func (s *State) PointsTo(d Direction, now uint64) (Pointer, bool) {
	if p, ok := s.Pointing(d, now, Live); ok {
		return p.Pointer, true
	}
	return Pointer{}, false
}

// Pointing is the POINTER in this direction with the highest sequence that stands
// so at now (Unix seconds): Live, NotYet while its delay runs, Revoked after a
// veto.
func (s *State) Pointing(d Direction, now uint64, as Standing) (latest PointerFact, ok bool) {
	for _, l := range s.layers() {
		for i := range l.pointers {
			p := &l.pointers[i]
			if p.Direction == d && (!ok || p.Seq > latest.Seq) && s.Standing(&p.Fact, now) == as {
				latest, ok = *p, true
			}
		}
	}
	return latest, ok
}

// Succeeds reports whether next, which lives in registry there, is the
// organisation that prev, which lives in registry here, goes on as: prev points
// to it and it points back. One alone would let whoever writes there claim what
// is here, or whoever has stolen the power here lead devices away without the
// other's consent.
func Succeeds(here Registry, prev *State, there Registry, next *State, now uint64) bool {
	to, ok := prev.PointsTo(Successor, now)
	if !ok || to != (Pointer{Successor, there.ChainID, there.Contract, next.Scopes.Org}) {
		return false
	}
	back, ok := next.PointsTo(Predecessor, now)
	return ok && back == Pointer{Predecessor, here.ChainID, here.Contract, prev.Scopes.Org}
}
