package bundle

import (
	"errors"
	"fmt"
)

// Outcomes that callers branch on. Each of them is a refusal.
var (
	// ErrMalformed: the bytes are not the canonical form of anything known,
	// among them unknown versions and trailing bytes.
	ErrMalformed = errors.New("malformed")
	// ErrTooLarge: the bytes, or what they would become, exceed their limit.
	ErrTooLarge = errors.New("too large")
	// ErrNoKey: the reader was not given the key that this entry is sealed with.
	ErrNoKey = errors.New("no key for this entry")
	// ErrAltered: authentication failed. The bytes were changed, or stand in
	// another entry, window, kind, scope or organisation than they were made for.
	ErrAltered = errors.New("altered or moved")
	// ErrNotForUs: a bundle for another recipient.
	ErrNotForUs = errors.New("encrypted to another recipient")
	// ErrWrongPlace: a bundle whose header names another anchor, scope, subject
	// or purpose than the entry that led to it.
	ErrWrongPlace = errors.New("belongs to another entry")
	// ErrCommitment: a bundle whose content is not what the entry committed to.
	ErrCommitment = errors.New("content does not match the entry's commitment")
	// ErrNotCosigned: fewer watchdogs than the policy in force demands have signed
	// this delivery, so far.
	ErrNotCosigned = errors.New("not co-signed")
	// ErrNotInBatch: the batch holds nothing for this recipient.
	ErrNotInBatch = errors.New("nothing for this recipient in the batch")
	// ErrKeyConflict: another key is already known under this number.
	ErrKeyConflict = errors.New("another key has this number")
	// ErrExists: the file is there already and is not overwritten.
	ErrExists = errors.New("exists already")
	// ErrFileMode: the file may be read or replaced by others, or is not a regular file.
	ErrFileMode = errors.New("unsafe owner, mode or type")
	// ErrSignature: the enrolment request was not signed by its signing key.
	ErrSignature = errors.New("signature does not verify")
)

func malformed(format string, args ...any) error {
	return fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), ErrMalformed)
}
