package rotate

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/crypto"
	"golang.org/x/crypto/ssh"

	"dpki/admin"
	"dpki/admin/home"
	"dpki/bundle"
	"dpki/bundle/store"
	"dpki/contracts"
	"dpki/device"
	"dpki/device/clock"
	"dpki/device/journal"
	"dpki/internal/anchor"
	"dpki/internal/devchain"
	"dpki/internal/harness"
	"dpki/internal/harness/desk"
	"dpki/internal/harness/sshkey"
	"dpki/sshca/profile"
	"dpki/state"
)

const (
	day  = 24 * time.Hour
	step = 20 * day // how often the timer comes; a real one comes daily
	last = 460 * day
)

// year is an organisation on a chain whose time is moved, and its clocks with it.
type year struct {
	*testing.T
	chain *devchain.Chain
	home  home.Home
	id    *bundle.Identity
	salt  state.Word
	org   anchor.Anchor
	moved atomic.Int64 // nanoseconds
}

func newYear(t *testing.T) *year {
	t.Helper()
	y := &year{T: t, chain: devchain.New(t, devchain.Options{MaxDrift: -1})}
	rand.Read(y.salt[:])
	y.org = anchor.Anchor{Registry: y.chain.Registry(), Org: y.chain.Registry().OrganisationID(y.chain.AdminAddress(), y.salt)}
	var err error
	y.id, err = bundle.GenerateIdentity()
	y.must(err)
	y.home, err = home.New(filepath.Join(t.TempDir(), "home"), func(string) string { return "" })
	y.must(err)
	y.must(home.Make(y.home.Config()))
	return y
}

// pass moves chain and clocks.
func (y *year) pass(d time.Duration) {
	y.Helper()
	y.must(y.chain.AdjustTime(d))
	y.moved.Add(int64(d))
}

// desk is one run of the command, by an account, with what the runs before it kept.
func (y *year) desk(key *ecdsa.PrivateKey) *admin.Desk {
	y.Helper()
	return desk.Administrator{Chain: y.chain, Org: y.org, Home: y.home, Identity: y.id, Key: key}.Desk(y)
}

// limited is an account that may enter one kind in a zone, as a timer's should.
func (y *year) limited(zone state.Word, kind state.Kind) *ecdsa.PrivateKey {
	y.Helper()
	key, err := crypto.GenerateKey()
	y.must(err)
	account := state.Address(crypto.PubkeyToAddress(key.PublicKey))
	y.must(y.chain.Fund(y.Context(), account, devchain.Ether(1)))
	a := state.Admin{Account: account, Power: zone, PutMask: state.KindMask{}.With(kind)}
	rand.Read(a.Salt[:])
	root := state.RootAdmin(y.chain.AdminAddress(), y.org.Org, y.salt)
	data, err := contracts.PackWrite(y.org.Org, root, []contracts.Group{{Scope: y.org.Org, Changes: []contracts.Change{{
		Action: state.ActionPut, Kind: state.KindAdmin, Until: state.Never, Subject: a.ID(), Data: a.Marshal(),
	}}}})
	y.must(err)
	_, err = y.chain.Send(y.Context(), y.chain.Admin, y.org.Registry.Contract, nil, data)
	y.must(err)
	return key
}

// engine runs a device under the moved clocks.
func (y *year) engine(id *bundle.Identity) *device.Engine {
	y.Helper()
	path := filepath.Join(y.TempDir(), "journal")
	y.must(journal.Create(path, y.org))
	j, err := journal.Open(path, y.org)
	y.must(err)
	system, err := clock.System()
	y.must(err)
	log := slog.New(slog.DiscardHandler)
	sup := device.NewSupervisor(inProcess, log)
	e, err := device.New(device.Config{
		Anchor: y.org, Identity: id, Journal: j, Network: y.chain.Network(), Fetcher: sup, Log: log,
		Clock: clock.Clock{
			Wall:   func() time.Time { return time.Now().Add(time.Duration(y.moved.Load())) },
			Boot:   func() time.Duration { return system.Boot() + time.Duration(y.moved.Load()) },
			BootID: "year",
		},
		Profile: device.Profile{Watch: 100 * time.Millisecond, Idle: 200 * time.Millisecond},
	})
	y.must(err)
	ctx, cancel := context.WithCancel(context.Background())
	ran, supervised := make(chan struct{}), make(chan struct{})
	go func() { e.Run(ctx); close(ran) }()
	go func() { sup.Run(ctx); close(supervised) }()
	y.Cleanup(func() { cancel(); <-ran; <-supervised; j.Close() })
	return e
}

func (y *year) must(err error) {
	y.Helper()
	if err != nil {
		y.Fatal(err)
	}
}

// TestYear: for fifteen months nobody types anything but the successor of the host
// CA. The device has a host certificate that is valid, by a CA that lives, and its
// zone's policy, all the time; and all that it began with has ended by then.
func TestYear(t *testing.T) {
	y := newYear(t)
	root := func() *admin.Desk { return y.desk(y.chain.Admin) }
	ctx := t.Context()
	d := root()
	_, err := d.CreateOrganisation(ctx, "acme", "root", y.salt)
	y.must(err)
	zone, err := d.CreateZone(ctx, "plant")
	y.must(err)
	zoneID, err := state.ParseWord(zone.ID)
	y.must(err)
	hosts := func(label string) {
		t.Helper()
		_, err := root().CreateCA(ctx, admin.NewCA{
			Zone: "plant", Label: label, For: 399 * day, Host: true, Passphrase: desk.Passphrase,
		})
		y.must(err)
	}
	hosts("first")
	_, err = root().SetPolicy(ctx, "plant", state.Policy{Privileged: []string{"postgres"}}, 399*day)
	y.must(err)
	id, err := bundle.GenerateIdentity()
	y.must(err)
	request, err := id.NewRequest(y.org, "gate-7", strings.TrimSpace(string(ssh.MarshalAuthorizedKey(sshkey.New(t).PublicKey()))))
	y.must(err)
	d = root()
	plan, err := d.PlanDevices(ctx, admin.AddDevices{Zone: "plant", Requests: []*bundle.Request{request}})
	y.must(err)
	_, err = d.AddPlanned(ctx, plan)
	y.must(err)
	e := y.engine(id)
	began := y.chain.Time()
	timer := y.limited(zoneID, state.KindDelivery)

	renewed := map[string]int{}
	var left []string
	for at := time.Duration(0); at <= last; at += step {
		if at == 300*day {
			hosts("second")
		}
		// The timer's own account may deliver; what else is due it leaves to a root.
		for _, key := range []*ecdsa.PrivateKey{timer, y.chain.Admin} {
			done, err := y.desk(key).RotateDue(ctx, admin.RotateDue{Windows: 6, Each: 30 * day})
			y.must(err)
			for _, r := range done.Rotations {
				switch {
				case r.Left == "":
					renewed[r.What]++
				case key == timer, r.What == "host CA" && at > 266*day && at < 300*day:
					left = append(left, r.What)
				default:
					t.Errorf("day %d: root leaves %s of %s: %s", at/day, r.What, r.Name, r.Left)
				}
			}
		}
		// Now, and until just before the timer comes again.
		for _, ahead := range []time.Duration{0, step - time.Hour} {
			y.pass(ahead)
			harness.Eventually(t, 20*time.Second, func() error { return y.whole(e, id) })
		}
		y.pass(time.Hour)
	}
	t.Logf("%d days, the timer every %d: renewed %v; left by the timer's account: %v", last/day, step/day, renewed, left)
	if renewed["host certificate"] < 4 || renewed["policy"] < 1 || renewed["enrolment"] < 1 {
		t.Errorf("renewed %v", renewed)
	}
	if !slices.Contains(left, "host CA") || !slices.Contains(left, "policy") || !slices.Contains(left, "enrolment") || slices.Contains(left, "host certificate") {
		t.Errorf("an account that may deliver leaves %v", left)
	}
	// Whatever there was in the beginning has ended: nothing of it was of use any more.
	if began+uint64(state.MaxValidity) > y.chain.Time() {
		t.Errorf("only %d days have passed", (y.chain.Time()-began)/uint64(day/time.Second))
	}
	// Somebody who begins now finds the device.
	y.must(os.RemoveAll(y.home.State(y.org.Org)))
	list, err := root().Devices(ctx, "plant", false)
	if err != nil || len(list) != 1 {
		t.Errorf("devices %v, %v", list, err)
	}
}

// whole says what a device lacks.
func (y *year) whole(e *device.Engine, id *bundle.Identity) error {
	v := e.View()
	now := y.chain.Time()
	if v.State.Head.Time+60 < now || v.Enrolment == nil {
		return fmt.Errorf("the device is at %d, the chain at %d", v.State.Head.Time, now)
	}
	if p := v.State.Policy(now); !p.NeedsPrivilege("postgres") {
		return fmt.Errorf("the zone's policy is gone")
	}
	stores, err := store.Open(y.chain.Network().Stores, store.Own{})
	if err != nil {
		return err
	}
	var latest *state.DeliveryFact
	for f := range v.State.Deliveries(now) {
		if latest == nil || f.Seq > latest.Seq {
			latest = f
		}
	}
	if latest == nil {
		return fmt.Errorf("no host certificate is announced")
	}
	b, err := id.ReadDelivery(y.Context(), stores, y.org, latest, bundle.DemandOn(v.State, "", latest, now), bundle.PurposeHostCertificate)
	if err != nil {
		return err
	}
	h, err := bundle.ParseHostCertificate(b.Content)
	if err != nil {
		return err
	}
	certs, named, err := h.Certs()
	if err != nil || named != v.State.Scopes.Mailbox {
		return fmt.Errorf("certificates of %v: %v", named, err)
	}
	for _, c := range certs {
		standing, _ := v.State.CA(state.KindCAHost, profile.Hash(c.SignatureKey), now)
		if c.ValidAfter <= now && now < c.ValidBefore && standing == state.Live {
			return nil
		}
	}
	return fmt.Errorf("no host certificate of %d is valid at %d by a live CA", len(certs), now)
}
