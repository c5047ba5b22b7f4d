package verify

import (
	"context"
	"errors"
	"testing"
	"time"

	"dpki/registry"
	"dpki/state"
)

// An endpoint that never answers costs a look its patience, is named, and is
// asked last the next time; whoever is first in the list.
func TestOneThatStalls(t *testing.T) {
	for stalls := range 3 {
		f := newFake(t)
		f.mine(put(zone, state.KindGrant))
		endpoints := []Endpoint{{Name: "a", Source: f}, {Name: "b", Source: f.clone()}, {Name: "c", Source: f.clone()}}
		endpoints[stalls].Source = stuck{f}
		r, err := NewReader(Config{Registry: f.registry, Org: f.org, CodeHash: f.code, Deploy: 1, Policy: Agreement{K: 2}}, endpoints)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Follow(zone); err != nil {
			t.Fatal(err)
		}
		for look := range 2 {
			began := time.Now()
			res, err := r.Tick(t.Context())
			if err != nil {
				t.Fatalf("endpoint %d stalls: %v", stalls, err)
			}
			r.Commit(res)
			if took := time.Since(began); took > 5*2*patience {
				t.Errorf("endpoint %d stalls: look %d took %v", stalls, look, took)
			}
			var named *EndpointError
			switch asked := stalls < 2 && look == 0; {
			case asked && (len(res.Alarms) == 0 || !errors.As(res.Alarms[0], &named) || named.Endpoint != endpoints[stalls].Name || named.Lied()):
				t.Errorf("endpoint %d stalls: alarms %v", stalls, res.Alarms)
			case !asked && len(res.Alarms) > 0:
				t.Errorf("endpoint %d stalls, look %d: it was asked: %v", stalls, look, res.Alarms)
			}
		}
	}
}

// mute answers everything but the question for entries.
type mute struct{ *fakeChain }

func (m mute) Logs(ctx context.Context, _ registry.LogQuery) ([]byte, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// The same for entries: a log that is followed is read elsewhere.
func TestEntriesThatStall(t *testing.T) {
	f := newFake(t)
	f.mine(put(zone, state.KindGrant))
	r := f.reader([]state.Word{zone}, f)
	tickOK(t, r)
	f.mine(put(zone, state.KindGrant))
	slow := f.readerWith(Config{Registry: f.registry, Org: f.org, CodeHash: f.code, Deploy: 1, Known: r.Known()}, []state.Word{zone}, mute{f}, f.clone())
	began := time.Now()
	res := tickOK(t, slow)
	if took := time.Since(began); took > 5*entriesPatience {
		t.Errorf("took %v", took)
	}
	var named *EndpointError
	if len(res.Alarms) == 0 || !errors.As(res.Alarms[0], &named) || named.Endpoint != "a" || named.Lied() {
		t.Errorf("alarms %v, want one that names a", res.Alarms)
	}
}
