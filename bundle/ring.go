package bundle

import (
	"crypto/rand"
	"fmt"
	"math"

	"dpki/internal/anchor"
	"dpki/state"
)

// MailboxKeyID is the number of a mailbox's only key. Organisation and zone
// keys are numbered from 1.
const MailboxKeyID uint32 = 0

// Ring holds the scope keys of one organisation that a reader was given. It
// seals and opens entry data, and is the opener that package state replays
// with. The zero Ring opens nothing. Adding keys while others read is not safe.
type Ring struct {
	anchor string
	keys   map[state.Word]map[uint32]Key

	// random fills with fresh bytes; nil = crypto/rand. Vectors replace it.
	random func([]byte)
}

// NewRing makes an empty ring for the organisation of a.
func NewRing(a anchor.Anchor) *Ring {
	return &Ring{anchor: a.String(), keys: make(map[state.Word]map[uint32]Key)}
}

// Format keeps the keys out of messages, whatever the verb: package fmt does not
// ask unexported fields how they want to be printed.
func (Ring) Format(f fmt.State, _ rune) { fmt.Fprint(f, redacted) }

// Add puts a scope's key into the ring. The same key again changes nothing;
// another key under the same number is ErrKeyConflict, because entries that are
// already sealed would silently stop to open.
func (r *Ring) Add(scope state.Word, id uint32, key Key) error {
	if r.keys == nil {
		return fmt.Errorf("ring without an anchor: %w", ErrNoKey)
	}
	if old, ok := r.keys[scope][id]; ok && old != key {
		return fmt.Errorf("key %d of scope %v: %w", id, scope, ErrKeyConflict)
	}
	if r.keys[scope] == nil {
		r.keys[scope] = make(map[uint32]Key)
	}
	r.keys[scope][id] = key
	return nil
}

// AddMailbox puts a mailbox's key into the ring.
func (r *Ring) AddMailbox(mailbox state.Word, secret MailboxSecret) error {
	return r.Add(mailbox, MailboxKeyID, secret.Key(mailbox))
}

// Has reports whether the ring can seal for this scope.
func (r *Ring) Has(scope state.Word) bool { return len(r.keys[scope]) > 0 }

// Entry is what a sealed payload is bound to, apart from its subject.
type Entry struct {
	Scope state.Word
	Kind  state.Kind
	From  uint64 // Unix seconds, below 2^40
	Until uint64 // Unix seconds; state.Never = no end
}

// Sealed is a payload ready to be written into its entry, and only there.
type Sealed struct {
	Subject state.Word
	Data    []byte // 181, 309 or 565 bytes
	Key     Key    // the entry's own key, for disclosure with a proposal
}

// Seal seals a payload for one entry with the scope's newest key. It draws the
// subject itself: the nonce is constant, so a subject must never serve twice.
// To send the same entry again, send the same bytes.
func (r *Ring) Seal(e Entry, payload []byte) (Sealed, error) {
	subject := r.draw()
	return r.sealAs(subject, e, payload)
}

// SealAgain seals what stands in an entry of another scope for its own scope, under
// the same subject, so that what names the subject holds for both. A subject still
// serves once with each key: every scope has its own.
func (r *Ring) SealAgain(subject, in state.Word, e Entry, payload []byte) (Sealed, error) {
	if e.Scope == in || subject.IsZero() {
		return Sealed{}, malformed("the same subject twice in scope %v", in)
	}
	return r.sealAs(subject, e, payload)
}

// SealZone makes a zone of the organisation and seals its ZONE entry with the
// organisation key. The entry's subject is the zone's id, fresh because the
// salt that it is derived from is drawn here.
func (r *Ring) SealZone(org state.Word, name string, from, until uint64) (Sealed, state.Zone, error) {
	zone := state.Zone{Name: name, Salt: r.draw()}
	payload, err := zone.Marshal()
	if err != nil {
		return Sealed{}, state.Zone{}, fmt.Errorf("zone %.80q: %w", name, err)
	}
	s, err := r.sealAs(state.ZoneID(org, zone.Salt), Entry{Scope: org, Kind: state.KindZone, From: from, Until: until}, payload)
	return s, zone, err
}

func (r *Ring) sealAs(subject state.Word, e Entry, payload []byte) (Sealed, error) {
	id, key, ok := r.newest(e.Scope)
	if !ok {
		return Sealed{}, fmt.Errorf("scope %v: %w", e.Scope, ErrNoKey)
	}
	k := key.entryKey(subject)
	data, err := seal(r.anchor, id, k, subject, e, payload)
	if err != nil {
		return Sealed{}, err
	}
	return Sealed{Subject: subject, Data: data, Key: k}, nil
}

// Open returns the payload sealed in an entry. It is state's opener.
func (r *Ring) Open(scope state.Word, e *state.Entry) ([]byte, error) {
	k, err := r.Disclose(scope, e)
	if err != nil {
		return nil, err
	}
	return open(r.anchor, k, scope, e)
}

// Disclose returns the key that opens this entry and no other, for approvers
// and auditors.
func (r *Ring) Disclose(scope state.Word, e *state.Entry) (Key, error) {
	id, err := keyID(e.Data)
	if err != nil {
		return Key{}, err
	}
	key, ok := r.keys[scope][id]
	if !ok {
		return Key{}, fmt.Errorf("key %d of scope %v: %w", id, scope, ErrNoKey)
	}
	return key.entryKey(e.Subject), nil
}

// OpenWith opens one entry with its disclosed key.
func OpenWith(k Key, a anchor.Anchor, scope state.Word, e *state.Entry) ([]byte, error) {
	return open(a.String(), k, scope, e)
}

func (r *Ring) newest(scope state.Word) (id uint32, key Key, ok bool) {
	for i, k := range r.keys[scope] {
		if !ok || i > id {
			id, key, ok = i, k, true
		}
	}
	return id, key, ok
}

// NextKeyID is the number of the scope's next key.
func (r *Ring) NextKeyID(scope state.Word) (uint32, error) {
	id, _, _ := r.newest(scope)
	if id == math.MaxUint32 {
		return 0, fmt.Errorf("scope %v has no key number left: %w", scope, ErrTooLarge)
	}
	return id + 1, nil
}

func (r *Ring) draw() state.Word {
	var w state.Word
	if r.random != nil {
		r.random(w[:])
	} else {
		rand.Read(w[:])
	}
	return w
}
