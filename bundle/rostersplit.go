package bundle

import (
	"encoding/json"
	"fmt"
	"math"
)

// Split cuts a roster into contents that fit one bundle each, in the order of
// the batch's parts. Merging them gives the roster again.
func (r *Roster) Split() ([][]byte, error) { return r.split(MaxContent) }

// split packs the roster's lines greedily. Each part is a roster of its own;
// sizes are counted from the encoded lines plus a fixed allowance for the frame.
func (r *Roster) split(max int) ([][]byte, error) {
	const frame = 128
	var parts []*Roster
	used := max // forces the first part
	place := func(line any, add func(*Roster)) error {
		b, err := json.Marshal(line)
		if err != nil {
			return fmt.Errorf("admin roster: %w", err)
		}
		size := len(b) + 1
		if size > max-frame {
			return fmt.Errorf("admin roster: a line of %d bytes: %w", size, ErrTooLarge)
		}
		if used+size > max-frame {
			parts, used = append(parts, &Roster{Version: 1}), 0
		}
		used += size
		add(parts[len(parts)-1])
		return nil
	}
	for _, k := range r.OrgKey {
		if err := place(k, func(p *Roster) { p.OrgKey = append(p.OrgKey, k) }); err != nil {
			return nil, err
		}
	}
	for _, z := range r.filled().Zones {
		if err := place(z, func(p *Roster) { p.Zones = append(p.Zones, z) }); err != nil {
			return nil, err
		}
	}
	for _, m := range r.Devices {
		if err := place(m, func(p *Roster) { p.Devices = append(p.Devices, m) }); err != nil {
			return nil, err
		}
	}
	for _, m := range r.People {
		if err := place(m, func(p *Roster) { p.People = append(p.People, m) }); err != nil {
			return nil, err
		}
	}
	if len(parts) == 0 {
		parts = []*Roster{{Version: 1}}
	}
	if len(parts) > math.MaxUint16 {
		return nil, fmt.Errorf("admin roster of %d parts: %w", len(parts), ErrTooLarge)
	}
	contents := make([][]byte, len(parts))
	for i, p := range parts {
		var err error
		if contents[i], err = p.Marshal(); err != nil {
			return nil, err
		}
	}
	return contents, nil
}
