package device

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"dpki/bundle"
	"dpki/internal/anchor"
	"dpki/internal/network"
	"dpki/state"
)

// Enrolment is what the device has learned from its bundles: name, zone, keys,
// network. It is kept in the journal and holds secrets.
type Enrolment struct {
	Materials *bundle.DeviceMaterials
	Network   network.File
	// Block and Seq say how new name and network are: a batch that came later
	// on the chain replaces them, whatever the order of reading.
	Block, Seq uint64
	// First is the block of the first bundle: batches before it hold nothing
	// that it did not bring.
	First uint64
}

// Why a bundle that was addressed to this device is not applied.
var (
	ErrOtherZone   = errors.New("the bundle is for another zone")
	ErrUnknownZone = errors.New("the bundle's zone is not one that the organisation has announced")
	ErrOtherChain  = errors.New("the bundle's network file names another chain or contract")
)

// enrolmentRecord is the form in the journal.
type enrolmentRecord struct {
	Version   int             `json:"version"` // 1
	Block     uint64          `json:"block"`
	Seq       uint64          `json:"seq"`
	First     uint64          `json:"first"`
	Materials json.RawMessage `json:"materials"`
}

func (e *Enrolment) marshal() ([]byte, error) {
	m, err := e.Materials.Marshal()
	if err != nil {
		return nil, err
	}
	return json.Marshal(enrolmentRecord{Version: 1, Block: e.Block, Seq: e.Seq, First: e.First, Materials: m})
}

func parseEnrolment(b []byte, a anchor.Anchor) (*Enrolment, error) {
	if len(b) == 0 {
		return nil, nil
	}
	var r enrolmentRecord
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil || r.Version != 1 {
		return nil, fmt.Errorf("enrolment in the journal: version %d: %v", r.Version, err)
	}
	m, err := bundle.ParseDeviceMaterials(r.Materials)
	if err != nil {
		return nil, fmt.Errorf("enrolment in the journal: %w", err)
	}
	e, err := newEnrolment(m, a, r.Block, r.Seq)
	if err != nil {
		return nil, fmt.Errorf("enrolment in the journal: %w", err)
	}
	e.First = r.First
	return e, nil
}

func newEnrolment(m *bundle.DeviceMaterials, a anchor.Anchor, block, seq uint64) (*Enrolment, error) {
	n, err := network.Parse([]byte(m.Network))
	if err != nil {
		return nil, err
	}
	if n.Registry() != a.Registry {
		return nil, ErrOtherChain
	}
	return &Enrolment{Materials: m, Network: n, Block: block, Seq: seq, First: block}, nil
}

// scopes are the three logs that an enrolled device follows.
func (e *Enrolment) scopes(org state.Word, id *bundle.Identity) state.Scopes {
	if e == nil {
		return state.Scopes{Org: org}
	}
	return state.Scopes{Org: org, Zone: e.Materials.Zone, Mailbox: id.MailboxSecret().Mailbox(e.Materials.Zone)}
}

// with adds what a later bundle brings. Keys add; name and network are the
// newest's; the zone never changes.
func (e *Enrolment) with(m *bundle.DeviceMaterials, a anchor.Anchor, block, seq uint64) (*Enrolment, error) {
	next, err := newEnrolment(m, a, block, seq)
	if err != nil || e == nil {
		return next, err
	}
	if m.Zone != e.Materials.Zone {
		return nil, ErrOtherZone
	}
	newest := next
	if e.Block > block || e.Block == block && e.Seq > seq {
		newest = e
	}
	merged := *newest.Materials
	merged.ZoneKeys = slices.Clone(e.Materials.ZoneKeys)
	for _, k := range m.ZoneKeys {
		i, known := slices.BinarySearchFunc(merged.ZoneKeys, k.ID, func(a bundle.NumberedKey, id uint32) int { return int(int64(a.ID) - int64(id)) })
		switch {
		case known && merged.ZoneKeys[i].Key != k.Key:
			return nil, fmt.Errorf("zone key %d: %w", k.ID, bundle.ErrKeyConflict)
		case !known:
			merged.ZoneKeys = slices.Insert(merged.ZoneKeys, i, k)
		}
	}
	return &Enrolment{Materials: &merged, Network: newest.Network, Block: newest.Block, Seq: newest.Seq, First: e.First}, nil
}
