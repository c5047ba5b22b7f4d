package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"slices"
	"time"

	"dpki/bundle"
	"dpki/contracts"
	"dpki/device"
	"dpki/state"
)

// deliveries measures from a delivery's block to the moment when the daemon says
// that it has applied it: a set of files, sealed to the device, in a store on
// loopback. What was delivered must stand there then.
func (d *bench) deliveries(t *report, n int) {
	const bar = 2 * time.Second
	var took sample
	var last state.Word
	for range n {
		random := make([]byte, 32)
		rand.Read(random)
		version := hex.EncodeToString(random)
		files := &bundle.Files{Version: 1, Name: "bench", Files: []bundle.File{{Path: "version", Mode: "0644", Content: bundle.Content(version)}}}
		content, err := files.Marshal()
		d.Must(err)
		until := uint64(time.Now().Add(time.Hour).Unix())
		block, entry, err := d.Org.Ring.Deliver(d.Org.Anchor, bundle.Outgoing{
			To: d.Asked.Recipient, Mailbox: d.ID, Until: until, Purpose: bundle.PurposeFiles, Content: content, Supersedes: last,
		})
		d.Must(err)
		_, err = d.Org.Blocks.Put(context.Background(), block.Bytes)
		d.Must(err)
		d.Org.Write(d.ID, contracts.Change{Action: state.ActionPut, Kind: state.KindDelivery, Until: until, Subject: entry.Subject, Data: entry.Data})
		mined := time.Now()
		d.Eventually("delivery", 20*time.Second, func(s device.Status) bool {
			return slices.ContainsFunc(s.Delivered, func(got device.Delivered) bool { return got.Subject == entry.Subject && got.Result == bundle.Applied })
		})
		took = append(took, time.Since(mined))
		last = entry.Subject
		if got, err := os.ReadFile("/etc/dpki/files.d/bench/version"); err != nil || string(got) != version {
			d.Fatalf("what was delivered is not there: %q, %v", got, err)
		}
	}
	worst := took.quantile(1)
	t.add("delivery's block to applied", short(took.median()), "2 s", worst <= bar, fmt.Sprintf("%s, worst %s, of %d", took.spread(), short(worst), n))
}
