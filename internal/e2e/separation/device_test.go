package separation

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"

	"dpki/authkeys"
	"dpki/bundle"
	"dpki/device"
	"dpki/device/clock"
	"dpki/device/journal"
	"dpki/device/pipe"
	"dpki/internal/harness/sshkey"
	"dpki/registry"
	"dpki/registry/witness"
	"dpki/state"
)

var errNoBlock = errors.New("no such block")

// gadget is a device: an identity, a folder, and an engine whenever it looks.
type gadget struct {
	*world
	identity *bundle.Identity
	request  *bundle.Request
	zone     state.Word
	mailbox  state.Word
	journal  string
	hint     state.Word // the zone, for a device that does not know it yet
}

func (w *world) gadget(name string, zone state.Word) *gadget {
	w.Helper()
	return w.gadgetOf(w.identity(), name, zone)
}

func (w *world) gadgetOf(id *bundle.Identity, name string, zone state.Word) *gadget {
	w.Helper()
	g := &gadget{world: w, identity: id, zone: zone, mailbox: id.MailboxSecret().Mailbox(zone), journal: filepath.Join(w.TempDir(), name)}
	var err error
	g.request, err = g.identity.NewRequest(w.org, name, strings.TrimSpace(string(ssh.MarshalAuthorizedKey(sshkey.New(w).PublicKey()))))
	w.must(err)
	w.must(journal.Create(g.journal, w.org))
	w.names[g.mailbox] = g
	return g
}

// enrol has the device read the world's chain until it knows who it is.
func (g *gadget) enrol() {
	g.Helper()
	r := g.run(g.journal, sight{shown: g.chain, truth: g.chain}, func(e *device.Engine, _ *journal.Journal) bool {
		s := e.Status("test")
		return s.Enrolled && s.CAs > 0 && s.Opaque == 0
	})
	if r.problem != nil {
		g.Fatal(r.problem)
	}
}

// sight is what a device is shown: a chain, and checkpoints of it by so many
// witnesses. The others sign the true chain.
type sight struct {
	shown, truth *chain
	stolen       int
	late         time.Duration // how long ago the newest block was, by the device's clocks
}

// look is what a device knows after it has looked.
type look struct {
	state    *state.State
	now      authkeys.Now
	enrolled bool
	named    string // by its materials
	asks     int    // endpoints
	problem  error  // why it does not believe what it was shown
}

type lookKey struct {
	gadget       *gadget
	shown, truth state.Word
	stolen       int
	late         time.Duration
}

// looksAt has the device look, on a copy of its folder as it was before the theft.
// What it sees of the same blocks it is not asked twice.
func (g *gadget) looksAt(s sight) *look {
	g.Helper()
	key := lookKey{g, s.shown.hash(), s.truth.hash(), s.stolen, s.late}
	if known := g.looks[key]; known != nil {
		return known
	}
	dir, err := os.MkdirTemp(g.TempDir(), "look")
	g.must(err)
	defer os.RemoveAll(dir)
	text, err := os.ReadFile(g.journal)
	g.must(err)
	path := filepath.Join(dir, "journal")
	g.must(os.WriteFile(path, text, 0o600))
	l := g.run(path, s, func(e *device.Engine, j *journal.Journal) bool {
		v := e.View()
		if !v.Looked || v.State.Head.Hash != s.shown.hash() {
			return false
		}
		tried, err := j.Batches()
		g.must(err)
		for b := range v.State.Batches(s.shown.time()) {
			if b.Block > g.chain.number() && !tried[b.Subject] {
				return false // announced since the theft, and not looked through
			}
		}
		return true
	})
	g.looks[key] = l
	return l
}

// sees is looksAt the truth.
func (g *gadget) sees(c *chain) *look { return g.looksAt(sight{shown: c, truth: c}) }

// run has an engine look until it is done, or says why it does not believe.
func (g *gadget) run(path string, s sight, done func(*device.Engine, *journal.Journal) bool) *look {
	g.Helper()
	j, err := journal.Open(path, g.org)
	g.must(err)
	defer j.Close()
	began := g.chain.blocks[0].header.Time
	published := make(chan struct{}, 1)
	var boot atomic.Int64 // runs on a little with each question, as clocks do
	boot.Store(int64(time.Duration(s.shown.time()-began)*time.Second + s.late))
	e, err := device.New(device.Config{
		Anchor: g.org, Name: g.request.Name, Identity: g.identity, Journal: j, Network: g.network, Fetcher: &wire{Chain: s.shown, world: g.world, sight: s},
		Clock: clock.Clock{
			Wall: func() time.Time { return time.Unix(int64(s.shown.time()), 0).Add(s.late) },
			Boot: func() time.Duration { return time.Duration(boot.Add(int64(time.Microsecond))) }, BootID: "separation",
		},
		Profile: device.Profile{Watch: 10 * time.Millisecond, Idle: 10 * time.Millisecond}, Log: slog.New(slog.DiscardHandler),
		ZoneHint: g.hint, Published: func() {
			select {
			case published <- struct{}{}:
			default:
			}
		},
	})
	g.must(err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { e.Run(ctx); close(ended) }()
	defer func() { cancel(); <-ended }()
	limit := time.After(time.Minute)
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	var last *device.View
	for since := 0; ; {
		v := e.View()
		if v != last && done(e, j) {
			since++ // what a bundle brought is in the View after next
		}
		if last = v; v.Problem != nil || since > 2 {
			l := &look{state: v.State, now: v.Now(e.Clock().Read()), enrolled: v.Enrolment != nil, asks: v.Endpoints, problem: v.Problem}
			if l.enrolled {
				l.named = v.Enrolment.Materials.Name
			}
			return l
		}
		select {
		case <-published:
		case <-again.C:
		case <-limit:
			g.Fatalf("%s has not come to an end: %+v", g.request.Name, e.Status("test"))
		}
	}
}

// admits is the device's decision about a login.
func (l *look) admits(account string, cert *ssh.Certificate) bool {
	return l.decides(authkeys.StageOffer, account, cert).Allow
}

func (l *look) decides(stage authkeys.Stage, account string, cert *ssh.Certificate) authkeys.Decision {
	f := strings.Fields(string(ssh.MarshalAuthorizedKey(cert)))
	return authkeys.Parse(authkeys.Request{Account: account, KeyType: f[0], Key: f[1], Stage: stage}).Decide(l.state, l.now)
}

// wire is the device's network: one endpoint, one store, and its witnesses.
type wire struct {
	device.Chain
	*world
	sight sight
}

func (n *wire) Configure([]pipe.Place) {}
func (n *wire) Watch(bool)             {}
func (n *wire) Hints() <-chan struct{} { return nil }

func (n *wire) Segment(context.Context, int, state.Word, uint64) ([]byte, error) {
	return nil, &registry.Failure{Fault: registry.Unavailable}
}

func (n *wire) Receipt(context.Context, state.Word, []byte) error {
	return &registry.Failure{Fault: registry.Unavailable}
}

// Checkpoint is signed with the key of a witness, stolen or not.
func (n *wire) Checkpoint(_ context.Context, _ int, key witness.Key) ([]byte, error) {
	for i, private := range n.witnesses {
		if witness.KeyOf(private) == key {
			signs := n.sight.truth
			if i < n.sight.stolen {
				signs = n.sight.shown
			}
			return signs.checkpoint().Sign(private)
		}
	}
	return nil, &registry.Failure{Fault: registry.Unavailable}
}

// checkpoint is what a witness beside this chain says.
func (c *chain) checkpoint() *witness.Checkpoint {
	p := &witness.Checkpoint{ChainID: chainID, Number: c.number(), Time: c.time(), Safe: c.final, Finalized: c.final}
	for n := c.number(); len(p.Hashes) < witness.MaxHashes; n-- {
		p.Hashes = append(p.Hashes, state.Word(c.blocks[n].header.Hash()))
		if n == 0 {
			break
		}
	}
	return p
}
