package journal

import (
	"encoding/binary"
	"fmt"

	"go.etcd.io/bbolt"

	"dpki/registry/verify"
	"dpki/state"
)

// Load gives what a verify.Reader starts from, after it has replayed every
// confirmed entry and compared the running hash.
func (j *Journal) Load() (known verify.Known, err error) {
	known.Scopes = map[state.Word]verify.ScopeLog{}
	err = j.guard(func() error {
		return j.db.View(func(tx *bbolt.Tx) error {
			if b := tx.Bucket(bucketMeta).Get(keyHead); b != nil {
				if known.Head, err = parseHead(b); err != nil {
					return err
				}
			}
			return eachScope(tx, func(scope state.Word, b *bbolt.Bucket) error {
				log, err := loadScope(b)
				if err != nil {
					return fmt.Errorf("scope %v: %w", scope, err)
				}
				known.Scopes[scope] = log
				return nil
			})
		})
	})
	return known, err
}

func eachScope(tx *bbolt.Tx, do func(state.Word, *bbolt.Bucket) error) error {
	scopes := tx.Bucket(bucketScopes)
	return scopes.ForEachBucket(func(k []byte) error {
		if len(k) != len(state.Word{}) {
			return corrupt("scope %x", k)
		}
		return do(state.Word(k), scopes.Bucket(k))
	})
}

func loadScope(b *bbolt.Bucket) (log verify.ScopeLog, err error) {
	if log.Base, err = parseTip(b.Get(keyBase)); err != nil {
		return log, err
	}
	if log.Confirmed, err = parseTip(b.Get(keyTip)); err != nil {
		return log, err
	}
	if log.Through, err = parseNumber(b.Get(keyThrough)); err != nil {
		return log, err
	}
	if log.Overlay, err = parseEntries(b.Get(keyOverlay)); err != nil {
		return log, err
	}
	if log.Sticky, err = parseEntries(b.Get(keySticky)); err != nil {
		return log, err
	}
	tip := log.Base
	err = eachEntry(b, func(e *state.Entry) error {
		tip, err = tip.Append(e)
		return err
	})
	if err != nil {
		return log, corrupt("%v", err)
	}
	// At a C word that no entry has followed yet the block is not known.
	if tip != log.Confirmed {
		return log, corrupt("the log ends at %d, hash %v, not at %d, hash %v", tip.Seq, tip.H, log.Confirmed.Seq, log.Confirmed.H)
	}
	for i := range log.Overlay {
		if tip, err = tip.Append(&log.Overlay[i]); err != nil {
			return log, corrupt("overlay: %v", err)
		}
	}
	return log, nil
}

// Entries streams the confirmed entries of a scope in their order. An unknown
// scope has none.
func (j *Journal) Entries(scope state.Word, do func(*state.Entry) error) error {
	return j.guard(func() error {
		return j.db.View(func(tx *bbolt.Tx) error {
			b := tx.Bucket(bucketScopes).Bucket(scope[:])
			if b == nil {
				return nil
			}
			return eachEntry(b, do)
		})
	})
}

func eachEntry(b *bbolt.Bucket, do func(*state.Entry) error) error {
	log := b.Bucket(bucketLog)
	if log == nil {
		return corrupt("a scope without a log")
	}
	return log.ForEach(func(k, v []byte) error {
		e, err := state.ParseEntry(v) // copies what it keeps
		if err != nil {
			return corrupt("entry: %v", err)
		}
		if len(k) != 8 || binary.BigEndian.Uint64(k) != e.Seq {
			return corrupt("entry %d under key %x", e.Seq, k)
		}
		return do(e)
	})
}
