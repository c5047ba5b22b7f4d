package device

import (
	"fmt"
	"log/slog"
	"net/http/httptest"
	"testing"
	"time"

	"dpki/bundle"
	"dpki/bundle/store"
	"dpki/internal/harness"
	"dpki/internal/harness/fleet"
	"dpki/internal/network"
	"dpki/registry/mirror"
	"dpki/registry/source"
	"dpki/registry/witness"
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
	org := fleet.New(t, ticking)
	m := mirrored(t, org)
	r := newRig(t, org)
	r.network = org.Network
	r.start(nil)
	mailbox := r.enrol("gate-7")
	key, err := bundle.SigningKeyBytes(r.request("gate-7").SigningKey)
	if err != nil {
		t.Fatal(err)
	}
	marked := func(scope state.Word, seq uint64, result string) {
		t.Helper()
		harness.Eventually(t, 30*time.Second, func() error {
			r.boot.Add(int64(receiptSpacing)) // time passes between two receipts
			r.engine.Refresh(t.Context())
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
	if s := r.engine.Status(""); s.Endpoints != 0 || s.Mirrors != 1 || s.Problem != "" {
		t.Errorf("status %+v", s)
	}
	// What the device has no key for has not been applied, whatever its number.
	org.AddKey()
	org.NewCA()
	marked(org.Zone, 3, "entries without a key: 1")
	marked(mailbox, 0, bundle.Applied)
}

// All mirrors together are one voice beside the endpoints, and are asked after
// them; folders and mirrors are archives.
func TestMirrorsAreOneVoice(t *testing.T) {
	local := network.File{Agree: 1, Endpoints: []string{"http://a.example"}, Mirrors: []string{"http://m1.example"},
		Stores: []network.Store{{Type: network.Folder, Path: "/blocks"}}}
	zone := network.File{Agree: 2, Endpoints: []string{"http://b.example"}, Mirrors: []string{"http://m1.example", "http://m2.example"}}
	r := reachOf(local, &zone, witness.Set{})
	type place struct{ name, voice string }
	var got []place
	for _, e := range r.named(nil) {
		got = append(got, place{e.Name, e.Voice})
	}
	want := []place{{"endpoint 1 (a.example)", "a.example:80"}, {"endpoint 2 (b.example)", "b.example:80"}, {"mirror 1 (m1.example)", network.MirrorVoice}, {"mirror 2 (m2.example)", network.MirrorVoice}}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("endpoints %v, want %v", got, want)
	}
	var archives []string
	for _, a := range r.namedArchives(nil) {
		archives = append(archives, a.Name)
	}
	if fmt.Sprint(archives) != "[mirror 1 folder 1 mirror 2]" || r.mirrors() != 2 {
		t.Errorf("archives %v, %d mirrors", archives, r.mirrors())
	}
}
