package state

import "slices"

// AdminRoot marks a root administrator in Admin.Flags.
const AdminRoot uint8 = 1

// Admin is the clear data of an ADMIN entry and what a caller shows to the
// contract: abi.encode of its fields in this order.
type Admin struct {
	Account    Address
	Power      Word // organisation, zone or mailbox that it reaches
	PutMask    KindMask
	RevokeMask KindMask
	Flags      uint8
	Salt       Word
}

// AllKinds is the mask of a root administrator.
var allKinds = func() (m KindMask) {
	for i := range m {
		m[i] = 0xff
	}
	return m
}()

// RootAdmin is the administrator that the contract enters for an
// organisation's creator.
func RootAdmin(account Address, org, salt Word) Admin {
	return Admin{Account: account, Power: org, PutMask: allKinds, RevokeMask: allKinds, Flags: AdminRoot, Salt: salt}
}

// Marshal encodes six words.
func (a Admin) Marshal() []byte {
	var put, revoke Word
	copy(put[wordLen-len(a.PutMask):], a.PutMask[:])
	copy(revoke[wordLen-len(a.RevokeMask):], a.RevokeMask[:])
	b := make([]byte, 0, 6*wordLen)
	for _, w := range []Word{a.Account.word(), a.Power, put, revoke, number(uint64(a.Flags)), a.Salt} {
		b = append(b, w[:]...)
	}
	return b
}

// ID is the subject of the administrator's entry.
func (a Admin) ID() Word { return Keccak256(a.Marshal()) }

// ParseAdmin decodes what Marshal encodes.
func ParseAdmin(b []byte) (Admin, error) {
	w, err := abiWords(b, 6)
	if err != nil {
		return Admin{}, err
	}
	account, err := w[0].address()
	if err != nil {
		return Admin{}, err
	}
	flags, err := w[4].small(8)
	if err != nil || !allZero(w[2][:wordLen-len(KindMask{})]) || !allZero(w[3][:wordLen-len(KindMask{})]) {
		return Admin{}, malformed("admin")
	}
	return Admin{Account: account, Power: w[1], PutMask: KindMask(w[2][20:]), RevokeMask: KindMask(w[3][20:]), Flags: uint8(flags), Salt: w[5]}, nil
}

// Limit is the clear data of a LIMIT entry: abi.encode(kind, approvals, longest).
type Limit struct {
	Kind      Kind
	Approvals uint8  // signers needed
	Longest   uint64 // longest validity, seconds; below 2^40
}

// Marshal encodes three words.
func (l Limit) Marshal() []byte {
	var b []byte
	for _, v := range []uint64{uint64(l.Kind), uint64(l.Approvals), l.Longest} {
		w := number(v)
		b = append(b, w[:]...)
	}
	return b
}

// ParseLimit decodes what Marshal encodes.
func ParseLimit(b []byte) (Limit, error) {
	w, err := abiWords(b, 3)
	if err != nil {
		return Limit{}, err
	}
	var errs [3]error
	kind, err := w[0].small(8)
	errs[0] = err
	approvals, err := w[1].small(8)
	errs[1] = err
	longest, err := w[2].small(40)
	errs[2] = err
	if err := first(errs[:]); err != nil {
		return Limit{}, err
	}
	if kind > uint64(MaxKind) {
		return Limit{}, malformed("limit for kind %d", kind)
	}
	return Limit{Kind: Kind(kind), Approvals: uint8(approvals), Longest: longest}, nil
}

// Distrust is the clear data of a DISTRUST entry: what Author (zero = everybody)
// entered in From <= time <= To and that permits something, is void.
type Distrust struct {
	Author   Address
	From, To uint64 // Unix seconds
}

// Marshal encodes three words.
func (d Distrust) Marshal() []byte {
	var b []byte
	for _, w := range []Word{d.Author.word(), number(d.From), number(d.To)} {
		b = append(b, w[:]...)
	}
	return b
}

// ParseDistrust decodes what Marshal encodes.
func ParseDistrust(b []byte) (Distrust, error) {
	w, err := abiWords(b, 3)
	if err != nil {
		return Distrust{}, err
	}
	author, err := w[0].address()
	if err != nil {
		return Distrust{}, err
	}
	from, err := w[1].small(40)
	if err != nil {
		return Distrust{}, err
	}
	to, err := w[2].small(40)
	return Distrust{Author: author, From: from, To: to}, err
}

// voids reports whether an entry of these authors at this time is distrusted.
// One distrusted signer among several is enough: without it the others may not
// have been enough.
func (d Distrust) voids(authors []Address, t uint64) bool {
	return d.From <= t && t <= d.To && (d.Author.IsZero() || slices.Contains(authors, d.Author))
}
