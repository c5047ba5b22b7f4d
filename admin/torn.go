package admin

import (
	"slices"

	"dpki/bundle"
)

// noteTorn finds keys that two administrators made under one number, at the same
// moment. Each device keeps the one that it saw first.
func (d *Desk) noteTorn(known, part *bundle.Roster) {
	for _, z := range part.Zones {
		for _, old := range known.Zones {
			if old.Zone != z.Zone {
				continue
			}
			for _, k := range z.Keys {
				if slices.ContainsFunc(old.Keys, func(o bundle.NumberedKey) bool { return o.ID == k.ID && o.Key != k.Key }) {
					d.torn[zoneKey{z.Zone, k.ID}] = true
				}
			}
		}
	}
}

// agreed are the zone's keys that everybody has alike: what devices are handed. One
// that some of them have otherwise would have them refuse the others.
func (d *Desk) agreed(z bundle.RosterZone) []bundle.NumberedKey {
	return slices.DeleteFunc(slices.Clone(z.Keys), func(k bundle.NumberedKey) bool { return d.torn[zoneKey{z.Zone, k.ID}] })
}

// checkTorn: as long as no later key has taken its place, what is sealed with such
// a key is read by some devices and not by others.
func (d *Desk) checkTorn(z bundle.RosterZone) []Check {
	if len(z.Keys) == 0 || !d.torn[zoneKey{z.Zone, newestKey(z)}] {
		return nil
	}
	return []Check{{
		What: "zone " + z.Name, Standing: Bad, Text: "two administrators gave it a key at the same moment: some devices cannot read what is entered now",
		Hint: "dpki zone rekey " + z.Name + ", by one of them; then enter anew what was entered since",
	}}
}
