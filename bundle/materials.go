package bundle

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"

	"dpki/state"
)

// NumberedKey is a scope key with its number, from 1.
type NumberedKey struct {
	ID  uint32 `json:"id"`
	Key Key    `json:"key"`
}

// DeviceMaterials is the content of purpose 1: what a device needs to follow
// its zone. A later one replaces an earlier one, except that keys add.
type DeviceMaterials struct {
	Version  int           `json:"version"` // 1
	Name     string        `json:"name"`
	Zone     state.Word    `json:"zone"`
	ZoneName string        `json:"zone_name"`
	ZoneKeys []NumberedKey `json:"zone_keys"` // ascending, at least one: every key whose entries may still live
	Network  string        `json:"network"`   // the network file (docs/formats.md section 8), as text
	// Successor is the network file of the chain on which the organisation goes on
	// where that is another one, as text.
	Successor string `json:"successor,omitempty"`
}

// Marshal checks and encodes the content.
func (m *DeviceMaterials) Marshal() ([]byte, error) {
	if err := m.check(); err != nil {
		return nil, err
	}
	return marshalContent(m)
}

// ParseDeviceMaterials decodes the content of a bundle with purpose 1. The
// network text is the caller's to parse.
func ParseDeviceMaterials(b []byte) (*DeviceMaterials, error) {
	m := &DeviceMaterials{}
	if err := decodeStrict(b, MaxContent, m); err != nil {
		return nil, fmt.Errorf("device materials: %w", err)
	}
	if err := m.check(); err != nil {
		return nil, err
	}
	return m, nil
}

func (m *DeviceMaterials) check() error {
	switch {
	case m.Version != 1:
		return malformed("device materials of version %d", m.Version)
	case !state.ValidName(m.Name) || !state.ValidName(m.ZoneName):
		return malformed("device materials: name %.80q in zone %.80q", m.Name, m.ZoneName)
	case m.Zone.IsZero() || m.Network == "":
		return malformed("device materials without zone or network")
	case len(m.ZoneKeys) == 0:
		return malformed("device materials without a zone key")
	}
	return checkKeys(m.ZoneKeys)
}

// checkKeys: numbered from 1, strictly ascending, none empty.
func checkKeys(keys []NumberedKey) error {
	last := uint32(0)
	for _, k := range keys {
		if k.ID <= last || k.Key == (Key{}) {
			return malformed("key %d after key %d", k.ID, last)
		}
		last = k.ID
	}
	return nil
}

// mergeKeys unites two lists; for one number the later list wins.
func mergeKeys(earlier, later []NumberedKey) []NumberedKey {
	return mergeBy(earlier, later, func(k NumberedKey) uint32 { return k.ID }, func(a, b NumberedKey) int {
		return cmp.Compare(a.ID, b.ID)
	})
}

// mergeBy unites two lists by id and sorts; for one id the later list wins.
func mergeBy[T any, K comparable](earlier, later []T, id func(T) K, compare func(a, b T) int) []T {
	byID := make(map[K]T, len(earlier)+len(later))
	for _, v := range slices.Concat(earlier, later) {
		byID[id(v)] = v
	}
	out := make([]T, 0, len(byID))
	for _, v := range byID {
		out = append(out, v)
	}
	slices.SortFunc(out, compare)
	return out
}

func marshalContent(v any) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("content: %w", err)
	}
	if len(b) > MaxContent {
		return nil, fmt.Errorf("content of %d bytes, at most %d: %w", len(b), MaxContent, ErrTooLarge)
	}
	return b, nil
}
