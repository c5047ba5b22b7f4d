package chain

import (
	"context"
	"crypto/sha256"
	"testing"
	"time"

	"dpki/bundle"
	"dpki/bundle/store"
	"dpki/contracts"
	"dpki/device"
	"dpki/internal/devchain"
	"dpki/internal/harness/fleet"
	"dpki/internal/harness/machine"
	"dpki/state"
)

// hostile makes a batch whose only bundle for this device a change has spoilt.
type hostile struct {
	t     *testing.T
	org   *fleet.Org
	store store.Store
}

// announce writes a batch with one block for a request's mailbox, sealed to whom
// it says; then changes the block, or withholds it where that returns nil.
func (h *hostile) announce(r *bundle.Request, to *bundle.Request, m *bundle.DeviceMaterials, purpose bundle.Purpose, change func([]byte) []byte) {
	h.t.Helper()
	must := func(err error) {
		h.t.Helper()
		if err != nil {
			h.t.Fatal(err)
		}
	}
	content, err := m.Marshal()
	must(err)
	batch := bundle.NewBatch(h.org.Anchor, h.org.Zone)
	block, err := batch.Add(bundle.Item{To: to.Recipient, Mailbox: r.MailboxSecret, Purpose: purpose, Content: content})
	must(err)
	index, err := batch.Build()
	must(err)
	put := func(b []byte) {
		_, err := h.store.Put(context.Background(), b)
		must(err)
	}
	root, leaves := index.Root.Bytes, [][]byte{}
	for _, l := range index.Leaves {
		leaves = append(leaves, l.Bytes)
	}
	if change != nil {
		// The leaf names what is served: content addressing alone does not help.
		if block.Bytes = change(block.Bytes); block.Bytes != nil {
			digest := sha256.Sum256(block.Bytes)
			copy(leaves[0][len(leaves[0])-32:], digest[:])
			leaf := sha256.Sum256(leaves[0])
			copy(root[len(root)-32:], leaf[:])
		}
	}
	data := index.Data
	if change != nil {
		digest := sha256.Sum256(root)
		data = state.MarshalBatch(digest)
	}
	if block.Bytes != nil {
		put(block.Bytes)
	}
	put(root)
	for _, l := range leaves {
		put(l)
	}
	h.org.Write(h.org.Zone, contracts.Change{Action: state.ActionPut, Kind: state.KindBatch, Until: uint64(time.Now().Unix()) + 100_000, Subject: batch.Subject(), Data: data})
}

// A device takes nothing but its own materials, whoever announces what.
func TestHostileBundles(t *testing.T) {
	// Blocks come whether anything is written or not: the device looks again.
	org := fleet.New(t, devchain.Options{BlockTime: time.Second})
	org.Network.Endpoints = []string{org.Chain.WS}
	blocks, err := store.NewSandbox(org.Chain.HTTP)
	if err != nil {
		t.Fatal(err)
	}
	h := &hostile{t: t, org: org, store: blocks}
	id, err := bundle.GenerateIdentity()
	if err != nil {
		t.Fatal(err)
	}
	other, err := id.NewRequest(org.Anchor, "gate-8", "")
	if err != nil {
		t.Fatal(err)
	}
	otherZone := org.NewZone("other")
	materials := func(change func(*bundle.DeviceMaterials)) *bundle.DeviceMaterials {
		m := org.Materials("gate-7")
		if change != nil {
			change(m)
		}
		return m
	}
	flip := func(at int) func([]byte) []byte {
		return func(b []byte) []byte { b = append([]byte{}, b...); b[at%len(b)] ^= 1; return b }
	}
	refusals := 0
	m := machine.New(t, org, machine.Options{Before: func(m *machine.Machine) {
		for _, row := range []struct {
			name   string
			attack func()
		}{
			{"a bit of its header flipped", func() { h.announce(m.Asked, m.Asked, materials(nil), bundle.PurposeDeviceMaterials, flip(100)) }},
			{"a bit of its body flipped", func() { h.announce(m.Asked, m.Asked, materials(nil), bundle.PurposeDeviceMaterials, flip(1<<20-1)) }},
			{"cut off", func() {
				h.announce(m.Asked, m.Asked, materials(nil), bundle.PurposeDeviceMaterials, func(b []byte) []byte { return b[:len(b)-1] })
			}},
			{"a byte more", func() {
				h.announce(m.Asked, m.Asked, materials(nil), bundle.PurposeDeviceMaterials, func(b []byte) []byte { return append(b[:len(b):len(b)], 0) })
			}},
			{"for another recipient", func() { h.announce(m.Asked, other, materials(nil), bundle.PurposeDeviceMaterials, nil) }},
			{"for another purpose", func() { h.announce(m.Asked, m.Asked, materials(nil), bundle.PurposeCA, nil) }},
			{"of another zone", func() {
				h.announce(m.Asked, m.Asked, materials(func(d *bundle.DeviceMaterials) { d.Zone = otherZone }), bundle.PurposeDeviceMaterials, nil)
			}},
			{"of a zone that does not exist", func() {
				h.announce(m.Asked, m.Asked, materials(func(d *bundle.DeviceMaterials) { d.Zone = state.Keccak256([]byte("no zone")) }), bundle.PurposeDeviceMaterials, nil)
			}},
		} {
			row.attack()
			block := org.Chain.Number()
			m.Eventually(row.name, settled, func(s device.Status) bool { return s.Block > block+1 })
			if s, err := m.Status(); err != nil || s.Enrolled {
				t.Errorf("%s: enrolled by it (%v)", row.name, err)
			}
			refusals++
		}
	}})
	if refusals == 0 {
		t.Error("nothing was tried")
	}
	// The twin is what New does next: the same announcement, right. And it stands against what comes later.
	h.announce(m.Asked, m.Asked, materials(func(d *bundle.DeviceMaterials) { d.Zone = otherZone }), bundle.PurposeDeviceMaterials, nil)
	block := org.Chain.Number()
	s := m.Eventually("more blocks", settled, func(s device.Status) bool { return s.Block > block+1 })
	if s.Zone != org.Zone.String() {
		t.Errorf("after materials of another zone the device is in %s", s.Zone)
	}
	ca, key := org.NewCA(), org.NewKey()
	grant := org.Grant(m.ID, state.KindGrant, "alice", key.PublicKey(), time.Hour)
	granted := org.Chain.Number()
	m.Eventually("the grant", settled, func(s device.Status) bool { return s.Block >= granted })
	m.Accepted("after all of that", "alice", key, org.Certificate(ca, key.PublicKey(), grant))
}
