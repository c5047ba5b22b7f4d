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
	// Places is the network file that counts; nil = local root's alone does.
	Places *places
	// Block and Seq say how new the name is: a batch that came later on the
	// chain replaces it, whatever the order of reading.
	Block, Seq uint64
	// First is the block of the first bundle: batches before it hold nothing
	// that it did not bring.
	First uint64
}

// places is a network file that came in a bundle of somebody who may set the
// organisation's policy. Whoever names k endpoints decides what a device takes
// for the chain: the power to announce bundles in a zone is not enough for that.
type places struct {
	Text string `json:"text"`
	// Successor is the network file of another chain on which the organisation
	// goes on; mostly there is none.
	Successor string `json:"successor,omitempty"`
	Block     uint64 `json:"block"` // the batch's, as above
	Seq       uint64 `json:"seq"`

	file, successor network.File
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
	Places    *places         `json:"places,omitempty"`
}

func (e *Enrolment) marshal() ([]byte, error) {
	m, err := e.Materials.Marshal()
	if err != nil {
		return nil, err
	}
	return json.Marshal(enrolmentRecord{Version: 1, Block: e.Block, Seq: e.Seq, First: e.First, Materials: m, Places: e.Places})
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
	e := &Enrolment{Materials: m, Places: r.Places, Block: r.Block, Seq: r.Seq, First: r.First}
	if r.Places != nil {
		if err = r.Places.parse(a); err != nil {
			return nil, fmt.Errorf("enrolment in the journal: %w", err)
		}
	}
	return e, nil
}

// parse checks the texts.
func (p *places) parse(a anchor.Anchor) (err error) {
	if p.file, err = parsePlaces(p.Text, a); err != nil || p.Successor == "" {
		return err
	}
	p.successor, err = network.Parse([]byte(p.Successor))
	return err
}

func parsePlaces(text string, a anchor.Anchor) (network.File, error) {
	n, err := network.Parse([]byte(text))
	if err == nil && n.Registry() != a.Registry {
		err = ErrOtherChain
	}
	return n, err
}

// origin is where a bundle comes from.
type origin struct {
	block, seq uint64 // of the batch's entry
	directs    bool   // its authors may set the organisation's policy
}

func newEnrolment(m *bundle.DeviceMaterials, a anchor.Anchor, o origin) (*Enrolment, error) {
	p := &places{Text: m.Network, Successor: m.Successor, Block: o.block, Seq: o.seq}
	if err := p.parse(a); err != nil {
		return nil, err
	}
	e := &Enrolment{Materials: m, Block: o.block, Seq: o.seq, First: o.block}
	if o.directs {
		e.Places = p
	}
	return e, nil
}

// network is the network file of the bundles, nil where none counts.
func (e *Enrolment) network() *network.File {
	if e == nil || e.Places == nil {
		return nil
	}
	return &e.Places.file
}

// scopes are the three logs that an enrolled device follows.
func (e *Enrolment) scopes(org state.Word, id *bundle.Identity) state.Scopes {
	if e == nil {
		return state.Scopes{Org: org}
	}
	return state.Scopes{Org: org, Zone: e.Materials.Zone, Mailbox: id.MailboxSecret().Mailbox(e.Materials.Zone)}
}

// name is the device's own, as it asked for it.
func (e *Enrolment) name(asked string) string {
	if e == nil || asked != "" {
		return asked
	}
	return e.Materials.Name
}

// with adds what a later bundle brings. Keys add; name and network are the
// newest's that may say so; the zone is changed by a move alone.
func (e *Enrolment) with(m *bundle.DeviceMaterials, a anchor.Anchor, o origin) (*Enrolment, error) {
	next, err := newEnrolment(m, a, o)
	if err != nil || e == nil {
		return next, err
	}
	if m.Zone != e.Materials.Zone {
		return nil, ErrOtherZone
	}
	newest := next
	if later(e.Block, e.Seq, o.block, o.seq) {
		newest = e
	}
	named := next.Places
	if named == nil || e.Places != nil && later(e.Places.Block, e.Places.Seq, o.block, o.seq) {
		named = e.Places
	} else if next.Places != nil && e.Places != nil && next.Places.Successor == "" {
		// A file that speaks of no successor takes none back: later bundles are
		// about something else.
		named = &places{Text: named.Text, Block: named.Block, Seq: named.Seq, file: named.file, Successor: e.Places.Successor, successor: e.Places.successor}
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
	return &Enrolment{Materials: &merged, Places: named, Block: newest.Block, Seq: newest.Seq, First: e.First}, nil
}

// movedBy reports whether a bundle moves the device into another zone: announced
// by the organisation, to a device that its own zone has retired. A zone's
// administrator can do neither for another zone, and the organisation does both at
// once, so that the device is never in two.
func (e *Enrolment) movedBy(m *bundle.DeviceMaterials, batch *state.BatchFact, known *state.State) bool {
	return e != nil && m.Zone != e.Materials.Zone && batch.Scope == known.Scopes.Org && batch.Block >= e.Block &&
		known.Scopes.Zone == e.Materials.Zone && known.Retired()
}

// moved is what the device knows in its new zone: nothing of the old one but where
// the network is.
func (e *Enrolment) moved(m *bundle.DeviceMaterials, a anchor.Anchor, o origin) (*Enrolment, error) {
	next, err := newEnrolment(m, a, o)
	if err == nil && next.Places == nil {
		next.Places = e.Places
	}
	return next, err
}

func later(block, seq, thanBlock, thanSeq uint64) bool {
	return block > thanBlock || block == thanBlock && seq > thanSeq
}
