// Package witnesses lies to a real device by all of its endpoints at once, while
// real witnesses sign what their own node shows.
package witnesses

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"dpki/authkeys"
	"dpki/internal/devchain"
	"dpki/internal/e2e/attack/siege"
	"dpki/internal/harness"
	"dpki/internal/harness/fleet"
	"dpki/internal/harness/hostile"
	"dpki/internal/network"
	"dpki/registry/verify"
	"dpki/registry/witness"
	"dpki/registry/witness/signer"

	"github.com/ethereum/go-ethereum/core/types"
)

func TestMain(m *testing.M) { harness.Main(m, "dpkid", "dpki-authkeys", "dpki") }

// watch are witnesses, each of which can be run beside any node.
type watch struct {
	*testing.T
	file string // the network file
	all  []*one
}

type one struct {
	key  string // file
	port int
	proc *harness.Proc
}

// newWatch makes witnesses and names them in what devices are told.
func newWatch(t *testing.T, org *fleet.Org, n, agree int) *watch {
	t.Helper()
	dir := t.TempDir()
	w := &watch{T: t, file: filepath.Join(dir, "network.toml")}
	text, err := org.Network.Marshal() // before it names witnesses: those need only the chain
	if err == nil {
		err = os.WriteFile(w.file, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	org.Network.WitnessVersion, org.Network.WitnessAgree = 1, agree
	for i := range n {
		o := &one{key: filepath.Join(dir, fmt.Sprintf("witness-%d.pem", i)), port: harness.FreePort(t)}
		private, err := signer.CreateKey(o.key)
		if err != nil {
			t.Fatal(err)
		}
		w.all = append(w.all, o)
		org.Network.Witnesses = append(org.Network.Witnesses, network.Witness{
			Name: fmt.Sprintf("witness-%d", i), Key: witness.KeyOf(private), URL: fmt.Sprintf("http://127.0.0.1:%d", o.port),
		})
	}
	return w
}

// beside runs the first n witnesses beside a node, wherever they ran before.
func (w *watch) beside(c *devchain.Chain, n int) {
	w.Helper()
	for _, o := range w.all {
		if o.proc != nil {
			o.proc.Stop()
		}
	}
	for _, o := range w.all[:n] {
		o.proc = harness.Start(w, harness.Command{
			Path: harness.Bin(w, "dpki"), Args: []string{"--network", w.file, "witness", "run", "--key", o.key, "--node", c.WS, "--listen", fmt.Sprintf("127.0.0.1:%d", o.port)},
			Ready: harness.Says("serves its checkpoints"),
		})
	}
}

// TestColludersAgainstWitnesses: all endpoints lie together, as TestAsManyAsAgree
// of the package above, whose twin this is. What they invent is not let in, since
// the witnesses have not signed the block; what they hide, they hide no longer
// than freshness and the offline period say. As many witnesses as must agree,
// lying with them, are the documented limit.
func TestColludersAgainstWitnesses(t *testing.T) {
	chain := siege.Durable(t)
	var w *watch
	s := siege.New(t, siege.Plan{Endpoints: 3, Agree: 2, Chain: chain, Prepare: func(org *fleet.Org, _ *siege.Site) {
		w = newWatch(t, org, 3, 2)
		w.beside(org.Chain, 2)
	}})
	u := s.Granted("alice")
	s.Until("granted", u, true)
	s.Current("before the fork")
	forked := s.Fork(chain)
	w.beside(s.Org.Chain, 2)
	invented := s.Ungranted("alice")
	forked.Write(s.ID, invented.Grant)
	forked.Chain.Mine(50)
	all := func(l hostile.Lie) {
		for _, e := range s.Endpoints {
			e.Tell(l)
		}
	}

	all(hostile.Elsewhere(forked.Chain.HTTP))
	s.Problem(verify.ErrWitness.Error())
	s.Refuses("all endpoints", invented, authkeys.GrantUnknown)
	s.LetsIn("all endpoints", u)

	// The twin: the truth, at once and without anybody's help.
	s.Revoke(u)
	all(nil)
	s.Until("the twin: the truth", u, false)
	s.Refuses("the twin: the truth", invented, authkeys.GrantUnknown)

	// A time and a number of their own, at a root that is true.
	for name, change := range map[string]func(*types.Header){
		"a far time":  func(h *types.Header) { h.Time += 365 * 86400 },
		"a far block": func(h *types.Header) { h.Number.SetUint64(1 << 40) },
	} {
		late := s.Ungranted("alice")
		all(hostile.Header(change))
		s.Org.Write(s.ID, late.Grant)
		s.Problem("endpoint")
		s.Refuses(name, late, authkeys.GrantUnknown)
		all(nil)
		s.Until("the twin of "+name, late, true)
	}

	// One witness lies with them: it is not enough.
	forked.Chain.Mine(200)
	w.beside(forked.Chain, 1)
	all(hostile.Elsewhere(forked.Chain.HTTP))
	s.Problem(verify.ErrWitness.Error())
	s.Refuses("all endpoints and one witness", invented, authkeys.GrantUnknown)

	// The limit: as many witnesses as must agree. What was confirmed stands even so.
	w.beside(forked.Chain, 2)
	s.Problem(verify.ErrRollback.Error())
	s.Refuses("everybody, against what was confirmed", u, authkeys.GrantRevoked)
	s.Refuses("everybody, against what was confirmed", invented, authkeys.GrantUnknown)
	s.Dpkid(0, "reset-trust", "--yes")
	s.Until("the limit: everybody, and trust reset", invented, true)
}
