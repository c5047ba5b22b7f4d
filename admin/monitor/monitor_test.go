package monitor

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"dpki/admin/ledger"
	"dpki/contracts"
	"dpki/contracts/code"
	"dpki/internal/devchain"
	"dpki/registry"
	"dpki/registry/source"
	"dpki/registry/verify"
	"dpki/registry/witness"
	"dpki/state"

	"github.com/ethereum/go-ethereum/core/types"
)

// world is an organisation on a real chain, and a monitor on it.
type world struct {
	*testing.T
	chain   *devchain.Chain
	config  verify.Config
	ends    []verify.Endpoint
	admin   state.Admin
	rules   *Rules
	path    string
	now     func() time.Time
	n       byte
	notes   []string
	witness []string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	c := devchain.New(t, devchain.Options{MaxDrift: 10 * time.Minute})
	org := c.Registry().OrganisationID(c.AdminAddress(), state.Word{7})
	client, err := source.Dial(c.HTTP)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{T: t, chain: c, config: verify.Config{Registry: c.Registry(), Org: org, CodeHash: state.Word(code.Hash()), Deploy: c.DeployBlock},
		ends: []verify.Endpoint{{Name: "chain", Source: client}}, admin: state.RootAdmin(c.AdminAddress(), org, state.Word{7}),
		path: filepath.Join(t.TempDir(), "state", "monitor.json"), now: time.Now}
	w.send(contracts.PackCreate(state.Word{7}))
	if w.rules, err = ParseRules([]byte("version = 1\nevery = \"1s\"\n[[sink]]\nname = \"out\"\ntype = \"json\"\npath = \"-\"\n")); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) send(data []byte) {
	w.Helper()
	if _, err := w.chain.Send(context.Background(), w.chain.Admin, w.config.Registry.Contract, nil, data); err != nil {
		w.Fatal(err)
	}
}

// limit enters one LIMIT, which is a change of a threshold.
func (w *world) limit() {
	w.Helper()
	w.n++
	data, err := contracts.PackWrite(w.config.Org, w.admin, []contracts.Group{{Scope: w.config.Org, Changes: []contracts.Change{{
		Action: state.ActionPut, Kind: state.KindLimit, Until: state.Never, Subject: state.Word{5, w.n}, Data: state.Limit{Kind: state.KindGrant, Approvals: 1, Longest: 300 + uint64(w.n)}.Marshal(),
	}}}})
	if err != nil {
		w.Fatal(err)
	}
	w.send(data)
}

// look starts a monitor, has it look, and ends it: what it told.
func (w *world) look(change ...func(*Config)) []Alert {
	w.Helper()
	l, err := ledger.Open(w.config, w.ends, "")
	if err != nil {
		w.Fatal(err)
	}
	return w.lookAt(l, change...)
}

func (w *world) lookAt(l *ledger.Ledger, change ...func(*Config)) []Alert {
	w.Helper()
	var out bytes.Buffer
	c := Config{Org: w.config.Org, Ledger: l, Rules: w.rules, Path: w.path, Stdout: &out, Now: w.now, Witnesses: w.witness,
		Words: func(_ context.Context, _ state.Word, e *state.Entry) string { return e.Kind.String() },
		Note:  func(format string, args ...any) { w.notes = append(w.notes, fmt.Sprintf(format, args...)) }}
	for _, f := range change {
		f(&c)
	}
	m, err := Open(c)
	if err != nil {
		w.Fatal(err)
	}
	defer m.Close()
	if err := m.Look(context.Background()); err != nil {
		w.Fatal(err)
	}
	return alerts(w.T, out.Bytes())
}

func alerts(t *testing.T, text []byte) (list []Alert) {
	t.Helper()
	for line := range bytes.Lines(text) {
		var a Alert
		if err := json.Unmarshal(line, &a); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		list = append(list, a)
	}
	return list
}

// want compares what was told: kinds in their order, "-" before those that ended.
func (w *world) want(what string, got []Alert, kinds ...string) {
	w.Helper()
	var all []string
	for _, a := range got {
		if a.Ended {
			all = append(all, "-"+a.Kind)
			continue
		}
		all = append(all, a.Kind)
	}
	if !slices.Equal(all, kinds) {
		w.Errorf("%s: told %v, want %v\n%+v", what, all, kinds, got)
	}
}

// An entry is told once: with another process each time, before it is final and
// after, and again only when a reorganisation puts it elsewhere.
func TestToldOnce(t *testing.T) {
	w := newWorld(t)
	w.want("the first look", w.look())
	w.limit()
	w.want("a new entry", w.look(), Threshold)
	w.want("nothing new", w.look())
	w.chain.HoldBack(50)
	w.limit()
	first := w.look()
	w.want("not final yet", first, Threshold)
	w.limit()
	w.want("another", w.look(), Threshold)
	w.want("nothing new", w.look())
	if err := w.chain.Reorg(1, false); err != nil {
		t.Fatal(err)
	}
	w.chain.Mine(2)
	w.want("the last is gone", w.look(), Reorg)
	w.want("and is told so once", w.look())
	w.limit()
	w.want("one in its place", w.look(), Threshold)
	w.chain.HoldBack(0)
	w.chain.Mine(1)
	w.want("all is final", w.look())
	if b, err := os.ReadFile(w.path); err != nil || strings.Contains(string(b), `"seen":["`) {
		t.Errorf("what is final is kept entry by entry: %v", err)
	}
}

// A first start may be told what is there.
func TestFromStart(t *testing.T) {
	w := newWorld(t)
	w.limit()
	w.want("from the start", w.look(func(c *Config) { c.FromStart = true }), Admin, Threshold)
	w.want("nothing new", w.look(func(c *Config) { c.FromStart = true }))
}

// What a sink does not take waits, in its order and over restarts, and another
// sink gets it at once.
func TestNothingIsLost(t *testing.T) {
	w := newWorld(t)
	dir := t.TempDir()
	broken := filepath.Join(dir, "file")
	w.rules.Sinks = append(w.rules.Sinks, Sink{Name: "file", Type: "json", Path: filepath.Join(broken, "x"), Timeout: time.Second})
	w.look()
	for range 3 {
		w.limit()
		w.want("the sink that works", w.look(), Threshold)
	}
	if len(w.notes) < 3 || !strings.Contains(w.notes[len(w.notes)-1], "sink file does not take alerts") {
		t.Errorf("notes %q", w.notes)
	}
	if err := os.Mkdir(broken, 0o700); err != nil {
		t.Fatal(err)
	}
	w.want("again", w.look())
	b, err := os.ReadFile(filepath.Join(broken, "x"))
	if err != nil {
		t.Fatal(err)
	}
	got := alerts(t, b)
	w.want("the one that works again", got, Threshold, Threshold, Threshold)
	if got[0].Entry.Seq != 2 || got[1].Entry.Seq != 3 || got[2].Entry.Seq != 4 || got[0].ID == got[1].ID {
		t.Errorf("not in their order: %+v", got)
	}
	w.want("and no more", w.look())
	// A program that fails, hangs, or starts another.
	slow := Sink{Name: "x", Type: "exec", Argv: []string{"/bin/sh", "-c", "cat >/dev/null; sleep 100 & sleep 100"}, Timeout: 200 * time.Millisecond}
	start := time.Now()
	if err := slow.deliver(context.Background(), &Alert{}, nil); err == nil || time.Since(start) > 20*time.Second {
		t.Errorf("a program that hangs: %v after %v", err, time.Since(start))
	}
	for _, code := range []string{"0", "1"} {
		s := Sink{Type: "exec", Argv: []string{"/bin/sh", "-c", "exit " + code}, Timeout: 10 * time.Second}
		if err := s.deliver(context.Background(), &Alert{}, nil); (err == nil) != (code == "0") {
			t.Errorf("exit %s: %v", code, err)
		}
	}
}

// Killed between telling and noting it: told again, under the same id.
func TestCrashRepeatsUnderTheSameID(t *testing.T) {
	w := newWorld(t)
	w.look()
	w.limit()
	var before []byte
	first := w.look(func(c *Config) {
		c.Stdout = writer(func(b []byte) (int, error) {
			var err error
			if before, err = os.ReadFile(w.path); err != nil { // as it stands while the alert is told
				t.Fatal(err)
			}
			return len(b), nil
		})
	})
	w.want("told elsewhere", first)
	if err := os.WriteFile(w.path, before, 0o600); err != nil {
		t.Fatal(err)
	}
	again := w.look()
	w.want("told again", again, Threshold)
	var m memory
	if err := json.Unmarshal(before, &m); err != nil || len(m.Pending) != 1 || m.Pending[0].Alert.ID != again[0].ID {
		t.Errorf("under another id: %v", err)
	}
	w.want("and no more", w.look())
}

type writer func([]byte) (int, error)

func (w writer) Write(b []byte) (int, error) { return w(b) }

// Two monitors on one state would tell everything twice; damaged state tells.
func TestState(t *testing.T) {
	w := newWorld(t)
	l, err := ledger.Open(w.config, w.ends, "")
	if err != nil {
		t.Fatal(err)
	}
	c := Config{Org: w.config.Org, Ledger: l, Rules: w.rules, Path: w.path}
	m, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(c); !errors.Is(err, ErrTwice) {
		t.Errorf("a second one: %v", err)
	}
	m.Close()
	if m, err = Open(c); err != nil {
		t.Fatalf("twin, after the first: %v", err)
	}
	m.Close()
	for _, text := range []string{"", "{", "{}", `{"version":1}`, `{"version":1,"org":"` + state.Word{9}.String() + `","scopes":{},"conditions":{}}`} {
		if err := os.WriteFile(w.path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(c); !errors.Is(err, ErrMemory) {
			t.Errorf("%q: %v, want ErrMemory", text, err)
		}
	}
}

// other is an endpoint that has another block in each place.
type other struct{ verify.Source }

func (o other) Headers(ctx context.Context, numbers []uint64) ([][]byte, error) {
	back := slices.Clone(numbers)
	raw, err := o.Source.Headers(ctx, back)
	if err != nil || len(raw) != 1 {
		return raw, err
	}
	// The same block with another extra data, and its own hash: a fork.
	var h map[string]any
	if err := json.Unmarshal(raw[0], &h); err != nil {
		return nil, err
	}
	h["gasUsed"] = "0x5208"
	return refreshed(h)
}

// refreshed gives a header the hash of what it holds now.
func refreshed(h map[string]any) ([][]byte, error) {
	b, err := json.Marshal(h)
	if err != nil {
		return nil, err
	}
	var full types.Header
	if err := json.Unmarshal(b, &full); err != nil {
		return nil, err
	}
	h["hash"] = full.Hash().Hex()
	b, err = json.Marshal(h)
	return [][]byte{b}, err
}

// liar gives headers whose proof leads elsewhere.
type liar struct{ verify.Source }

func (l liar) Head(ctx context.Context, q registry.HeadQuery) (registry.HeadReply, error) {
	r, err := l.Source.Head(ctx, q)
	r.Proof = []byte(`{"accountProof":[],"storageProof":[]}`)
	return r, err
}

// mute is a witness that has stopped.
type mute struct{}

func (mute) Checkpoint(context.Context, witness.Key) ([]byte, error) {
	return nil, &registry.Failure{Fault: registry.Unavailable}
}

// Conditions are told when they begin and when they are over, and not in between.
func TestConditions(t *testing.T) {
	w := newWorld(t)
	w.rules.Silent = time.Hour
	offset := time.Duration(0)
	start := time.Now()
	w.now = func() time.Time { return start.Add(time.Since(start) + offset) }
	w.want("well", w.look())

	offset = 20 * time.Minute
	w.want("the newest block is old", w.look(), Stalled)
	w.want("still", w.look())
	offset = 2 * time.Hour
	w.want("and nothing is entered", w.look(), Silent)
	offset = 0
	w.want("over", w.look(), "-"+Silent, "-"+Stalled)

	good := w.ends
	w.ends = []verify.Endpoint{{Name: "liar", Source: liar{good[0].Source}}, good[0]}
	w.want("a liar before one that is right", w.look(), Endpoint)
	w.want("still", w.look())
	w.ends = []verify.Endpoint{good[0], {Name: "other", Source: other{good[0].Source}}}
	w.want("another that shows a fork is looked at twice", w.look(), "-"+Endpoint)
	offset += 5 * time.Second
	w.want("then it is told", w.look(), Endpoint)
	w.ends = good
	w.want("over", w.look(), "-"+Endpoint)

	w.ends = []verify.Endpoint{{Name: "liar", Source: liar{good[0].Source}}}
	w.want("nobody else to ask: a liar", w.look(), Endpoint)
	offset += 5 * time.Second
	w.want("and for two looks nothing was read", w.look(), Away)
	w.ends = good
	w.want("over", w.look(), "-"+Away, "-"+Endpoint)

	// A witness that stopped, of one that must sign, holds up the whole reading.
	w.config.Witnesses = verify.Witnesses{Agree: 1, All: []verify.Witness{{Name: "witness one", Key: witness.Key{1}, Places: []verify.CheckpointSource{mute{}}}}}
	w.witness = []string{"witness one"}
	w.look()
	offset += 5 * time.Minute
	got := w.look()
	if len(got) != 2 || got[0].Kind != Away || got[1].Kind != Witness {
		t.Errorf("a witness that stopped: %+v", got)
	}
}
