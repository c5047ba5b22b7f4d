package state

import "encoding/binary"

// CA is the payload of CA_USER and CA_HOST. The key itself comes with each
// certificate; its hash is enough to know it again, whatever its size.
type CA struct {
	Key   Word   // sha-256 of the CA's public key blob
	Label string // for people, ValidLabel
}

// Marshal encodes the payload.
func (c CA) Marshal() ([]byte, error) {
	return checked(newFields().add(1, c.Key[:]).addText(2, c.Label), func(b []byte) error { _, err := ParseCA(b); return err })
}

// ParseCA decodes what Marshal encodes.
func ParseCA(b []byte) (CA, error) {
	f, err := parseFields(b, 2)
	if err != nil {
		return CA{}, err
	}
	key, err := f.word(1)
	if err != nil {
		return CA{}, err
	}
	label, err := f.text(2, maxLabel, ValidLabel)
	return CA{Key: key, Label: label}, err
}

// Deny is the payload of DENY: a key that is refused whatever is granted to it.
type Deny struct {
	Key    Word   // sha-256 of the key blob
	Before uint64 // grants entered before this time are refused, Unix seconds; Never = all
}

// Marshal encodes the payload.
func (d Deny) Marshal() ([]byte, error) {
	w := newFields().add(1, d.Key[:])
	if d.Before != Never {
		w = w.add(2, appendUint(nil, d.Before, 5))
	}
	return checked(w, func(b []byte) error { _, err := ParseDeny(b); return err })
}

// ParseDeny decodes what Marshal encodes.
func ParseDeny(b []byte) (Deny, error) {
	f, err := parseFields(b, 2)
	if err != nil {
		return Deny{}, err
	}
	key, err := f.word(1)
	if err != nil {
		return Deny{}, err
	}
	before, err := f.uint(2, 5, Never)
	if err == nil && f[2] != nil && before == Never {
		err = malformed("deny")
	}
	return Deny{Key: key, Before: before}, err
}

// Zone is the payload of ZONE.
type Zone struct {
	Name string // ValidName
	Salt Word   // ZoneID(organisation, Salt) is the entry's subject
}

// Marshal encodes the payload.
func (z Zone) Marshal() ([]byte, error) {
	return checked(newFields().addText(1, z.Name).add(2, z.Salt[:]), func(b []byte) error { _, err := ParseZone(b); return err })
}

// ParseZone decodes what Marshal encodes.
func ParseZone(b []byte) (Zone, error) {
	f, err := parseFields(b, 2)
	if err != nil {
		return Zone{}, err
	}
	name, err := f.text(1, 63, ValidName)
	if err != nil {
		return Zone{}, err
	}
	salt, err := f.word(2)
	if err == nil && name == "" {
		err = malformed("zone")
	}
	return Zone{Name: name, Salt: salt}, err
}

// Delivery is the payload of DELIVERY: a bundle for the mailbox's owner.
type Delivery struct {
	Commitment Word   // sha256("dpki/bundle/1" | salt | content)
	Block      Word   // sha-256 of the block, its CID's digest
	Purpose    uint8  // the bundle's purpose
	Supersedes Word   // subject of the delivery that this one replaces; zero = none
	Name       string // what the content is called, ValidName; empty where its purpose says it all
	Signs      Word   // subject of the delivery that the signatures in this one are for; zero = it brings none
}

// Marshal encodes the payload.
func (d Delivery) Marshal() ([]byte, error) {
	w := newFields().add(1, d.Commitment[:]).add(2, d.Block[:]).add(3, []byte{d.Purpose})
	if !d.Supersedes.IsZero() {
		w = w.add(4, d.Supersedes[:])
	}
	w = w.addText(5, d.Name)
	if !d.Signs.IsZero() {
		w = w.add(6, d.Signs[:])
	}
	return checked(w, func(b []byte) error { _, err := ParseDelivery(b); return err })
}

// ParseDelivery decodes what Marshal encodes.
func ParseDelivery(b []byte) (Delivery, error) {
	f, err := parseFields(b, 6)
	if err != nil {
		return Delivery{}, err
	}
	var d Delivery
	var errs [5]error
	d.Name, errs[4] = f.text(5, 63, ValidName)
	d.Commitment, errs[0] = f.word(1)
	d.Block, errs[1] = f.word(2)
	purpose, err := f.uint(3, 1, 0)
	d.Purpose, errs[2] = uint8(purpose), err
	for tag, to := range map[uint8]*Word{4: &d.Supersedes, 6: &d.Signs} {
		if _, ok := f[tag]; !ok {
			continue
		}
		w, err := f.word(tag)
		if err == nil && w.IsZero() {
			err = malformed("delivery")
		}
		if *to = w; err != nil {
			errs[3] = err
		}
	}
	if err := first(errs[:]); err != nil {
		return Delivery{}, err
	}
	if d.Purpose == 0 {
		return Delivery{}, malformed("delivery")
	}
	return d, nil
}

// batchLen is u8 version 1 | root digest 32.
const batchLen = 1 + wordLen

// MarshalBatch encodes the clear data of a BATCH entry.
func MarshalBatch(root Word) []byte { return append([]byte{1}, root[:]...) }

// ParseBatch decodes what MarshalBatch encodes.
func ParseBatch(b []byte) (root Word, err error) {
	if len(b) != batchLen || b[0] != 1 {
		return Word{}, malformed("batch")
	}
	return Word(b[1:]), nil
}

// abiWords takes n words apart that abi.encode of static values has written.
func abiWords(b []byte, n int) ([]Word, error) {
	if len(b) != n*wordLen {
		return nil, malformed("%d bytes for %d words", len(b), n)
	}
	words := make([]Word, n)
	for i := range words {
		words[i] = Word(b[i*wordLen:])
	}
	return words, nil
}

// small reads a word that must fit width bits.
func (w Word) small(bits int) (uint64, error) {
	v := binary.BigEndian.Uint64(w[24:])
	if !allZero(w[:24]) || bits < 64 && v>>bits != 0 {
		return 0, malformed("number %s", w)
	}
	return v, nil
}

func (w Word) address() (Address, error) {
	if !allZero(w[:12]) {
		return Address{}, malformed("address %s", w)
	}
	return Address(w[12:]), nil
}
