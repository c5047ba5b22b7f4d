package device_test

import (
	"fmt"
	"log/slog"
	"net/http/httptest"
	"testing"
	"time"

	"dpki/bundle"
	"dpki/bundle/store"
	"dpki/device"
	"dpki/internal/harness"
	"dpki/internal/harness/fleet"
	"dpki/internal/harness/follower"
	"dpki/registry/mirror"
	"dpki/registry/source"
	"dpki/state"
)

// mirrored starts a mirror of an organisation's chain and stores.
func mirrored(t *testing.T, org *fleet.Org) *source.Mirror {
	t.Helper()
	up, err := source.Dial(org.Chain.HTTP)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(up.Close)
	blocks, err := store.NewSandbox(org.Chain.HTTP)
	if err != nil {
		t.Fatal(err)
	}
	server, err := mirror.New(mirror.Config{Registry: org.Chain.Registry(), Chain: []mirror.Source{up}, Blocks: blocks, Dir: t.TempDir(),
		Memory: 1 << 20, Disk: 1 << 20, Rate: 1e6, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(server)
	t.Cleanup(s.Close)
	m, err := source.DialMirror(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	org.Network.Endpoints, org.Network.Stores, org.Network.Mirrors = nil, nil, []string{s.URL}
	return m
}

// A device that reaches a mirror and nothing else enrols, and tells it how far it
// has come; each receipt is signed by the key of its request.
func TestReceiptsToAMirror(t *testing.T) {
	t.Parallel()
	org := fleet.New(t, follower.Ticking)
	m := mirrored(t, org)
	r := follower.New(t, org)
	r.Network = org.Network
	r.Start(nil)
	mailbox := r.Enrol("gate-7")
	key, err := bundle.SigningKeyBytes(r.Request("gate-7").SigningKey)
	if err != nil {
		t.Fatal(err)
	}
	marked := func(scope state.Word, seq uint64, result string) {
		t.Helper()
		harness.Eventually(t, 30*time.Second, func() error {
			r.Boot.Add(int64(device.ReceiptSpacing)) // time passes between two receipts
			r.Engine.Refresh(t.Context())
			b, err := m.Receipt(t.Context(), key)
			if err != nil {
				return err
			}
			receipt, err := bundle.ParseReceipt(b)
			if err != nil {
				return err
			}
			got, _ := receipt.Of(scope)
			if receipt.Device != mailbox || receipt.Anchor != org.Anchor || got.Seq != seq || got.Result != result {
				return fmt.Errorf("%s", b)
			}
			return nil
		})
	}
	marked(org.Anchor.Org, 2, bundle.Applied) // the root administrator and the zone
	marked(org.Zone, 1, bundle.Applied)       // the batch
	org.NewCA()
	marked(org.Zone, 2, bundle.Applied)
	if s := r.Engine.Status(""); s.Endpoints != 0 || s.Mirrors != 1 || s.Problem != "" {
		t.Errorf("status %+v", s)
	}
	// What the device has no key for has not been applied, whatever its number.
	org.AddKey()
	org.NewCA()
	marked(org.Zone, 3, "entries without a key: 1")
	marked(mailbox, 0, bundle.Applied)
}
