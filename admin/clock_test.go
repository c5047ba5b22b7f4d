package admin

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"dpki/admin/home"
	"dpki/admin/ledger"
	"dpki/contracts"
	"dpki/contracts/code"
	"dpki/internal/anchor"
	"dpki/internal/devchain"
	"dpki/internal/network"
	"dpki/registry/source"
	"dpki/registry/verify"
	"dpki/state"
)

// newDesk is the Desk of an organisation that was just made on a real chain; it
// has no roster and only reads.
func newDesk(t *testing.T) (*Desk, *devchain.Chain) {
	t.Helper()
	c := devchain.New(t, devchain.Options{})
	if _, err := c.Send(context.Background(), c.Admin, c.Contract, nil, contracts.PackCreate(state.Word{7})); err != nil {
		t.Fatal(err)
	}
	a := anchor.Anchor{Registry: c.Registry(), Org: c.Registry().OrganisationID(c.AdminAddress(), state.Word{7})}
	client, err := source.Dial(c.HTTP)
	if err != nil {
		t.Fatal(err)
	}
	l, err := ledger.Open(verify.Config{Registry: a.Registry, Org: a.Org, CodeHash: state.Word(code.Hash()), Deploy: c.DeployBlock},
		[]verify.Endpoint{{Name: "chain", Source: client}}, "")
	if err != nil {
		t.Fatal(err)
	}
	h, err := home.New(t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	d := New(Config{Home: h, Anchor: a, Network: network.File{Name: "test", Agree: 1}, Ledger: l, Account: c.AdminAddress()})
	if err := d.read(context.Background(), a.Org); err != nil {
		t.Fatal(err)
	}
	return d, c
}

// A clock more than five minutes off the chain's makes no grant: its window
// would be somewhere else than its author thinks.
func TestClock(t *testing.T) {
	d, _ := newDesk(t)
	head := time.Unix(int64(d.Ledger.Head().Time), 0)
	for _, c := range []struct {
		off  time.Duration
		want string // "" = accepted
	}{
		{0, ""}, {4 * time.Minute, ""}, {-4 * time.Minute, ""}, {5 * time.Minute, ""}, {-5 * time.Minute, ""},
		{5*time.Minute + time.Second, "5m1s ahead of"}, {-5*time.Minute - time.Second, "5m1s behind"},
		{87600 * time.Hour, "ahead of"}, {-87600 * time.Hour, "behind"},
	} {
		d.Now = func() time.Time { return head.Add(c.off) }
		now, err := d.now()
		var p *Problem
		if c.want == "" {
			if err != nil || now != uint64(head.Add(c.off).Unix()) {
				t.Errorf("off by %v: %d, %v", c.off, now, err)
			}
			continue
		}
		if !errors.As(err, &p) || p.Class != Later || !strings.Contains(p.Text, c.want) || p.Hint == "" {
			t.Errorf("off by %v: %v, want %q", c.off, err, c.want)
		}
	}
}

// A grant begins at the newest block's time where that is earlier, and ends by
// this clock.
func TestWindow(t *testing.T) {
	d, _ := newDesk(t)
	head := d.Ledger.Head().Time
	for _, off := range []int64{-100, 0, 100} {
		now := uint64(int64(head) + off)
		d.Now = func() time.Time { return time.Unix(int64(now), 0) }
		from, until, err := d.window(5 * time.Minute)
		if err != nil || from != min(now, head) || until != now+300 {
			t.Errorf("clock off by %d: %d to %d, %v; head %d", off, from, until, err, head)
		}
	}
	if _, _, err := d.window(401 * 24 * time.Hour); err == nil {
		t.Error("more than 400 days")
	}
}

// The log names who may do what: the creator everything, nobody else anything.
func TestAuthorityFromLog(t *testing.T) {
	d, _ := newDesk(t)
	groups := []contracts.Group{{Scope: d.Anchor.Org, Changes: []contracts.Change{{Action: state.ActionPut, Kind: state.KindZone}}}}
	if a, err := d.authority(groups); err != nil || a.Flags != state.AdminRoot {
		t.Errorf("the creator: %+v, %v", a, err)
	}
	creator := d.Account
	d.Account = state.Address{9}
	var p *Problem
	if _, err := d.authority(groups); !errors.As(err, &p) || !strings.Contains(p.Hint, creator.String()) {
		t.Errorf("a stranger: %v, want a hint that names %s", err, creator)
	}
}
