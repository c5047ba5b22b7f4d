package deliver

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dpki/internal/harness"
	"dpki/internal/harness/desk"
	"dpki/internal/harness/kubo"
	"dpki/internal/network"
)

// TestPinningService: an administrator names a pinning service; what he announces
// ends up on its node, which outlives his own. The token stays in its file.
func TestPinningService(t *testing.T) {
	harness.Need(t, harness.Namespace, harness.Kubo)
	t.Parallel()
	own, far := kubo.StartSwarmApart(t)
	service := kubo.StartPinning(t, far)
	d := desk.New(t, func(n *network.File) {
		n.Stores = []network.Store{{Type: network.Kubo, URL: own.API}, {Type: network.Gateway, URL: far.Gateway}}
	})
	// From now on with the service. Without its token nothing is done.
	n, err := network.Load(d.Network)
	d.Must(err)
	n.Stores = append(n.Stores, network.Store{Type: network.Pinning, URL: service.URL})
	text, err := n.Marshal()
	d.Must(err)
	file, token := filepath.Join(d.Dir, "pinned.toml"), filepath.Join(d.Dir, "token")
	d.Must(os.WriteFile(file, text, 0o600))
	d.Must(os.WriteFile(token, []byte(service.Token+"\n"), 0o644))
	d.Says(d.Dpki(2, "--network", file, "zone", "create", "depot").Stderr, "no token is known here", "dpki store token")
	d.Says(d.Dpki(2, "store", "token", service.URL, token).Stderr, "mode 0600") // others may read it
	d.Must(os.Chmod(token, 0o600))
	d.Dpki(0, "store", "token", service.URL, token)
	d.Dpki(0, "--network", file, "zone", "create", "depot")
	for cid, status := range service.Orders() {
		if status != "pinned" {
			t.Errorf("%s is %s", cid, status)
		}
	}
	pinned := len(service.Orders())
	if pinned == 0 {
		t.Fatal("nothing was ordered")
	}
	// What came before the service is named, and ordered.
	d.Says(d.Dpki(0, "--network", file, "store", "check").Stdout, "3 stores", "only by kubo", "content for")
	d.Dpki(0, "--network", file, "store", "check", "--repair")
	if got := len(service.Orders()); got <= pinned {
		t.Errorf("%d orders after the repair, %d before", got, pinned)
	}
	if got := d.Dpki(0, "--network", file, "store", "check").Stdout; strings.Contains(got, "CID") {
		t.Errorf("after the repair: %s", got)
	}
	// The administrator's node is gone for good: everything is there all the same.
	own.Kill()
	far.Run(t, "repo", "gc")
	gatewayOnly := n
	gatewayOnly.Stores = []network.Store{{Type: network.Gateway, URL: far.Gateway}}
	text, err = gatewayOnly.Marshal()
	d.Must(err)
	file = filepath.Join(d.Dir, "gateway.toml")
	d.Must(os.WriteFile(file, text, 0o600))
	d.Dpki(0, "--network", file, "store", "check")

	holders := 0
	d.Must(filepath.WalkDir(d.Dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		if strings.Contains(string(b), service.Token) && path != token {
			t.Errorf("the token stands in %s", path)
		} else if path == token {
			holders++
		}
		return err
	}))
	if holders != 1 {
		t.Error("the token's own file was not looked at")
	}
}
