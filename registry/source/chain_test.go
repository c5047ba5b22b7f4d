package source_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"testing"
	"time"

	"dpki/contracts"
	"dpki/contracts/code"
	"dpki/internal/devchain"
	"dpki/registry"
	"dpki/registry/source"
	"dpki/registry/verify"
	"dpki/state"
)

// organisation is one on a real chain with the real contract.
type organisation struct {
	t     testing.TB
	chain *devchain.Chain
	id    state.Word
	admin state.Admin
	zone  state.Word
}

func newOrganisation(t testing.TB, o devchain.Options) *organisation {
	t.Helper()
	chain := devchain.New(t, o)
	var salt state.Word
	rand.Read(salt[:])
	if _, err := chain.Send(t.Context(), chain.Admin, chain.Contract, nil, contracts.PackCreate(salt)); err != nil {
		t.Fatal(err)
	}
	org := chain.Registry().OrganisationID(chain.AdminAddress(), salt)
	return &organisation{t, chain, org, state.RootAdmin(chain.AdminAddress(), org, salt), state.ZoneID(org, state.Word{1})}
}

func (o *organisation) write(changes ...contracts.Change) {
	o.t.Helper()
	data, err := contracts.PackWrite(o.id, o.admin, []contracts.Group{{Scope: o.zone, Changes: changes}})
	if err != nil {
		o.t.Fatal(err)
	}
	if _, err := o.chain.Send(o.t.Context(), o.chain.Admin, o.chain.Contract, nil, data); err != nil {
		o.t.Fatal(err)
	}
}

func (o *organisation) put(kind state.Kind) contracts.Change {
	c := contracts.Change{Action: state.ActionPut, Kind: kind, Until: o.chain.Time() + 3600, Data: make([]byte, 181)}
	rand.Read(c.Subject[:])
	return c
}

func (o *organisation) reader(urls ...string) *verify.Reader {
	o.t.Helper()
	var endpoints []verify.Endpoint
	for _, u := range urls {
		c, err := source.Dial(u)
		if err != nil {
			o.t.Fatal(err)
		}
		o.t.Cleanup(c.Close)
		endpoints = append(endpoints, verify.Endpoint{Name: u, Source: c})
	}
	r, err := verify.NewReader(verify.Config{Registry: o.chain.Registry(), Org: o.id, CodeHash: code.Hash(), Deploy: o.chain.DeployBlock}, endpoints)
	if err != nil {
		o.t.Fatal(err)
	}
	if err := r.Follow(o.id, o.zone, state.Word{0x30}); err != nil {
		o.t.Fatal(err)
	}
	return r
}

func tick(t *testing.T, r *verify.Reader) *verify.Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	res, err := r.Tick(ctx)
	if err != nil {
		t.Fatal(err)
	}
	r.Commit(res)
	return res
}

func lengths(r *verify.Reader, scope state.Word) string {
	l := r.Known().Scopes[scope]
	return fmt.Sprintf("confirmed %d overlay %d sticky %d", l.Confirmed.Seq, len(l.Overlay), len(l.Sticky))
}

// The whole chain of proof on real parts: geth's headers, proofs and logs, the
// deployed contract, over HTTP.
func TestReadsARealChain(t *testing.T) {
	o := newOrganisation(t, devchain.Options{HoldBack: 2, MaxDrift: -1})
	r := o.reader(o.chain.HTTP)
	tick(t, r)
	if got, want := lengths(r, o.id), "confirmed 0 overlay 1 sticky 0"; got != want {
		t.Errorf("organisation: %s, want %s", got, want)
	}
	grant := o.put(state.KindGrant)
	o.write(grant, o.put(state.KindDeny))
	o.write(contracts.Change{Action: state.ActionRevoke, Kind: grant.Kind, Subject: grant.Subject})
	res := tick(t, r)
	if len(res.Changes) != 2 { // the organisation's first entry has become final
		t.Errorf("%d changes, want 2", len(res.Changes))
	}
	if got, want := lengths(r, o.zone), "confirmed 0 overlay 3 sticky 0"; got != want {
		t.Errorf("zone: %s, want %s", got, want)
	}
	if e := r.Known().Scopes[o.zone].Overlay[0]; e.Subject != grant.Subject || e.Authors[0] != o.chain.AdminAddress() {
		t.Errorf("entry %+v, want the grant", e)
	}
	o.chain.Mine(1)
	tick(t, r)
	if got, want := lengths(r, o.zone), "confirmed 2 overlay 1 sticky 0"; got != want {
		t.Errorf("zone: %s, want %s", got, want)
	}
	o.chain.HoldBack(0)
	tick(t, r)
	if got, want := lengths(r, o.zone), "confirmed 3 overlay 0 sticky 0"; got != want {
		t.Errorf("zone: %s, want %s", got, want)
	}
}

func TestReorganisationsOfARealChain(t *testing.T) {
	for _, depth := range []int{1, 5, 20} {
		t.Run(fmt.Sprint(depth), func(t *testing.T) {
			o := newOrganisation(t, devchain.Options{HoldBack: 1 << 20, MaxDrift: -1})
			r := o.reader(o.chain.HTTP)
			o.write(o.put(state.KindGrant))
			o.chain.Mine(1)
			grant := o.put(state.KindGrant)
			o.write(grant, o.put(state.KindDeny))
			o.chain.Mine(depth - 1)
			tick(t, r)
			if got, want := lengths(r, o.zone), "confirmed 0 overlay 3 sticky 0"; got != want {
				t.Fatalf("before: %s, want %s", got, want)
			}
			if err := o.chain.Reorg(depth, false); err != nil {
				t.Fatal(err)
			}
			tick(t, r)
			if got, want := lengths(r, o.zone), "confirmed 0 overlay 1 sticky 1"; got != want {
				t.Fatalf("after: %s, want %s", got, want)
			}
			o.write(o.put(state.KindGrant))
			o.chain.HoldBack(0)
			res := tick(t, r)
			var dropped *verify.DroppedError
			if len(res.Alarms) != 1 || !errors.As(res.Alarms[0], &dropped) {
				t.Errorf("alarms %v, want the end of the denial", res.Alarms)
			}
			if got, want := lengths(r, o.zone), "confirmed 2 overlay 0 sticky 0"; got != want {
				t.Errorf("at the end: %s, want %s", got, want)
			}
		})
	}
}

// The contract that stands there is another one: nothing is read from it.
func TestOtherCodeAtTheAddress(t *testing.T) {
	o := newOrganisation(t, devchain.Options{})
	for name, want := range map[string]error{"other": registry.ErrCode, "none": registry.ErrNoCode, "twin": nil} {
		t.Run(name, func(t *testing.T) {
			config := verify.Config{Registry: o.chain.Registry(), Org: o.id, CodeHash: code.Hash(), Deploy: 1}
			switch name {
			case "other":
				config.Registry.Contract = contracts.Deterministic().To // the proxy has code
			case "none":
				config.Registry.Contract = state.Address{0x99}
			}
			c, err := source.Dial(o.chain.HTTP)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			r, err := verify.NewReader(config, []verify.Endpoint{{Name: "a", Source: c}})
			if err != nil {
				t.Fatal(err)
			}
			if err := r.Follow(o.id); err != nil {
				t.Fatal(err)
			}
			if _, err := r.Tick(t.Context()); !errors.Is(err, want) {
				t.Errorf("got %v, want %v", err, want)
			}
		})
	}
}

func TestHintsFollowHeads(t *testing.T) {
	o := newOrganisation(t, devchain.Options{})
	c, err := source.Dial(o.chain.WS)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	woken := make(chan struct{}, 16)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		c.Hints(ctx, func() { woken <- struct{}{} })
	}()
	deadline := time.After(20 * time.Second)
	for got := false; !got; {
		o.chain.Mine(1) // until the subscription stands
		select {
		case <-woken:
			got = true
		case <-time.After(50 * time.Millisecond):
		case <-deadline:
			t.Fatal("never woken")
		}
	}
	// A ws endpoint answers questions as well.
	r := o.reader(o.chain.WS)
	tick(t, r)
	cancel()
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Error("Hints did not end with its context")
	}
}

// fill writes n entries, a hundred a transaction.
func (o *organisation) fill(n int) {
	for range n / 100 {
		batch := make([]contracts.Change, 100)
		for i := range batch {
			batch[i] = o.put(state.KindGrant)
		}
		o.write(batch...)
	}
}

// A zone of many entries is read in one Tick, in bounded pieces.
func TestReadsALongLog(t *testing.T) {
	o := newOrganisation(t, devchain.Options{MaxDrift: -1})
	o.fill(2_500)
	start := time.Now()
	r := o.reader(o.chain.HTTP)
	tick(t, r)
	if got, want := lengths(r, o.zone), "confirmed 2500 overlay 0 sticky 0"; got != want {
		t.Errorf("zone: %s, want %s", got, want)
	}
	// The bar is 5 s for 10,000.
	if took := time.Since(start); took > 25*time.Second {
		t.Errorf("took %s", took)
	}
}

// C words of the real contract, after 500 days: the reader begins at one.
func TestJoinsAtARealCheckpoint(t *testing.T) {
	o := newOrganisation(t, devchain.Options{MaxDrift: -1})
	o.fill(2_200)
	if err := o.chain.AdjustTime(500 * 24 * time.Hour); err != nil {
		t.Fatal(err)
	}
	o.write(o.put(state.KindGrant))
	r := o.reader(o.chain.HTTP)
	tick(t, r)
	l := r.Known().Scopes[o.zone]
	if l.Base.Seq != 2048 || l.Confirmed.Seq != 2201 {
		t.Errorf("from %d to %d, want 2048 to 2201", l.Base.Seq, l.Confirmed.Seq)
	}
	if l := r.Known().Scopes[o.id]; l.Base.Seq != 0 {
		t.Errorf("the organisation's own log began at %d", l.Base.Seq)
	}
}

// The join of a zone of 10,000 entries (bar: 5 s), and a Tick with nothing new,
// with the bytes that its answers have (bar: 300 MB a month at one in five
// minutes is 34 KB).
func BenchmarkReader(b *testing.B) {
	o := newOrganisation(b, devchain.Options{MaxDrift: -1})
	o.fill(10_000)
	b.Run("join10000", func(b *testing.B) {
		for b.Loop() {
			if _, err := o.reader(o.chain.HTTP).Tick(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("idle", func(b *testing.B) {
		c, err := source.Dial(o.chain.HTTP)
		if err != nil {
			b.Fatal(err)
		}
		defer c.Close()
		counted := &counter{Client: c}
		r, err := verify.NewReader(verify.Config{Registry: o.chain.Registry(), Org: o.id, CodeHash: code.Hash(), Deploy: 1},
			[]verify.Endpoint{{Name: "a", Source: counted}})
		if err != nil {
			b.Fatal(err)
		}
		if err := r.Follow(o.id, o.zone, state.Word{0x30}); err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			res, err := r.Tick(b.Context())
			if err != nil {
				b.Fatal(err)
			}
			r.Commit(res)
		}
		b.ReportMetric(float64(counted.last), "bytes/op")
	})
}

// counter notes how many bytes the last answer about the tip had.
type counter struct {
	*source.Client
	last int
}

func (c *counter) Head(ctx context.Context, q registry.HeadQuery) (registry.HeadReply, error) {
	r, err := c.Client.Head(ctx, q)
	c.last = len(r.ChainID) + len(r.Latest) + len(r.Safe) + len(r.Finalized) + len(r.Proof)
	return r, err
}
