package fleet

import (
	"context"
	"crypto/rand"
	"time"

	"dpki/bundle"
	"dpki/contracts"
	"dpki/state"
)

// Materials are what a device is given: the zone's keys and the network file.
func (f *Org) Materials(name string) *bundle.DeviceMaterials {
	f.t.Helper()
	text, err := f.Network.Marshal()
	f.must(err)
	return &bundle.DeviceMaterials{Version: 1, Name: name, Zone: f.Zone, ZoneName: "plant", ZoneKeys: f.Keys, Network: string(text), Successor: f.Successor}
}

// Enrol adds devices by one batch in the zone and returns the first one's mailbox.
func (f *Org) Enrol(requests ...*bundle.Request) state.Word {
	f.t.Helper()
	for _, r := range requests {
		f.must(f.Ring.AddMailbox(r.Mailbox(f.Zone), r.MailboxSecret))
	}
	f.Announce(f.Zone, func(r *bundle.Request) *bundle.DeviceMaterials { return f.Materials(r.Name) }, requests...)
	return requests[0].Mailbox(f.Zone)
}

// Announce writes a batch of materials into a scope, whatever they are.
func (f *Org) Announce(scope state.Word, materials func(*bundle.Request) *bundle.DeviceMaterials, requests ...*bundle.Request) {
	f.t.Helper()
	batch := bundle.NewBatch(f.Anchor, scope)
	for _, r := range requests {
		m := materials(r)
		f.names[r.Mailbox(m.Zone)] = r.Name
		content, err := m.Marshal()
		f.must(err)
		block, err := batch.Add(bundle.Item{To: r.Recipient, Mailbox: r.MailboxSecret, Purpose: bundle.PurposeDeviceMaterials, Content: content})
		f.must(err)
		f.store(block)
	}
	index, err := batch.Build()
	f.must(err)
	f.store(index.Root)
	for _, leaf := range index.Leaves {
		f.store(leaf)
	}
	f.Write(scope, contracts.Change{
		Action: state.ActionPut, Kind: state.KindBatch, Until: uint64(time.Now().Add(300 * 24 * time.Hour).Unix()), Subject: batch.Subject(), Data: index.Data,
	})
}

func (f *Org) store(b bundle.Block) {
	f.t.Helper()
	_, err := f.Blocks.Put(context.Background(), b.Bytes)
	f.must(err)
}

// AnnounceBlock writes a batch whose root is these bytes.
func (f *Org) AnnounceBlock(scope state.Word, root []byte) {
	f.t.Helper()
	block := bundle.Block{CID: bundle.Sum(root), Bytes: root}
	f.store(block)
	c := contracts.Change{Action: state.ActionPut, Kind: state.KindBatch, Until: uint64(time.Now().Add(time.Hour).Unix()), Data: state.MarshalBatch(state.Word(block.CID))}
	rand.Read(c.Subject[:])
	f.Write(scope, c)
}
