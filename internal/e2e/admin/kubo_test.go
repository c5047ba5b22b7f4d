package admin

import (
	"strings"
	"testing"

	"dpki/internal/harness"
	"dpki/internal/harness/kubo"
	"dpki/internal/network"
)

// TestKubo: the administrator writes to a real IPFS node, the device reads from
// its gateway. Nothing of the sandbox's store is used.
func TestKubo(t *testing.T) {
	harness.Need(t, harness.Namespace, harness.Kubo)
	node := kubo.Start(t)
	r := newRig(t, network.Store{Type: network.Kubo, URL: node.API}, network.Store{Type: network.Gateway, URL: node.Gateway})
	r.Dpki(0, "ssh", "gate-7", "--account", "alice", "--", "true")
	r.Says(r.Dpki(0, "store", "check").Stdout, "blocks announced, 2 stores")

	// The node forgets everything: the check names what nobody serves, the
	// device, which has its keys, goes on.
	node.Run(t, append([]string{"pin", "rm"}, strings.Fields(node.Run(t, "pin", "ls", "--quiet"))...)...)
	node.Run(t, "repo", "gc")
	r.Says(r.Dpki(3, "store", "check").Stdout, "served by nobody")
	r.Dpki(0, "ssh", "gate-7", "--account", "alice", "--", "true")
}
