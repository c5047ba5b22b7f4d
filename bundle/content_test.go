package bundle

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"testing"

	"dpki/state"
)

func testMaterials() *DeviceMaterials {
	return &DeviceMaterials{Version: 1, Name: "gate-7", Zone: zone, ZoneName: "plant", ZoneKeys: []NumberedKey{{1, Key{1}}, {3, Key{3}}}, Network: "version = 1\n"}
}

// member enrols an identity in a zone of organisation 1.
func member(t testing.TB, i *Identity, name string, zone state.Word, hostKey string) RosterMember {
	t.Helper()
	r, err := i.NewRequest(anchorOf(1), name, hostKey)
	if err != nil {
		t.Fatal(err)
	}
	return r.Member(zone)
}

func testRoster(t testing.TB) *Roster {
	org, i := anchorOf(1).Org, testIdentity(t)
	z := RosterZone{Name: "plant", Salt: state.Word{4}, Zone: state.ZoneID(org, state.Word{4}), Keys: []NumberedKey{{1, Key{1}}}}
	return &Roster{
		Version: 1, OrgKey: []NumberedKey{{1, Key{9}}}, Zones: []RosterZone{z},
		Devices: []RosterMember{member(t, i, "gate-7", z.Zone, hostKey)}, People: []RosterMember{},
	}
}

func TestDeviceMaterials(t *testing.T) {
	m := testMaterials()
	b, err := m.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseDeviceMaterials(b)
	if err != nil || !reflect.DeepEqual(got, m) {
		t.Fatalf("parsed %v, %v", got, err)
	}
	text := func(old, new string) []byte { return bytes.Replace(b, []byte(old), []byte(new), 1) }
	changed := func(change func(*DeviceMaterials)) []byte {
		m := testMaterials()
		change(m)
		b, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for _, test := range []struct {
		name string
		b    []byte
		want error
	}{
		{"unknown version", changed(func(m *DeviceMaterials) { m.Version = 2 }), ErrMalformed},
		{"bad name", changed(func(m *DeviceMaterials) { m.Name = "Gate" }), ErrMalformed},
		{"bad zone name", changed(func(m *DeviceMaterials) { m.ZoneName = "" }), ErrMalformed},
		{"no zone", changed(func(m *DeviceMaterials) { m.Zone = state.Word{} }), ErrMalformed},
		{"no network", changed(func(m *DeviceMaterials) { m.Network = "" }), ErrMalformed},
		{"no key", changed(func(m *DeviceMaterials) { m.ZoneKeys = nil }), ErrMalformed},
		{"empty keys", changed(func(m *DeviceMaterials) { m.ZoneKeys = []NumberedKey{} }), ErrMalformed},
		{"key 0", changed(func(m *DeviceMaterials) { m.ZoneKeys[0].ID = 0 }), ErrMalformed},
		{"key of zeros", changed(func(m *DeviceMaterials) { m.ZoneKeys[0].Key = Key{} }), ErrMalformed},
		{"keys descending", changed(func(m *DeviceMaterials) { m.ZoneKeys[1].ID = 1 }), ErrMalformed},
		{"unknown field", text("{", `{"x":1,`), ErrMalformed},
		{"unknown field in a key", text(`{"id"`, `{"x":1,"id"`), ErrMalformed},
		{"field twice in a key", text(`{"id"`, `{"id":1,"id"`), ErrMalformed},
		{"trailing", append(bytes.Clone(b), ' ', '1'), ErrMalformed},
		{"negative id", text(`"id":1`, `"id":-1`), ErrMalformed},
		{"broken UTF-8", text("version = 1", "version = \xff"), ErrMalformed},
		{"upper-case zone", text(`"zone":"20`, `"zone":"AF`), ErrMalformed},
		{"too large", append(bytes.Clone(b), make([]byte, MaxContent)...), ErrTooLarge},
		{"intact", b, nil},
	} {
		got, err := ParseDeviceMaterials(test.b)
		if !errors.Is(err, test.want) || (err == nil) != (test.want == nil) || (got == nil) != (test.want != nil) {
			t.Errorf("%s: %v, want %v", test.name, err, test.want)
		}
	}
	i := testIdentity(t)
	r, err := m.Ring(anchorOf(1), i.MailboxSecret())
	if err != nil || !r.Has(zone) || !r.Has(i.MailboxSecret().Mailbox(zone)) || r.Has(anchorOf(1).Org) {
		t.Errorf("ring of the materials: %v, %v", r, err)
	}
}

func TestRoster(t *testing.T) {
	org, want := anchorOf(1).Org, testRoster(t)
	b, err := want.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseRoster(b, org)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := got.Marshal(); err != nil || !bytes.Equal(again, b) {
		t.Errorf("Marshal(Parse(x)) differs: %v", err)
	}
	changed := func(change func(*Roster)) []byte {
		r := testRoster(t)
		change(r)
		b, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for _, test := range []struct {
		name string
		b    []byte
		want error
	}{
		{"unknown version", changed(func(r *Roster) { r.Version = 0 }), ErrMalformed},
		{"zone of another salt", changed(func(r *Roster) { r.Zones[0].Salt[0]++ }), ErrMalformed},
		{"zone name", changed(func(r *Roster) { r.Zones[0].Name = "a b" }), ErrMalformed},
		{"device of another mailbox", changed(func(r *Roster) { r.Devices[0].Device[0]++ }), ErrMalformed},
		{"device of another zone", changed(func(r *Roster) { r.Devices[0].Zone[0]++ }), ErrMalformed},
		{"device name", changed(func(r *Roster) { r.Devices[0].Name = "\x1b[2J" }), ErrMalformed},
		{"host key", changed(func(r *Roster) { r.Devices[0].HostKey = "ssh-rsa x" }), ErrMalformed},
		{"signing key", changed(func(r *Roster) { r.Devices[0].SigningKey = "" }), ErrMalformed},
		{"org key 0", changed(func(r *Roster) { r.OrgKey[0].ID = 0 }), ErrMalformed},
		{"null", changed(func(r *Roster) { r.People = nil }), ErrMalformed},
		{"intact", changed(func(*Roster) {}), nil},
	} {
		got, err := ParseRoster(test.b, org)
		if !errors.Is(err, test.want) || (err == nil) != (test.want == nil) || (got == nil) != (test.want != nil) {
			t.Errorf("%s: %v, want %v", test.name, err, test.want)
		}
	}
	if _, err := ParseRoster(b, state.Word{2}); !errors.Is(err, ErrMalformed) {
		t.Errorf("in another organisation: %v, want ErrMalformed", err)
	}
	if _, err := ParseRoster([]byte(`{"version":1}`), org); err != nil {
		t.Errorf("an empty part: %v", err)
	}
	ring, err := want.Ring(anchorOf(1))
	if err != nil || !ring.Has(org) || !ring.Has(want.Zones[0].Zone) || !ring.Has(want.Devices[0].Device) {
		t.Errorf("ring of the roster: %v, %v", ring, err)
	}
}

func TestRosterMerge(t *testing.T) {
	earlier, later := testRoster(t), testRoster(t)
	later.OrgKey = []NumberedKey{{1, Key{10}}, {2, Key{11}}}
	later.Zones[0].Name, later.Zones[0].Keys = "plant-2", []NumberedKey{{2, Key{2}}}
	later.Devices[0].Name = "gate-8"
	i := newIdentity(t)
	later.People = []RosterMember{member(t, i, "ada", later.Zones[0].Zone, "")}
	got := earlier.Merge(later)
	if want := []NumberedKey{{1, Key{10}}, {2, Key{11}}}; !reflect.DeepEqual(got.OrgKey, want) {
		t.Error("organisation keys: want the later key 1 and key 2")
	}
	if z := got.Zones; len(z) != 1 || z[0].Name != "plant-2" || !reflect.DeepEqual(z[0].Keys, []NumberedKey{{1, Key{1}}, {2, Key{2}}}) {
		t.Errorf("zones %+v: want one, of the later name, with both keys", z)
	}
	if len(got.Devices) != 1 || got.Devices[0].Name != "gate-8" || len(got.People) != 1 {
		t.Errorf("members %v %v", got.Devices, got.People)
	}
	if len(earlier.Zones[0].Keys) != 1 || earlier.Zones[0].Name != "plant" || earlier.Devices[0].Name != "gate-7" {
		t.Error("Merge changed its receiver")
	}
}

func TestRosterSplit(t *testing.T) {
	org := anchorOf(1).Org
	r := testRoster(t)
	r.Devices = nil
	base := testIdentity(t)
	for n := range 50 {
		m := member(t, base, fmt.Sprintf("gate-%d", n), r.Zones[0].Zone, hostKey)
		m.MailboxSecret = MailboxSecret{byte(n + 1)}
		m.Device = m.MailboxSecret.Mailbox(m.Zone)
		r.Devices = append(r.Devices, m)
	}
	parts, err := r.split(20_000)
	if err != nil {
		t.Fatal(err)
	}
	if len(parts) < 5 {
		t.Errorf("%d parts of 20,000 bytes", len(parts))
	}
	all := &Roster{Version: 1}
	for _, part := range parts {
		if len(part) > 20_000 {
			t.Errorf("a part of %d bytes", len(part))
		}
		p, err := ParseRoster(part, org)
		if err != nil {
			t.Fatal(err)
		}
		all = all.Merge(p)
	}
	want, err := (&Roster{Version: 1}).Merge(r).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := all.Marshal(); err != nil || !bytes.Equal(got, want) {
		t.Errorf("the parts together are another roster (%v)", err)
	}
	if one, err := r.Split(); err != nil || len(one) != 1 {
		t.Errorf("Split: %d parts, %v, want one", len(one), err)
	}
	if empty, err := (&Roster{Version: 1}).Split(); err != nil || len(empty) != 1 {
		t.Errorf("Split of nothing: %d parts, %v, want one", len(empty), err)
	}
	if _, err := r.split(1000); !errors.Is(err, ErrTooLarge) {
		t.Errorf("a line that fits no part: %v, want ErrTooLarge", err)
	}
}
