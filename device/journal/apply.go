package journal

import (
	"bytes"
	"fmt"

	"go.etcd.io/bbolt"

	"dpki/registry/verify"
	"dpki/state"
)

// Names of records.
const (
	RecordClock     = "clock"
	RecordEnrolment = "enrolment"
	RecordWitnesses = "witnesses" // the pinned set
	RecordInherited = "inherited" // of the organisation's predecessors
)

// Apply writes one Result and the clock's stamp, in one transaction that is on
// disk when it returns.
func (j *Journal) Apply(res *verify.Result, clock []byte) error {
	return j.update(func(tx *bbolt.Tx) error {
		if err := tx.Bucket(bucketMeta).Put(keyHead, marshalHead(res.Head)); err != nil {
			return err
		}
		if err := tx.Bucket(bucketRecords).Put([]byte(RecordClock), clock); err != nil {
			return err
		}
		for i := range res.Changes {
			if err := apply(tx, &res.Changes[i]); err != nil {
				return fmt.Errorf("scope %v: %w", res.Changes[i].Scope, err)
			}
		}
		return nil
	})
}

func apply(tx *bbolt.Tx, c *verify.Change) error {
	b, err := tx.Bucket(bucketScopes).CreateBucketIfNotExists(c.Scope[:])
	if err != nil {
		return err
	}
	log, err := b.CreateBucketIfNotExists(bucketLog)
	if err != nil {
		return err
	}
	log.FillPercent = 1 // entries come in the order of their keys
	// The confirmed prefix only grows: what is written follows what is there.
	tip := c.Log.Base
	if old := b.Get(keyTip); old != nil {
		if tip, err = parseTip(old); err != nil {
			return err
		}
		if !bytes.Equal(b.Get(keyBase), marshalTip(c.Log.Base)) {
			return corrupt("the log begins at another entry")
		}
	}
	for i := range c.Confirmed {
		e := &c.Confirmed[i]
		if tip, err = tip.Append(e); err != nil {
			return err
		}
		raw, err := e.Marshal()
		if err != nil {
			return err
		}
		if err := log.Put(number(e.Seq), raw); err != nil {
			return err
		}
	}
	if tip != c.Log.Confirmed {
		return corrupt("the confirmed entries end at %d, not at %d", tip.Seq, c.Log.Confirmed.Seq)
	}
	return applyRest(b, c)
}

func applyRest(b *bbolt.Bucket, c *verify.Change) error {
	overlay, err := marshalEntries(c.Log.Overlay)
	if err != nil {
		return err
	}
	sticky, err := marshalEntries(c.Log.Sticky)
	if err != nil {
		return err
	}
	for _, v := range []struct{ key, value []byte }{
		{keyBase, marshalTip(c.Log.Base)}, {keyTip, marshalTip(c.Log.Confirmed)}, {keyThrough, number(c.Log.Through)}, {keyOverlay, overlay}, {keySticky, sticky},
	} {
		if err := b.Put(v.key, v.value); err != nil {
			return err
		}
	}
	return nil
}

// Record returns a small value of the daemon's own, nil where there is none.
func (j *Journal) Record(name string) (value []byte, err error) {
	err = j.guard(func() error {
		return j.db.View(func(tx *bbolt.Tx) error {
			value = bytes.Clone(tx.Bucket(bucketRecords).Get([]byte(name)))
			return nil
		})
	})
	return value, err
}

// SetRecord replaces a record.
func (j *Journal) SetRecord(name string, value []byte) error {
	return j.update(func(tx *bbolt.Tx) error { return tx.Bucket(bucketRecords).Put([]byte(name), value) })
}

// Enrol notes that a batch was looked through and, where it held something,
// replaces the enrolment: both or neither.
func (j *Journal) Enrol(batch state.Word, enrolment []byte) error {
	return j.update(func(tx *bbolt.Tx) error {
		if err := tx.Bucket(bucketBatches).Put(batch[:], []byte{1}); err != nil || enrolment == nil {
			return err
		}
		return tx.Bucket(bucketRecords).Put([]byte(RecordEnrolment), enrolment)
	})
}

// Batches are the subjects of the batches that were looked through.
func (j *Journal) Batches() (map[state.Word]bool, error) {
	seen := map[state.Word]bool{}
	err := j.guard(func() error {
		return j.db.View(func(tx *bbolt.Tx) error {
			return tx.Bucket(bucketBatches).ForEach(func(k, _ []byte) error {
				if len(k) != len(state.Word{}) {
					return corrupt("batch %x", k)
				}
				seen[state.Word(k)] = true
				return nil
			})
		})
	})
	return seen, err
}

// Forget drops everything that was verified: logs, head, time, batches, and the
// witnesses that were pinned, in case that they are lost. What
// the device was given, its enrolment, stays. It is reset-trust, the only way in
// which a device ever accepts a history that does not extend the one it knew.
func (j *Journal) Forget() error {
	return j.update(func(tx *bbolt.Tx) error {
		for _, name := range [][]byte{bucketScopes, bucketBatches} {
			if err := tx.DeleteBucket(name); err != nil {
				return err
			}
			if _, err := tx.CreateBucket(name); err != nil {
				return err
			}
		}
		for _, name := range []string{RecordClock, RecordWitnesses} {
			if err := tx.Bucket(bucketRecords).Delete([]byte(name)); err != nil {
				return err
			}
		}
		return tx.Bucket(bucketMeta).Delete(keyHead)
	})
}
