package fleet

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"testing"
	"time"

	"dpki/bundle"
	"dpki/bundle/store"
	"dpki/contracts"
	"dpki/internal/anchor"
	"dpki/internal/devchain"
	"dpki/internal/network"
	"dpki/state"

	"github.com/ethereum/go-ethereum/crypto"
)

// Org is an organisation with one zone.
type Org struct {
	t      testing.TB
	Chain  *devchain.Chain
	Anchor anchor.Anchor
	Key    *ecdsa.PrivateKey // of Admin
	Admin  state.Admin
	Zone   state.Word
	Ring   *bundle.Ring // of organisation and zone, and of every mailbox that was enrolled
	Keys   []bundle.NumberedKey
	// Network is what devices are told; the chain's own unless a test changes it
	// before it enrols.
	Network network.File
	// Successor is what they are told of the chain on which the organisation goes
	// on, the text of a network file; mostly nothing.
	Successor string
	// Blocks takes what is announced; the chain's content store unless a test
	// changes it.
	Blocks store.Store

	granted map[state.Word]granted // by subject
	names   map[state.Word]string  // of devices, by mailbox
}

// New makes the organisation, its zone and the zone's first key.
func New(t testing.TB, o devchain.Options) *Org {
	t.Helper()
	return On(t, devchain.New(t, o))
}

// On makes an organisation on a chain that runs.
func On(t testing.TB, chain *devchain.Chain) *Org {
	t.Helper()
	var salt state.Word
	rand.Read(salt[:])
	return By(t, chain, chain.Admin, salt)
}

// By makes an organisation of another creator, who has ether, by a salt.
func By(t testing.TB, chain *devchain.Chain, creator *ecdsa.PrivateKey, salt state.Word) *Org {
	t.Helper()
	f := &Org{t: t, Chain: chain, Key: creator, Network: chain.Network(), granted: map[state.Word]granted{}, names: map[state.Word]string{}}
	f.must(f.send(creator, contracts.PackCreate(salt)))
	address := state.Address(crypto.PubkeyToAddress(creator.PublicKey))
	id := chain.Registry().OrganisationID(address, salt)
	f.Anchor = anchor.Anchor{Registry: chain.Registry(), Org: id}
	f.Admin = state.RootAdmin(address, id, salt)
	f.Ring = bundle.NewRing(f.Anchor)
	f.must(f.Ring.Add(id, 1, bundle.NewKey()))
	var err error
	f.Blocks, err = store.NewSandbox(chain.HTTP)
	f.must(err)
	f.Zone = f.NewZone("plant")
	f.AddKey()
	return f
}

// NewZone announces another zone, for which the ring gets no key.
func (f *Org) NewZone(name string) state.Word {
	f.t.Helper()
	sealed, _, err := f.Ring.SealZone(f.Anchor.Org, name, 0, state.Never)
	f.must(err)
	f.Write(f.Anchor.Org, contracts.Change{Action: state.ActionPut, Kind: state.KindZone, Until: state.Never, Subject: sealed.Subject, Data: sealed.Data})
	return sealed.Subject
}

// AddKey numbers another zone key, which later seals use.
func (f *Org) AddKey() {
	f.t.Helper()
	k := bundle.NumberedKey{ID: uint32(len(f.Keys) + 1), Key: bundle.NewKey()}
	f.must(f.Ring.Add(f.Zone, k.ID, k.Key))
	f.Keys = append(f.Keys, k)
}

// Write appends changes to one scope and returns when they are mined.
func (f *Org) Write(scope state.Word, changes ...contracts.Change) {
	f.t.Helper()
	f.WriteGroups(contracts.Group{Scope: scope, Changes: changes})
}

// WriteGroups appends changes to several scopes in one transaction.
func (f *Org) WriteGroups(groups ...contracts.Group) {
	f.t.Helper()
	f.must(f.WriteAs(f.Key, f.Admin, groups...))
}

// WriteAs writes by another administrator. It fails where the contract refuses.
func (f *Org) WriteAs(key *ecdsa.PrivateKey, admin state.Admin, groups ...contracts.Group) error {
	f.t.Helper()
	data, err := contracts.PackWrite(f.Anchor.Org, admin, groups)
	f.must(err)
	return f.send(key, data)
}

// Seal makes the put of a sealed payload, from now for a duration.
func (f *Org) Seal(scope state.Word, kind state.Kind, payload []byte, err error, last time.Duration) contracts.Change {
	f.t.Helper()
	f.must(err)
	until := uint64(time.Now().Add(last).Unix())
	s, err := f.Ring.Seal(bundle.Entry{Scope: scope, Kind: kind, From: 0, Until: until}, payload)
	f.must(err)
	c := contracts.Change{Action: state.ActionPut, Kind: kind, Until: until, Subject: s.Subject, Data: s.Data}
	f.Note(scope, c, payload)
	return c
}

// Revoke revokes an entry.
func (f *Org) Revoke(scope state.Word, c contracts.Change) {
	f.t.Helper()
	f.Write(scope, contracts.Change{Action: state.ActionRevoke, Kind: c.Kind, Subject: c.Subject})
}

func (f *Org) send(key *ecdsa.PrivateKey, data []byte) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	_, err := f.Chain.Send(ctx, key, f.Chain.Contract, nil, data)
	return err
}

func (f *Org) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}
