package kubo

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"dpki/internal/harness"
)

// A Node is a running daemon.
type Node struct {
	*harness.Proc
	API     string // base URL of the RPC, as http://127.0.0.1:5001
	Gateway string // base URL of the gateway, as http://127.0.0.1:8080
	repo    string
	private bool
	swarm   int // port
	id      string
}

// Start starts one node that speaks to nobody.
func Start(t testing.TB) *Node {
	t.Helper()
	n := newNode(t, "")
	n.daemon(t)
	return n
}

// StartSwarm starts nodes that know one another, and nobody else, through a fresh swarm key. Nodes 1.. dial node 0.
func StartSwarm(t testing.TB, count int) []*Node {
	t.Helper()
	nodes := startApart(t, count)
	for _, n := range nodes[1:] {
		n.Run(t, "swarm", "connect", fmt.Sprintf("/ip4/127.0.0.1/tcp/%d/p2p/%s", nodes[0].swarm, nodes[0].id))
	}
	return nodes
}

// StartSwarmApart starts two nodes of one private swarm, neither of which has been
// told where the other is.
func StartSwarmApart(t testing.TB) (a, b *Node) {
	t.Helper()
	nodes := startApart(t, 2)
	return nodes[0], nodes[1]
}

func startApart(t testing.TB, count int) []*Node {
	t.Helper()
	secret := make([]byte, 32)
	rand.Read(secret) // never fails (crypto/rand since Go 1.24)
	key := "/key/swarm/psk/1.0.0/\n/base16/\n" + hex.EncodeToString(secret) + "\n"
	nodes := make([]*Node, count)
	for i := range nodes {
		nodes[i] = newNode(t, key)
		nodes[i].daemon(t)
	}
	return nodes
}

// Run runs the ipfs program against the node's repository and returns what it printed.
func (n *Node) Run(t testing.TB, args ...string) string {
	t.Helper()
	path, err := harness.KuboPath()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, args...)
	cmd.Env = n.env()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("ipfs %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// Restart starts the daemon again on the same repository, after Kill or Stop.
func (n *Node) Restart(t testing.TB) {
	t.Helper()
	n.daemon(t)
}

func newNode(t testing.TB, swarmKey string) *Node {
	t.Helper()
	harness.Need(t, harness.Kubo)
	n := &Node{repo: filepath.Join(t.TempDir(), "ipfs"), private: swarmKey != ""}
	n.Run(t, "init", "--profile", "test", "--empty-repo")
	if n.private {
		if err := os.WriteFile(filepath.Join(n.repo, "swarm.key"), []byte(swarmKey), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	api, gateway := harness.FreePort(t), harness.FreePort(t)
	n.swarm = harness.FreePort(t)
	n.API, n.Gateway = fmt.Sprintf("http://127.0.0.1:%d", api), fmt.Sprintf("http://127.0.0.1:%d", gateway)
	n.Run(t, "config", "Addresses.API", fmt.Sprintf("/ip4/127.0.0.1/tcp/%d", api))
	n.Run(t, "config", "Addresses.Gateway", fmt.Sprintf("/ip4/127.0.0.1/tcp/%d", gateway))
	n.Run(t, "config", "--json", "Addresses.Swarm", fmt.Sprintf(`["/ip4/127.0.0.1/tcp/%d"]`, n.swarm))
	// kubo asks a public service for its web certificate and its bootstrap addresses unless told not to.
	n.Run(t, "config", "--json", "AutoConf.Enabled", "false")
	n.Run(t, "config", "--json", "AutoTLS.Enabled", "false")
	n.Run(t, "config", "--json", "Bootstrap", "[]")
	n.Run(t, "config", "--json", "DNS.Resolvers", "{}")
	n.Run(t, "config", "--json", "Routing.DelegatedRouters", "[]")
	n.Run(t, "config", "--json", "Ipns.DelegatedPublishers", "[]")
	n.Run(t, "config", "Routing.Type", "none")
	n.id = n.Run(t, "config", "Identity.PeerID")
	return n
}

func (n *Node) daemon(t testing.TB) {
	t.Helper()
	path, err := harness.KuboPath()
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"daemon"}
	if !n.private {
		args = append(args, "--offline")
	}
	n.Proc = harness.Start(t, harness.Command{Path: path, Args: args, Env: n.env(), Ready: n.ready})
}

func (n *Node) ready(ctx context.Context, _ *harness.Proc) error {
	// The gateway begins after the RPC.
	gateway, err := net.Dial("tcp", strings.TrimPrefix(n.Gateway, "http://"))
	if err != nil {
		return err
	}
	gateway.Close()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, n.API+"/api/v0/version", nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s", res.Status)
	}
	return nil
}

func (n *Node) env() []string {
	env := []string{"PATH=/usr/bin:/bin", "HOME=" + filepath.Dir(n.repo), "IPFS_PATH=" + n.repo, "IPFS_TELEMETRY=off"}
	if n.private {
		env = append(env, "LIBP2P_FORCE_PNET=1")
	}
	return env
}
