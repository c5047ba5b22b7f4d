package source_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"dpki/contracts/code"
	"dpki/internal/devchain"
	"dpki/registry"
	"dpki/registry/segment"
	"dpki/registry/source"
	"dpki/registry/verify"
	"dpki/state"
)

// provider is a real endpoint with a provider's ways.
type provider struct {
	*source.Client
	widest  uint64                         // blocks a question, 0 = any
	pruned  uint64                         // blocks before it are not served any more
	silent  bool                           // it says nothing of that, and answers with no logs
	tell    func([]any) []any              // what it makes of logs
	asked   int                            // questions for logs
	failure func(q registry.LogQuery) bool // it refuses some
}

func (p *provider) Logs(ctx context.Context, q registry.LogQuery) ([]byte, error) {
	p.asked++
	switch {
	case p.widest > 0 && q.To-q.From >= p.widest:
		return nil, &registry.Failure{Fault: registry.TooWide}
	case p.failure != nil && p.failure(q):
		return nil, &registry.Failure{Fault: registry.Refused, Detail: "no"}
	case q.From < p.pruned && p.silent:
		if q.To < p.pruned {
			return []byte("[]"), nil
		}
		q.From = p.pruned
	case q.From < p.pruned:
		return nil, &registry.Failure{Fault: registry.Refused, Detail: "error 4444: pruned history unavailable"}
	}
	raw, err := p.Client.Logs(ctx, q)
	if err != nil || p.tell == nil {
		return raw, err
	}
	var logs []any
	if err := json.Unmarshal(raw, &logs); err != nil {
		return nil, err
	}
	return json.Marshal(p.tell(logs))
}

func (p *provider) Headers(ctx context.Context, numbers []uint64) ([][]byte, error) {
	if p.pruned > 0 && slices.Min(numbers) < p.pruned {
		return nil, &registry.Failure{Fault: registry.Refused, Detail: "pruned"}
	}
	return p.Client.Headers(ctx, numbers)
}

func (o *organisation) provider() *provider {
	o.t.Helper()
	c, err := source.Dial(o.chain.HTTP)
	if err != nil {
		o.t.Fatal(err)
	}
	o.t.Cleanup(c.Close)
	return &provider{Client: c}
}

// from is a reader of some sources, named a, b, ...
func (o *organisation) from(archives []verify.Archive, sources ...verify.Source) *verify.Reader {
	o.t.Helper()
	var endpoints []verify.Endpoint
	for i, s := range sources {
		endpoints = append(endpoints, verify.Endpoint{Name: string(rune('a' + i)), Source: s})
	}
	r, err := verify.NewReader(verify.Config{
		Registry: o.chain.Registry(), Org: o.id, CodeHash: code.Hash(), Deploy: o.chain.DeployBlock, Archives: archives,
	}, endpoints)
	if err != nil {
		o.t.Fatal(err)
	}
	if err := r.Follow(o.id, o.zone); err != nil {
		o.t.Fatal(err)
	}
	return r
}

// segments writes the logs that a reader of the whole chain has confirmed to a
// folder, as `dpki log segment` does.
func (o *organisation) segments(scopes ...state.Word) source.Folder {
	o.t.Helper()
	folder := source.Folder{Path: o.t.TempDir()}
	if err := os.Mkdir(filepath.Join(folder.Path, source.SegmentsFolder), 0o755); err != nil {
		o.t.Fatal(err)
	}
	r := o.from(nil, o.provider())
	res, err := r.Tick(context.Background())
	if err != nil {
		o.t.Fatal(err)
	}
	for _, c := range res.Changes {
		if !slices.Contains(scopes, c.Scope) {
			continue
		}
		for _, s := range segment.Split(c.Scope, slices.Concat(c.Confirmed, c.Log.Overlay)) {
			o.keep(folder, &s)
		}
	}
	return folder
}

func (o *organisation) keep(folder source.Folder, s *segment.Segment) {
	o.t.Helper()
	b, err := s.Marshal()
	if err == nil {
		err = os.WriteFile(filepath.Join(folder.Path, source.SegmentsFolder, segment.Name(s.Scope, s.Index)), b, 0o644)
	}
	if err != nil {
		o.t.Fatal(err)
	}
}

// Whatever a real node's logs are made into, they are refused and their source is
// named; an honest endpoint beside it is asked instead. The twin is the same
// source when it alters nothing.
func TestAlteredLogsOfARealChain(t *testing.T) {
	o := newOrganisation(t, devchain.Options{MaxDrift: -1})
	foreign := "0x00000000000000000000000000000000000000f0"
	set := func(field, value string) func([]any) []any {
		return func(l []any) []any { l[len(l)-1].(map[string]any)[field] = value; return l }
	}
	for _, row := range []struct {
		name string
		tell func([]any) []any
	}{
		{"forged", func(l []any) []any {
			data := []byte(l[0].(map[string]any)["data"].(string))
			data[len(data)-70] ^= 1
			l[0].(map[string]any)["data"] = string(data)
			return l
		}},
		{"omitted, the last", func(l []any) []any { return l[:len(l)-1] }},
		{"omitted, the first", func(l []any) []any { return l[1:] }},
		{"omitted, all", func([]any) []any { return []any{} }},
		{"reordered", func(l []any) []any { l[0], l[1] = l[1], l[0]; return l }},
		{"duplicated", func(l []any) []any { return append(l, l[len(l)-1]) }},
		{"of another contract", set("address", foreign)},
		{"of another block", set("blockNumber", "0x1")},
		{"removed by a reorganisation", func(l []any) []any { l[0].(map[string]any)["removed"] = true; return l }},
	} {
		t.Run(row.name, func(t *testing.T) {
			alone := o.provider()
			r := o.from(nil, alone)
			tick(t, r)
			beside := o.from(nil, alone, o.provider())
			tick(t, beside)
			o.write(o.put(state.KindGrant), o.put(state.KindDeny), o.put(state.KindGrant))

			alone.tell = row.tell
			res, err := r.Tick(t.Context())
			var named *verify.EndpointError
			if res != nil || !errors.Is(err, verify.ErrLogs) || !errors.As(err, &named) || named.Endpoint != "a" || !named.Lied() {
				t.Errorf("alone: %v, %v", res, err)
			}
			res = tick(t, beside)
			if len(res.Changes) != 1 || len(res.Changes[0].Confirmed) != 3 {
				t.Errorf("beside an honest one: %+v", res.Changes)
			}
			if len(res.Alarms) != 1 || !errors.As(res.Alarms[0], &named) || named.Endpoint != "a" || !named.Lied() {
				t.Errorf("beside an honest one: alarms %v, want a named", res.Alarms)
			}

			alone.tell = nil
			if res := tick(t, r); len(res.Changes) != 1 || len(res.Changes[0].Confirmed) != 3 || len(res.Alarms) != 0 {
				t.Errorf("the twin: %+v, %v", res.Changes, res.Alarms)
			}
		})
	}
}

// Providers that take five blocks a question, over a chain on which little
// happens, are read by going back from entry to entry.
func TestFiveBlocksAQuestion(t *testing.T) {
	o := newOrganisation(t, devchain.Options{MaxDrift: -1})
	for range 6 {
		o.write(o.put(state.KindGrant))
		o.chain.Mine(300)
	}
	p := o.provider()
	p.widest = 5
	r := o.from(nil, p)
	tick(t, r)
	if got, want := lengths(r, o.zone), "confirmed 6 overlay 0 sticky 0"; got != want {
		t.Errorf("zone: %s, want %s", got, want)
	}
	if p.asked > 60 {
		t.Errorf("%d questions for 7 entries", p.asked)
	}
	// What it leaves out that way is missed as well.
	o.write(o.put(state.KindGrant), o.put(state.KindDeny))
	p.tell = func(l []any) []any { return l[:max(0, len(l)-1)] }
	if _, err := r.Tick(t.Context()); !errors.Is(err, verify.ErrLogs) {
		t.Errorf("an entry omitted: %v", err)
	}
	p.tell = nil
	tick(t, r)
}

// A question past a real node's head is answered by -32602: it lags, and has
// nothing there. Together with one that is not behind, nothing is lost.
func TestPastTheHead(t *testing.T) {
	o := newOrganisation(t, devchain.Options{})
	p := o.provider()
	q := registry.LogQuery{Contract: o.chain.Contract, Org: o.id, Scopes: []state.Word{o.zone}, From: o.chain.Number() + 10, To: o.chain.Number() + 20}
	if _, err := p.Client.Logs(t.Context(), q); registry.FaultOf(err) != registry.PastHead {
		t.Errorf("past the head: %v", err)
	}
	q.From, q.To = 0, o.chain.Number()
	if _, err := p.Client.Logs(t.Context(), q); err != nil {
		t.Errorf("the twin: %v", err)
	}
}

// Endpoints that no longer serve old logs, with or without saying so: the entries
// come from segments, what is newer from the endpoints, and all of it must end at
// the proven hash.
func TestPrunedHistory(t *testing.T) {
	o := newOrganisation(t, devchain.Options{MaxDrift: -1})
	o.fill(2_100)
	folder := o.segments(o.id, o.zone)
	pruned := o.chain.Number() + 1
	o.chain.Mine(20)
	o.write(o.put(state.KindGrant), o.put(state.KindDeny))
	o.chain.Mine(1)
	archives := []verify.Archive{{Name: "folder 1", Source: folder}}
	entries := 2_102
	for name, silent := range map[string]bool{"it says so": false, "it answers with nothing": true} {
		p := o.provider()
		p.pruned, p.silent = pruned, silent
		if _, err := o.from(nil, p).Tick(t.Context()); !errors.Is(err, verify.ErrLogs) && !errors.Is(err, verify.ErrSource) {
			t.Errorf("%s, without segments: %v", name, err)
		}
		r := o.from(archives, p)
		res := tick(t, r)
		if got, want := lengths(r, o.zone), fmt.Sprintf("confirmed %d overlay 0 sticky 0", entries); got != want {
			t.Errorf("%s: zone %s, want %s", name, got, want)
		}
		var named *verify.EndpointError
		if len(res.Alarms) == 0 || !errors.As(res.Alarms[0], &named) || named.Endpoint != "a" {
			t.Errorf("%s: alarms %v, want a named", name, res.Alarms)
		}
		// And on from there without them.
		o.write(o.put(state.KindGrant))
		entries++
		if res := tick(t, r); len(res.Changes) != 1 || len(res.Alarms) != 0 {
			t.Errorf("%s, afterwards: %+v, %v", name, res.Changes, res.Alarms)
		}
		// A provider that caps ranges too.
		p.widest = 5
		tick(t, o.from(archives, p))
	}
	// Segments that end where their writer stopped are no less good for that.
	if err := os.Remove(filepath.Join(folder.Path, source.SegmentsFolder, segment.Name(o.zone, 2))); err != nil {
		t.Fatal(err)
	}
	p := o.provider()
	p.pruned = pruned
	if _, err := o.from(archives, p).Tick(t.Context()); !errors.Is(err, verify.ErrLogs) && !errors.Is(err, verify.ErrSource) {
		t.Errorf("a segment is missing: %v", err)
	}
}

// Segments that say something else are refused and their archive is named, and
// the next archive is read.
func TestForgedSegments(t *testing.T) {
	o := newOrganisation(t, devchain.Options{MaxDrift: -1})
	o.fill(1_200)
	good := o.segments(o.id, o.zone)
	p := o.provider()
	p.pruned = o.chain.Number() + 1
	alter := func(f func(*segment.Segment)) source.Folder {
		t.Helper()
		folder := o.segments(o.id, o.zone)
		raw, err := folder.Segment(t.Context(), o.zone, 0)
		if err != nil {
			t.Fatal(err)
		}
		s, err := segment.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		f(s)
		o.keep(folder, s)
		return folder
	}
	cut := o.segments(o.id, o.zone)
	if err := os.Truncate(filepath.Join(cut.Path, source.SegmentsFolder, segment.Name(o.zone, 0)), 5_000); err != nil {
		t.Fatal(err)
	}
	for name, row := range map[string]struct {
		bad  source.Folder
		lies bool // and can be told from one that has less than all
	}{
		"a longer window": {alter(func(s *segment.Segment) { s.Entries[500].Until++ }), true},
		"another author":  {alter(func(s *segment.Segment) { s.Entries[3].Authors = []state.Address{{1}} }), true},
		"other data":      {alter(func(s *segment.Segment) { s.Entries[0].Data = []byte("other") }), true},
		"cut off":         {cut, true},
		"entries omitted": {alter(func(s *segment.Segment) { s.Entries = s.Entries[:1000] }), false},
		"nothing":         {source.Folder{Path: t.TempDir()}, false},
	} {
		bad := row.bad
		if _, err := o.from([]verify.Archive{{Name: "bad", Source: bad}}, p).Tick(t.Context()); err == nil {
			t.Errorf("%s: believed", name)
		}
		r := o.from([]verify.Archive{{Name: "bad", Source: bad}, {Name: "good", Source: good}}, p)
		res := tick(t, r)
		if got, want := lengths(r, o.zone), "confirmed 1200 overlay 0 sticky 0"; got != want {
			t.Errorf("%s: zone %s, want %s", name, got, want)
		}
		named := slices.ContainsFunc(res.Alarms, func(err error) bool {
			var e *verify.EndpointError
			return errors.As(err, &e) && e.Endpoint == "bad"
		})
		if named != row.lies {
			t.Errorf("%s: alarms %v, the archive named: %v", name, res.Alarms, named)
		}
	}
}

// Years later, with endpoints that serve only what is new: a reader joins at a C
// word that segments lead it to.
func TestJoinsYearsLaterFromSegments(t *testing.T) {
	o := newOrganisation(t, devchain.Options{MaxDrift: -1})
	o.fill(2_200)
	if err := o.chain.AdjustTime(3 * 365 * 24 * time.Hour); err != nil {
		t.Fatal(err)
	}
	pruned := o.chain.Number() + 1
	o.write(o.put(state.KindGrant))
	folder := o.segments(o.id)
	whole := o.from(nil, o.provider())
	res := tick(t, whole)
	if got := whole.Known().Scopes[o.zone].Base.Seq; got != 2048 {
		t.Fatalf("the twin, with old logs: joined at %d", got)
	}
	for _, c := range res.Changes {
		if c.Scope == o.zone {
			for _, s := range segment.Split(o.zone, c.Confirmed) {
				o.keep(folder, &s)
			}
		}
	}
	p := o.provider()
	p.pruned = pruned
	r := o.from([]verify.Archive{{Name: "folder 1", Source: folder}}, p)
	tick(t, r)
	l := r.Known().Scopes[o.zone]
	if l.Base.Seq != 2048 || l.Confirmed.Seq != 2201 {
		t.Errorf("from %d to %d, want 2048 to 2201", l.Base.Seq, l.Confirmed.Seq)
	}
}
