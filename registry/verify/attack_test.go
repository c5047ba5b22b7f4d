package verify

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"dpki/registry"
	"dpki/state"
)

// Each row is a lie of the only endpoint. It is refused with its reason, nothing
// that was known changes; and the same endpoint, honest again, is believed.
func TestALyingEndpoint(t *testing.T) {
	swap := func(e []ScopedEntry) []ScopedEntry { e = slices.Clone(e); e[0], e[1] = e[1], e[0]; return e }
	type lie struct {
		name string
		tell func(f *fakeChain)
		want error
	}
	logs := func(f *fakeChain, alter func(q registry.LogQuery, e []ScopedEntry) []ScopedEntry) {
		f.tamper.logs = func(q registry.LogQuery, e []ScopedEntry) ([]ScopedEntry, error) { return alter(q, e), nil }
	}
	head := func(alter func(f *fakeChain, r *registry.HeadReply)) func(f *fakeChain) {
		return func(f *fakeChain) { f.tamper.head = func(r *registry.HeadReply) { alter(f, r) } }
	}
	rows := []lie{
		{"an entry omitted at the end", func(f *fakeChain) {
			logs(f, func(_ registry.LogQuery, e []ScopedEntry) []ScopedEntry { return e[:len(e)-1] })
		}, ErrLogs},
		{"an entry omitted at the start", func(f *fakeChain) {
			logs(f, func(_ registry.LogQuery, e []ScopedEntry) []ScopedEntry { return e[1:] })
		}, ErrLogs},
		{"all omitted", func(f *fakeChain) {
			logs(f, func(registry.LogQuery, []ScopedEntry) []ScopedEntry { return nil })
		}, ErrLogs},
		{"duplicated", func(f *fakeChain) {
			logs(f, func(_ registry.LogQuery, e []ScopedEntry) []ScopedEntry { return append(slices.Clone(e), e...) })
		}, ErrLogs},
		{"reordered", func(f *fakeChain) {
			logs(f, func(_ registry.LogQuery, e []ScopedEntry) []ScopedEntry { return swap(e) })
		}, ErrLogs},
		{"an entry more", func(f *fakeChain) {
			logs(f, func(_ registry.LogQuery, e []ScopedEntry) []ScopedEntry {
				more := e[len(e)-1]
				more.Entry.Seq, more.Entry.PrevBlock = more.Entry.Seq+1, more.Entry.Block
				return append(slices.Clone(e), more)
			})
		}, ErrLogs},
		{"another scope's", func(f *fakeChain) {
			logs(f, func(_ registry.LogQuery, e []ScopedEntry) []ScopedEntry {
				return append(slices.Clone(e), ScopedEntry{state.Word{0x77}, e[0].Entry})
			})
		}, ErrLogs},
		{"a longer window", func(f *fakeChain) {
			logs(f, func(_ registry.LogQuery, e []ScopedEntry) []ScopedEntry {
				e = slices.Clone(e)
				e[0].Entry.Until++
				return e
			})
		}, ErrLogs},
		{"another author", func(f *fakeChain) {
			logs(f, func(_ registry.LogQuery, e []ScopedEntry) []ScopedEntry {
				e = slices.Clone(e)
				e[0].Entry.Authors = []state.Address{{2}}
				return e
			})
		}, ErrLogs},
		{"other data", func(f *fakeChain) {
			logs(f, func(_ registry.LogQuery, e []ScopedEntry) []ScopedEntry {
				e = slices.Clone(e)
				e[1].Entry.Data = []byte("other")
				return e
			})
		}, ErrLogs},
		{"a revoke made a put", func(f *fakeChain) {
			logs(f, func(_ registry.LogQuery, e []ScopedEntry) []ScopedEntry {
				e = slices.Clone(e)
				for i := range e {
					e[i].Entry.Action = state.ActionPut
				}
				return e
			})
		}, ErrLogs},
		{"another block", func(f *fakeChain) {
			logs(f, func(_ registry.LogQuery, e []ScopedEntry) []ScopedEntry {
				e = slices.Clone(e)
				e[len(e)-1].Entry.Block = e[len(e)-1].Entry.PrevBlock
				return e
			})
		}, ErrLogs},
		{"a block that was not asked for", func(f *fakeChain) {
			logs(f, func(q registry.LogQuery, e []ScopedEntry) []ScopedEntry {
				e = slices.Clone(e)
				e[len(e)-1].Entry.Block = q.To + 1
				return e
			})
		}, ErrLogs},
		{"garbage for logs", func(f *fakeChain) { f.tamper.raw = func([]byte) []byte { return []byte(`{"logs":[]}`) } }, ErrLogs},
		{"removed logs", func(f *fakeChain) {
			f.tamper.raw = func(b []byte) []byte {
				return bytes.ReplaceAll(b, []byte(`"removed":false`), []byte(`"removed":true`))
			}
		}, ErrLogs},
		{"another chain", head(func(_ *fakeChain, r *registry.HeadReply) { r.ChainID = []byte(`"0x8"`) }), registry.ErrChain},
		{"no chain id", head(func(_ *fakeChain, r *registry.HeadReply) { r.ChainID = nil }), registry.ErrChain},
		{"a forged root", head(func(f *fakeChain, r *registry.HeadReply) {
			h := f.header(f.head())
			h.Root[0] ^= 1
			r.Latest = f.json(h) // hashes as it should
		}), ErrProof},
		{"a header with another hash", head(func(f *fakeChain, r *registry.HeadReply) {
			h := f.header(f.head())
			r.Latest = bytes.Replace(r.Latest, []byte(h.Hash().Hex()), []byte(h.ParentHash.Hex()), 1)
		}), ErrHeader},
		{"no header", head(func(_ *fakeChain, r *registry.HeadReply) { r.Latest = []byte("null") }), ErrHeader},
		{"garbage for finalized", head(func(_ *fakeChain, r *registry.HeadReply) { r.Finalized = []byte(`{}`) }), ErrHeader},
		{"proof of another contract", head(func(f *fakeChain, r *registry.HeadReply) {
			r.Proof = f.proof(state.Address{0xee}, []state.Word{SlotH(f.org, zone)})
		}), ErrProof},
		{"the proof of a moment ago", func(f *fakeChain) {
			old := f.clone()
			old.blocks = old.blocks[:3]
			f.tamper.head = func(r *registry.HeadReply) {
				r.Proof = old.proof(f.registry.Contract, []state.Word{SlotH(f.org, zone)})
			}
		}, ErrProof},
		{"deep JSON", head(func(_ *fakeChain, r *registry.HeadReply) { r.Proof = []byte(strings.Repeat("[", 100_000)) }), ErrProof},
		{"an endless body", head(func(_ *fakeChain, r *registry.HeadReply) { r.Proof = make([]byte, registry.MaxProof+1) }), ErrProof},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			f := newFake(t)
			f.mine(put(zone, state.KindGrant))
			r := f.reader([]state.Word{zone}, f)
			tickOK(t, r)
			before := summary(r, zone)
			revoked := put(zone, state.KindGrant)
			f.mine(revoked, revoke(revoked))
			f.mine(put(zone, state.KindGrant))
			row.tell(f)
			res, err := r.Tick(t.Context())
			if res != nil || !errors.Is(err, row.want) {
				t.Fatalf("got %v, %v, want %v", res, err, row.want)
			}
			var named *EndpointError
			if !errors.As(err, &named) || named.Endpoint != "a" || !named.Lied() {
				t.Errorf("error %v does not name the liar", err)
			}
			if got := summary(r, zone); got != before {
				t.Errorf("known %s, want %s as before", got, before)
			}
			f.tamper.head, f.tamper.logs, f.tamper.raw = nil, nil, nil
			if res := tickOK(t, r); len(res.Changes) != 1 || len(res.Changes[0].Added) != 3 {
				t.Errorf("honest again: %+v", res.Changes)
			}
		})
	}
}

// A second, honest endpoint makes the same lies harmless: they are alarms.
func TestAnHonestEndpointBesideALiar(t *testing.T) {
	for name, tell := range map[string]func(f *fakeChain){
		"logs": func(f *fakeChain) {
			f.tamper.logs = func(_ registry.LogQuery, e []ScopedEntry) ([]ScopedEntry, error) { return nil, nil }
		},
		"proof": func(f *fakeChain) { f.tamper.head = func(r *registry.HeadReply) { r.Proof = []byte("{}") } },
		"chain": func(f *fakeChain) { f.tamper.head = func(r *registry.HeadReply) { r.ChainID = []byte(`"0x9"`) } },
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			f.mine(put(zone, state.KindGrant))
			liar := f.clone()
			tell(liar)
			r := f.reader([]state.Word{zone}, liar, f)
			res := tickOK(t, r)
			if len(res.Changes) != 1 || len(res.Changes[0].Added) != 1 {
				t.Fatalf("got %+v", res.Changes)
			}
			for _, a := range res.Alarms {
				var named *EndpointError
				if !errors.As(a, &named) || named.Endpoint != "a" || !named.Lied() {
					t.Errorf("alarm %v, want one that names a", a)
				}
			}
			if name != "logs" && len(res.Alarms) == 0 {
				t.Error("no alarm")
			}
		})
	}
}

// One endpoint of several shows blocks that are old and true: it is not confirmed
// by those that have newer ones, and withholds nothing that they can prove.
func TestOneThatHoldsBack(t *testing.T) {
	for _, row := range []struct {
		behind int
		want   uint64 // entries that are seen
	}{{confirmWithin, 1}, {confirmWithin + 1, 2}, {100, 2}} {
		f := newFake(t)
		f.mine(put(zone, state.KindGrant))
		old, config := f.clone(), f.config()
		config.Policy = Agreement{K: 2}
		f.mine(put(zone, state.KindDeny))
		for range row.behind - 1 {
			f.mine()
		}
		other := f.clone()
		res := tickOK(t, f.readerWith(config, []state.Word{zone}, old, f, other))
		seen := uint64(0)
		for _, c := range res.Changes {
			seen += uint64(len(c.Confirmed) + len(c.Added))
		}
		if seen != row.want {
			t.Errorf("%d blocks behind: %d entries, want %d", row.behind, seen, row.want)
		}
		if n := old.calls.proofs + f.calls.proofs + other.calls.proofs; n != int(row.want) {
			t.Errorf("%d blocks behind: %d proofs", row.behind, n)
		}
	}
}

// Yesterday's answers, every proof in them true, are an endpoint that lags:
// refused, and named without a charge of lying.
func TestYesterdayReplayed(t *testing.T) {
	f := newFake(t)
	grant := put(zone, state.KindGrant)
	f.mine(grant)
	yesterday := f.clone()
	f.mine(revoke(grant))
	f.mine()
	r := f.reader([]state.Word{zone}, f)
	tickOK(t, r)
	before := summary(r, zone)

	replayed := f.readerWith(Config{Registry: f.registry, Org: f.org, CodeHash: f.code, Deploy: 1, Known: r.Known()}, []state.Word{zone}, yesterday)
	res, err := replayed.Tick(t.Context())
	var named *EndpointError
	if res != nil || !errors.Is(err, ErrLagging) || !errors.As(err, &named) || named.Lied() {
		t.Errorf("got %v, %v, want ErrLagging", res, err)
	}
	if got := summary(replayed, zone); got != before {
		t.Errorf("known %s, want %s", got, before)
	}
	// Twin: one block later the same source is believed.
	f.mine()
	today := f.readerWith(Config{Registry: f.registry, Org: f.org, CodeHash: f.code, Deploy: 1, Known: r.Known()}, []state.Word{zone}, f)
	tickOK(t, today)
}

// A chain that is longer than ours and whose log proves, but does not contain
// what was final here: a rollback, whatever was left out. State is kept.
func TestRollback(t *testing.T) {
	setup := func(t *testing.T) (*fakeChain, *Reader) {
		f := newFake(t)
		f.mine(put(zone, state.KindGrant))
		f.mine(put(zone, state.KindDeny))
		f.final = f.head()
		r := f.reader([]state.Word{zone}, f)
		tickOK(t, r)
		return f, r
	}
	for name, alter := range map[string]func(f *fakeChain){
		"the log is empty": func(f *fakeChain) { f.reorg(2) },
		"the log is shorter": func(f *fakeChain) {
			first := f.blocks[2].entries[0]
			f.reorg(2, first)
			// Same first entry in the same block: a true prefix of ours.
		},
		"another entry in its place": func(f *fakeChain) { f.reorg(1, put(zone, state.KindGrant)) },
		"another entry and more":     func(f *fakeChain) { f.reorg(1, put(zone, state.KindGrant), put(zone, state.KindGrant)) },
	} {
		t.Run(name, func(t *testing.T) {
			f, r := setup(t)
			before := summary(r, zone)
			alter(f)
			for range 2 { // the second time from memory
				calls := f.calls.logs
				res, err := r.Tick(t.Context())
				if res != nil || !errors.Is(err, ErrRollback) {
					t.Fatalf("got %v, %v, want ErrRollback", res, err)
				}
				if f.calls.logs-calls > 4 {
					t.Errorf("%d questions for logs", f.calls.logs-calls)
				}
			}
			if got := summary(r, zone); got != before {
				t.Errorf("known %s, want %s", got, before)
			}
		})
	}
	t.Run("twin: a longer chain that keeps it", func(t *testing.T) {
		f, r := setup(t)
		f.mine(put(zone, state.KindGrant))
		tickOK(t, r)
	})
	t.Run("twin: the same fork, nothing final", func(t *testing.T) {
		f := newFake(t)
		f.mine(put(zone, state.KindGrant))
		f.mine(put(zone, state.KindDeny))
		r := f.reader([]state.Word{zone}, f)
		tickOK(t, r)
		f.reorg(1, put(zone, state.KindGrant))
		tickOK(t, r)
	})
	t.Run("an endpoint that still has it is asked instead", func(t *testing.T) {
		f, _ := setup(t)
		forked := f.clone()
		forked.reorg(1, put(zone, state.KindGrant))
		r := f.reader([]state.Word{zone}, forked, f)
		r.known = func() Known { k := f.reader([]state.Word{zone}, f); tickOK(t, k); return k.Known() }()
		f.mine()
		res := tickOK(t, r)
		if !slices.Contains(res.From, "b") || len(res.Alarms) == 0 || !errors.Is(res.Alarms[0], ErrRollback) {
			t.Errorf("from %v, alarms %v", res.From, res.Alarms)
		}
	})
}

// A finalized number that goes back confirms nothing less.
func TestFinalityNeverShrinks(t *testing.T) {
	f := newFake(t)
	f.mine(put(zone, state.KindGrant))
	f.mine()
	f.final = 3
	r := f.reader([]state.Word{zone}, f)
	tickOK(t, r)
	f.final = 0
	if res := tickOK(t, r); res.Head.Finalized != 3 || res.Head.Safe < 3 {
		t.Errorf("head %+v, want finalized 3", res.Head)
	}
	// Nor can an endpoint call final what it has not reached.
	f.tamper.head = func(reply *registry.HeadReply) {
		h := f.header(f.head())
		h.Number.SetUint64(1 << 40)
		reply.Finalized = f.json(h)
	}
	if res := tickOK(t, r); res.Head.Finalized != f.head() {
		t.Errorf("head %+v, want finalized %d", res.Head, f.head())
	}
}

// An endpoint that serves entries without end is stopped at a limit, whatever
// they are; a log that is as long as the limit is read.
func TestMoreEntriesThanALogMayHave(t *testing.T) {
	f := newFake(t)
	for range 10 {
		f.mine(put(zone, state.KindGrant), put(zone, state.KindGrant))
	}
	for limit, want := range map[int]error{20: nil, 19: ErrLogs} {
		for _, capped := range []bool{false, true} {
			if capped { // so that it is read backwards
				f.tamper.logs = func(q registry.LogQuery, e []ScopedEntry) ([]ScopedEntry, error) {
					if q.From != q.To {
						return nil, &registry.Failure{Fault: registry.TooWide}
					}
					return e, nil
				}
			}
			r := f.reader([]state.Word{zone}, f)
			r.pending = limit
			if _, err := r.Tick(t.Context()); !errors.Is(err, want) {
				t.Errorf("limit %d, capped %v: got %v, want %v", limit, capped, err, want)
			}
		}
	}
}

// A block outside the range is named as such, before any hash is compared.
func TestLogsOutsideTheRange(t *testing.T) {
	f := newFake(t)
	f.mine(put(zone, state.KindGrant))
	f.mine()
	r := f.reader([]state.Word{zone}, f)
	work := &tick{Reader: r, past: map[string]bool{}}
	for _, n := range []uint64{1, 3} {
		f.tamper.logs = func(_ registry.LogQuery, _ []ScopedEntry) ([]ScopedEntry, error) { return f.blocks[2].entries, nil }
		if _, _, err := work.logsOnce(t.Context(), r.endpoints[0], []state.Word{zone}, n, n); !errors.Is(err, ErrLogs) {
			t.Errorf("block 2 in answer to %d: got %v, want ErrLogs", n, err)
		}
	}
	if _, _, err := work.logsOnce(t.Context(), r.endpoints[0], []state.Word{zone}, 2, 2); err != nil {
		t.Errorf("twin: %v", err)
	}
}

// stuck is an endpoint that never answers.
type stuck struct{ *fakeChain }

func (s stuck) Head(ctx context.Context, _ registry.HeadQuery) (registry.HeadReply, error) {
	<-ctx.Done()
	return registry.HeadReply{}, ctx.Err()
}

func TestDeadline(t *testing.T) {
	f := newFake(t)
	ctx, cancel := context.WithCancel(t.Context())
	r := f.reader([]state.Word{zone}, stuck{f})
	cancel()
	if res, err := r.Tick(ctx); res != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, %v, want context.Canceled", res, err)
	}
}
