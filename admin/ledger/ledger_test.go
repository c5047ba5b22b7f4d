package ledger

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"dpki/contracts"
	"dpki/contracts/code"
	"dpki/internal/devchain"
	"dpki/registry/source"
	"dpki/registry/verify"
	"dpki/state"
)

// world is an organisation with a few entries on a real chain.
type world struct {
	chain  *devchain.Chain
	config verify.Config
	ends   []verify.Endpoint
	admin  state.Admin
	n      byte
	// subject counts those of denyMany.
	subject int
}

func newWorld(t *testing.T) *world {
	t.Helper()
	c := devchain.New(t, devchain.Options{MaxDrift: 10 * time.Minute})
	org := c.Registry().OrganisationID(c.AdminAddress(), state.Word{7})
	w := &world{chain: c, config: verify.Config{Registry: c.Registry(), Org: org, CodeHash: state.Word(code.Hash()), Deploy: c.DeployBlock}}
	w.admin = state.RootAdmin(c.AdminAddress(), org, state.Word{7})
	client, err := source.Dial(c.HTTP)
	if err != nil {
		t.Fatal(err)
	}
	w.ends = []verify.Endpoint{{Name: "chain", Source: client}}
	w.send(t, contracts.PackCreate(state.Word{7}))
	return w
}

func (w *world) send(t *testing.T, data []byte) {
	t.Helper()
	if _, err := w.chain.Send(context.Background(), w.chain.Admin, w.config.Registry.Contract, nil, data); err != nil {
		t.Fatal(err)
	}
}

// deny appends one entry to the organisation's scope.
func (w *world) deny(t *testing.T) {
	t.Helper()
	w.n++
	data, err := contracts.PackWrite(w.config.Org, w.admin, []contracts.Group{{Scope: w.config.Org, Changes: []contracts.Change{{
		Action: state.ActionPut, Kind: state.KindDenyClear, Until: state.Never, Subject: state.Word{w.n},
	}}}})
	if err != nil {
		t.Fatal(err)
	}
	w.send(t, data)
}

func (w *world) open(t *testing.T, path string) *Ledger {
	t.Helper()
	l, err := Open(w.config, w.ends, path)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func read(t *testing.T, l *Ledger, scopes ...state.Word) {
	t.Helper()
	if err := l.Read(context.Background(), scopes...); err != nil {
		t.Fatal(err)
	}
}

func TestReadAndRemember(t *testing.T) {
	w := newWorld(t)
	path := filepath.Join(t.TempDir(), "state", "ledger.json")
	l := w.open(t, path)
	w.deny(t)
	read(t, l, w.config.Org)
	if got := len(l.Entries(w.config.Org)); got != 2 {
		t.Fatalf("%d entries, want 2", got)
	}
	w.chain.HoldBack(3)
	w.deny(t)
	w.deny(t)
	read(t, l, w.config.Org)
	if got := len(l.Entries(w.config.Org)); got != 4 {
		t.Fatalf("%d entries, want 4", got)
	}
	if len(l.reader.Known().Scopes[w.config.Org].Overlay) == 0 {
		t.Error("the held-back chain has no overlay: the test shows nothing about it")
	}

	// From the cache: the same, and what is new comes from the chain.
	again := w.open(t, path)
	if got := len(again.Entries(w.config.Org)); got != 4 {
		t.Errorf("%d entries from the cache, want 4", got)
	}
	w.deny(t)
	read(t, again, w.config.Org)
	if got := len(again.Entries(w.config.Org)); got != 5 {
		t.Errorf("%d entries, want 5", got)
	}
	for i, e := range again.Entries(w.config.Org) {
		if e.Seq != uint64(i+1) {
			t.Errorf("entry %d has sequence %d", i, e.Seq)
		}
	}
	s := again.State(state.Scopes{Org: w.config.Org}, nil)
	if now := again.Head().Time; !s.Denied(state.Word{3}, now, now) || s.Denied(state.Word{99}, now, now) {
		t.Error("the facts are not those of the log")
	}
}

// A cache that was changed, cut or is another organisation's is ignored: what
// comes out is what the chain says, as with the untouched one.
func TestDamagedCache(t *testing.T) {
	w := newWorld(t)
	path := filepath.Join(t.TempDir(), "state", "ledger.json")
	l := w.open(t, path)
	w.deny(t)
	w.deny(t)
	read(t, l, w.config.Org)
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, entries := load(path, w.config); len(entries[w.config.Org]) != 3 {
		t.Fatalf("the untouched cache holds %d entries, want 3", len(entries[w.config.Org]))
	}
	change := func(edit func(f *cacheFile)) []byte {
		var f cacheFile
		if err := json.Unmarshal(good, &f); err != nil {
			t.Fatal(err)
		}
		edit(&f)
		b, err := json.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for name, text := range map[string][]byte{
		"cut":           good[:len(good)/2],
		"empty":         nil,
		"version":       change(func(f *cacheFile) { f.Version = 2 }),
		"organisation":  change(func(f *cacheFile) { f.Org[0] ^= 1 }),
		"contract":      change(func(f *cacheFile) { f.Registry = "1:0x00" }),
		"entry dropped": change(func(f *cacheFile) { f.Scopes[0].Entries = f.Scopes[0].Entries[:2] }),
		"entry changed": change(func(f *cacheFile) { f.Scopes[0].Entries[1][60] ^= 1 }),
		"entry added":   change(func(f *cacheFile) { f.Scopes[0].Entries = append(f.Scopes[0].Entries, f.Scopes[0].Entries[2]) }),
		"swapped": change(func(f *cacheFile) {
			e := f.Scopes[0].Entries
			e[1], e[2] = e[2], e[1]
		}),
		"tip": change(func(f *cacheFile) { f.Scopes[0].Confirmed.H[0] ^= 1 }),
	} {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if known, entries := load(path, w.config); len(entries) > 0 || len(known.Scopes) > 0 {
			t.Errorf("%s: the cache was believed", name)
		}
		fresh := w.open(t, path)
		read(t, fresh, w.config.Org)
		if got := len(fresh.Entries(w.config.Org)); got != 3 {
			t.Errorf("%s: %d entries, want 3", name, got)
		}
	}
}

func TestMissingAndStale(t *testing.T) {
	w := newWorld(t)
	l := w.open(t, "")
	other := state.Word{5}
	if got := l.Missing(w.config.Org, other, state.Word{}, other); len(got) != 2 {
		t.Errorf("missing %v, want two scopes", got)
	}
	read(t, l, w.config.Org)
	if got := l.Missing(w.config.Org, other); len(got) != 1 || got[0] != other {
		t.Errorf("missing %v, want the other", got)
	}
	l.Stale()
	if got := l.Missing(w.config.Org); len(got) != 1 {
		t.Errorf("after a write nothing is missing: %v", got)
	}
	// More scopes than one question holds.
	var many []state.Word
	for i := range 3 * scopesPerTick {
		many = append(many, state.Word{9, byte(i)})
	}
	read(t, l, many...)
	if got := l.Missing(many...); len(got) != 0 {
		t.Errorf("%d scopes were not read", len(got))
	}
}

// A folder that cannot be used costs time and nothing else.
func TestUnkept(t *testing.T) {
	w := newWorld(t)
	dir := filepath.Join(t.TempDir(), "state")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	l := w.open(t, filepath.Join(dir, "ledger.json"))
	read(t, l, w.config.Org)
	if len(l.Entries(w.config.Org)) != 1 || len(l.Alarms()) != 1 {
		t.Errorf("%d entries, alarms %v; want 1 and 1", len(l.Entries(w.config.Org)), l.Alarms())
	}
}

func FuzzCache(f *testing.F) {
	f.Add([]byte(`{}`))
	f.Add([]byte(`{"version":1,"registry":"1:0x0000000000000000000000000000000000000000","scopes":[{"entries":["AA=="]}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		path := filepath.Join(t.TempDir(), "x")
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		_, entries := load(path, verify.Config{Registry: state.Registry{ChainID: 1}})
		for _, list := range entries {
			for i := range list {
				if _, err := list[i].Marshal(); err != nil {
					t.Errorf("an entry that is none: %v", err)
				}
			}
		}
	})
}
