package device

import (
	"fmt"

	"dpki/device/journal"
	"dpki/internal/network"
	"dpki/registry/witness"
)

// loadPinned reads the witnesses that were pinned before.
func loadPinned(j *journal.Journal) (witness.Set, error) {
	b, err := j.Record(journal.RecordWitnesses)
	if err != nil || b == nil {
		return witness.Set{}, err
	}
	set, err := witness.ParseSet(b)
	if err != nil {
		return witness.Set{}, fmt.Errorf("%w: witnesses: %w", journal.ErrCorrupt, err)
	}
	return set, nil
}

// pin takes the witnesses that the network files name, as far as the pinned ones
// agree to it, and gives the zone's file, unless it names others.
//
// The first set that is named is pinned: whoever names witnesses only adds to
// what a block needs. From then on not even somebody who may set the
// organisation's policy takes them away, or root's own file: after k of the old
// witnesses, reset-trust by local root is the only way.
func (e *Engine) pin() (zone *network.File, err error) {
	next, err := e.pinned.Follow(e.c.Network.WitnessSet(), e.c.Network.Rotations, e.c.Anchor.String())
	if err != nil {
		return nil, fmt.Errorf("the network file: %w", err)
	}
	if zone = e.enrolment.network(); zone != nil {
		after, err := next.Follow(zone.WitnessSet(), zone.Rotations, e.c.Anchor.String())
		if err != nil {
			e.c.Log.Error("the zone's network file is not used", "error", err)
			zone = nil
		} else {
			next = after
		}
	}
	if next.Equal(e.pinned) {
		return zone, nil
	}
	if err := e.c.Journal.SetRecord(journal.RecordWitnesses, next.Marshal()); err != nil {
		// They count from now on, and are named again at the next start.
		e.c.Log.Error("the pinned witnesses could not be written", "error", err)
	}
	e.c.Log.Info("witnesses pinned", "version", next.Version, "agree", next.Agree, "of", len(next.Keys))
	e.pinned = next
	return zone, nil
}

// follows reports why a zone's new network file may not be used.
func (e *Engine) follows(n network.File) error {
	_, err := e.pinned.Follow(n.WitnessSet(), n.Rotations, e.c.Anchor.String())
	return err
}
