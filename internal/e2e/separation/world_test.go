package separation

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/crypto"
	"golang.org/x/crypto/ssh"

	"dpki/bundle"
	"dpki/contracts"
	"dpki/internal/anchor"
	"dpki/internal/harness/sshkey"
	"dpki/internal/network"
	"dpki/registry/witness"
	"dpki/sshca"
	"dpki/sshca/profile"
	"dpki/state"
)

const (
	timelock = 7 * 24 * time.Hour
	offline  = time.Hour
	lasting  = 300 * 24 * 3600 // seconds that what stands throughout is valid
)

// holder is an account with what it may write.
type holder struct {
	key     *ecdsa.PrivateKey
	account state.Address
	admin   state.Admin // the zero value of a guardian
}

// world is the organisation before anything is stolen.
type world struct {
	testing.TB
	chain               *chain
	org                 anchor.Anchor
	plant, office       state.Word
	ring                *bundle.Ring // every key of every scope
	zoneKeys            map[state.Word][]bundle.NumberedKey
	roots               []holder // two of three decide over others
	grants              holder   // GRANT everywhere, and nothing else
	officer             holder   // of everything in zone plant but its policy
	enroller            holder   // BATCH and DEVICE everywhere
	guardians           []holder
	guard               state.Guardians
	gate7, gate8, gate9 *gadget   // of zone plant
	desk1               *gadget   // of zone office
	fleet               []*gadget // all of them
	ca                  sshkey.Key
	caEntries           map[state.Word]contracts.Change
	alice               sshkey.Key
	aliceGrant          contracts.Change
	aliceCert           *ssh.Certificate
	delivered           contracts.Change // for gate-7 alone
	deliveredBlock      bundle.Block
	witnesses           []ed25519.PrivateKey
	network             network.File
	blocks              map[bundle.CID][]byte

	said     map[state.Word]profile.Terms // what grants say, by subject
	names    map[state.Word]*gadget       // by mailbox
	sealed   map[string]contracts.Change  // what thieves have sealed, by its name
	looks    map[lookKey]*look
	thief    thiefOwn
	rescue   []holder   // whom the guardians trust
	nextCA   sshkey.Key // that takes the place of one that is revoked
	stranger *gadget    // a device of the thief's own
}

// thiefOwn is what every thief has without stealing.
type thiefOwn struct {
	key      sshkey.Key
	ca       sshkey.Key
	accounts []holder
	gadget   *bundle.Identity
	guess    bundle.Key
}

// newWorld pins witnesses on devices, or does not.
func newWorld(t testing.TB, pinned bool) *world {
	t.Helper()
	w := &world{
		TB: t, chain: newChain(t, time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC)), zoneKeys: map[state.Word][]bundle.NumberedKey{},
		caEntries: map[state.Word]contracts.Change{}, blocks: map[bundle.CID][]byte{}, sealed: map[string]contracts.Change{}, looks: map[lookKey]*look{},
		said: map[state.Word]profile.Terms{}, names: map[state.Word]*gadget{},
	}
	w.found(pinned)
	w.zones()
	w.devices()
	w.separate()
	w.chain.pass(time.Minute)
	w.chain.final = w.chain.number()
	for _, g := range w.fleet {
		g.enrol()
	}
	w.rescue, w.nextCA = w.holders(2), sshkey.New(t)
	w.thief = thiefOwn{key: sshkey.New(t), ca: sshkey.New(t), accounts: w.holders(3), gadget: w.identity(), guess: bundle.NewKey()}
	return w
}

// found makes the organisation of its first root administrator.
func (w *world) found(pinned bool) {
	w.Helper()
	w.roots, w.guardians = w.holders(3), w.holders(3)
	var salt state.Word
	rand.Read(salt[:])
	first := &w.roots[0]
	w.must(w.chain.send(first.account, contracts.PackCreate(salt)))
	w.org = anchor.Anchor{Registry: w.chain.registry(), Org: w.chain.registry().OrganisationID(first.account, salt)}
	first.admin = state.RootAdmin(first.account, w.org.Org, salt)
	w.ring = bundle.NewRing(w.org)
	w.must(w.ring.Add(w.org.Org, 1, bundle.NewKey()))
	for range 3 {
		_, key, err := ed25519.GenerateKey(rand.Reader)
		w.must(err)
		w.witnesses = append(w.witnesses, key)
	}
	w.network = network.File{
		Name: "separation", ChainID: chainID, Contract: w.chain.contract, DeployBlock: 1, Agree: 1, FeeModel: network.EIP1559,
		Endpoints: []string{"http://node.example"}, Stores: []network.Store{{Type: network.Gateway, URL: "http://store.example"}},
	}
	if !pinned {
		return
	}
	w.network.WitnessVersion, w.network.WitnessAgree = 1, 2
	for i, key := range w.witnesses {
		w.network.Witnesses = append(w.network.Witnesses, network.Witness{Name: string(rune('a' + i)), Key: witness.KeyOf(key), URL: "http://witness.example"})
	}
}

// zones makes plant and office, which trust one CA for users.
func (w *world) zones() {
	w.Helper()
	w.ca = sshkey.New(w)
	for name, zone := range map[string]*state.Word{"plant": &w.plant, "office": &w.office} {
		sealed, _, err := w.ring.SealZone(w.org.Org, name, 0, state.Never)
		w.must(err)
		*zone = sealed.Subject
		w.write(w.org.Org, contracts.Change{Action: state.ActionPut, Kind: state.KindZone, Until: state.Never, Subject: sealed.Subject, Data: sealed.Data})
		key := bundle.NumberedKey{ID: 1, Key: bundle.NewKey()}
		w.must(w.ring.Add(*zone, key.ID, key.Key))
		w.zoneKeys[*zone] = append(w.zoneKeys[*zone], key)
		w.caEntries[*zone] = w.caEntry(w.ring, *zone, w.ca)
		w.write(*zone, w.caEntries[*zone])
	}
}

// devices enrols them, lets alice in to gate-7, and delivers something there.
func (w *world) devices() {
	w.Helper()
	w.gate7, w.gate8, w.gate9 = w.gadget("gate-7", w.plant), w.gadget("gate-8", w.plant), w.gadget("gate-9", w.plant)
	w.desk1 = w.gadget("desk-1", w.office)
	w.fleet = []*gadget{w.gate7, w.gate8, w.gate9, w.desk1}
	for _, g := range w.fleet {
		w.must(w.ring.AddMailbox(g.mailbox, g.identity.MailboxSecret()))
		w.write(g.zone, w.announce(g.zone, g.request, w.materials(g.request.Name, g.zone)))
	}
	w.alice = sshkey.New(w)
	w.aliceGrant = w.grantEntry(w.ring, w.gate7.mailbox, state.KindGrant, "deploy", w.alice.PublicKey())
	w.aliceCert = w.certificate(w.ca, w.alice.PublicKey(), w.aliceGrant)
	w.write(w.gate7.mailbox, w.aliceGrant)
	block, change := w.delivery(w.ring, w.gate7.request.Recipient, w.gate7.mailbox)
	w.deliveredBlock, w.delivered = block, change
	w.write(w.gate7.mailbox, change)
}

// separate hands out the powers: from here on nobody decides over others alone.
func (w *world) separate() {
	w.Helper()
	mask := func(kinds ...state.Kind) (m state.KindMask) {
		for _, k := range kinds {
			m = m.With(k)
		}
		return m
	}
	name := func(h *holder, power state.Word, until uint64, kinds ...state.Kind) contracts.Change {
		var salt state.Word
		rand.Read(salt[:])
		h.admin = state.Admin{Account: h.account, Power: power, PutMask: mask(kinds...), RevokeMask: mask(kinds...), Salt: salt}
		if len(kinds) == 0 {
			h.admin = state.RootAdmin(h.account, w.org.Org, salt)
		}
		return adminEntry(h.admin, until)
	}
	others := w.holders(3)
	w.grants, w.officer, w.enroller = others[0], others[1], others[2]
	until := w.chain.time() + lasting
	w.write(w.org.Org,
		name(&w.roots[1], w.org.Org, state.Never), name(&w.roots[2], w.org.Org, state.Never),
		name(&w.grants, w.org.Org, until, state.KindGrant),
		name(&w.enroller, w.org.Org, until, state.KindBatch, state.KindDevice),
		name(&w.officer, w.plant, until, state.KindGrant, state.KindGrantPriv, state.KindCAUser, state.KindDeny, state.KindDelivery, state.KindBatch, state.KindDevice),
	)
	w.guard = state.Guardians{Timelock: uint64(timelock / time.Second), Needed: 2, Final: 3}
	for _, g := range w.guardians {
		w.guard.Accounts = append(w.guard.Accounts, g.account)
	}
	w.write(w.org.Org, contracts.SetGuardians(w.guard))
	var limits []contracts.Change
	// LIMIT is the last: it binds this write from there on.
	for _, k := range []state.Kind{
		state.KindAdmin, state.KindGuardian, state.KindDistrust, state.KindPointer, state.KindPolicy, state.KindLimit,
	} {
		limits = append(limits, w.limit(k, 2))
	}
	w.write(w.org.Org, limits...)
	for _, k := range []state.Kind{state.KindGrantPriv, state.KindCAUser, state.KindCAHost} {
		w.must(w.approve(w.chain, w.roots[:2], group(w.org.Org, w.limit(k, 2))))
	}
	policy, err := state.Policy{Modes: state.ModeCertificateAndGrant, Offline: uint32(offline / time.Second)}.Marshal()
	w.must(err)
	w.must(w.approve(w.chain, w.roots[:2], group(w.org.Org, w.put(state.KindPolicy, policy))))
}

// holders makes accounts, by ascending address.
func (w *world) holders(n int) []holder {
	w.Helper()
	list := make([]holder, n)
	for i := range list {
		key, err := crypto.GenerateKey()
		w.must(err)
		list[i] = holder{key: key, account: state.Address(crypto.PubkeyToAddress(key.PublicKey))}
	}
	slices.SortFunc(list, func(a, b holder) int { return bytes.Compare(a.account[:], b.account[:]) })
	return list
}

func (w *world) identity() *bundle.Identity {
	w.Helper()
	id, err := bundle.GenerateIdentity()
	w.must(err)
	return id
}

// write is of the first root administrator, before the powers are separated.
func (w *world) write(scope state.Word, changes ...contracts.Change) {
	w.Helper()
	w.must(w.direct(w.chain, w.roots[0], group(scope, changes...)))
}

// direct is one administrator's write.
func (w *world) direct(c *chain, by holder, groups ...contracts.Group) error {
	w.Helper()
	data, err := contracts.PackWrite(w.org.Org, by.admin, groups)
	w.must(err)
	return c.send(by.account, data)
}

// epoch is how often the organisation was recovered.
func (w *world) epoch(c *chain) (n uint32) {
	w.Helper()
	for _, e := range w.entries(c, w.org.Org) {
		if e.Action == state.ActionComplete {
			n++
		}
	}
	return n
}

var errNobody = errors.New("nobody signs")

// proposal is a write to be signed for, in an epoch.
func (w *world) proposal(c *chain, epoch uint32, groups []contracts.Group) (contracts.Proposal, state.Word) {
	w.Helper()
	p := contracts.Proposal{Org: w.org.Org, Epoch: epoch, Groups: groups, Deadline: c.time() + 3600}
	p.Nonce[31] = byte(c.number()) // one write a block
	p.Nonce[30] = byte(c.number() >> 8)
	digest, err := p.Digest(w.org.Registry)
	w.must(err)
	return p, digest
}

// approve is a write that these administrators have signed.
func (w *world) approve(c *chain, by []holder, groups ...contracts.Group) error {
	w.Helper()
	if len(by) == 0 {
		return errNobody
	}
	p, digest := w.proposal(c, w.epoch(c), groups)
	by = slices.Clone(by)
	slices.SortFunc(by, func(a, b holder) int { return bytes.Compare(a.account[:], b.account[:]) })
	var approvals []contracts.Approval
	for _, h := range by {
		approvals = append(approvals, contracts.Approval{Admin: h.admin, Signature: w.sign(h, digest)})
	}
	data, err := contracts.PackWriteApproved(p, approvals)
	w.must(err)
	return c.send(by[0].account, data)
}

// guarded is a write that these guardians have signed.
func (w *world) guarded(c *chain, by []holder, change contracts.Change) error {
	w.Helper()
	p, digest := w.proposal(c, w.epoch(c), []contracts.Group{group(w.org.Org, change)})
	var consents []contracts.Consent
	for _, h := range by {
		consents = append(consents, contracts.Consent{Guardian: h.account, Signature: w.sign(h, digest)})
	}
	data, err := contracts.PackWriteGuarded(p, w.guard, consents)
	w.must(err)
	return c.send(w.guardians[0].account, data)
}

func (w *world) sign(h holder, digest state.Word) []byte {
	w.Helper()
	signature, err := crypto.Sign(digest[:], h.key)
	w.must(err)
	signature[64] += 27
	return signature
}

func ascending(accounts []state.Address) []state.Address {
	slices.SortFunc(accounts, func(a, b state.Address) int { return bytes.Compare(a[:], b[:]) })
	return accounts
}

// group is changes to be, and where. Administrators here have the organisation's
// power or stand in the scope itself, unless a mailbox is named with its salt.
func group(scope state.Word, changes ...contracts.Change) contracts.Group {
	return contracts.Group{Scope: scope, Changes: changes}
}

func revokeOf(c contracts.Change) contracts.Change {
	return contracts.Change{Action: state.ActionRevoke, Kind: c.Kind, Subject: c.Subject}
}

func adminEntry(a state.Admin, until uint64) contracts.Change {
	return contracts.Change{Action: state.ActionPut, Kind: state.KindAdmin, Until: until, Subject: a.ID(), Data: a.Marshal()}
}

// put is an entry in clear, from now on.
func (w *world) put(kind state.Kind, data []byte) contracts.Change {
	c := contracts.Change{Action: state.ActionPut, Kind: kind, Until: w.chain.time() + lasting, Data: data}
	rand.Read(c.Subject[:])
	return c
}

func (w *world) limit(kind state.Kind, approvals uint8) contracts.Change {
	c := w.put(state.KindLimit, state.Limit{Kind: kind, Approvals: approvals, Longest: state.Never}.Marshal())
	c.Until = state.Never
	return c
}

// seal is an entry of a sealed payload.
func (w *world) seal(ring *bundle.Ring, scope state.Word, kind state.Kind, payload []byte, err error) contracts.Change {
	w.Helper()
	w.must(err)
	until := w.chain.time() + lasting
	s, err := ring.Seal(bundle.Entry{Scope: scope, Kind: kind, Until: until}, payload)
	w.must(err)
	return contracts.Change{Action: state.ActionPut, Kind: kind, Until: until, Subject: s.Subject, Data: s.Data}
}

func (w *world) grantEntry(ring *bundle.Ring, scope state.Word, kind state.Kind, account string, key ssh.PublicKey) contracts.Change {
	w.Helper()
	g := state.Grant{Account: account, Key: profile.Hash(key)}
	payload, err := g.Marshal()
	c := w.seal(ring, scope, kind, payload, err)
	w.said[c.Subject] = w.terms(scope, kind, g)
	return c
}

// terms are what a certificate for a grant is issued for.
func (w *world) terms(scope state.Word, kind state.Kind, g state.Grant) profile.Terms {
	t := profile.Terms{Zone: scope, Kind: kind, Grant: g}
	if d := w.names[scope]; d != nil {
		t.Zone, t.Device = d.zone, d.request.Name
	}
	return t
}

func (w *world) caEntry(ring *bundle.Ring, zone state.Word, ca ssh.Signer) contracts.Change {
	w.Helper()
	payload, err := state.CA{Key: profile.Hash(ca.PublicKey())}.Marshal()
	return w.seal(ring, zone, state.KindCAUser, payload, err)
}

// certificate is what a CA signs for a grant.
func (w *world) certificate(ca ssh.Signer, key ssh.PublicKey, grant contracts.Change) *ssh.Certificate {
	w.Helper()
	cert, err := sshca.IssueGrant(ca, key, sshca.Grant{Subject: grant.Subject, Until: grant.Until, Terms: w.said[grant.Subject]})
	w.must(err)
	return cert
}

// delivery is files for a recipient, and the entry that announces them.
func (w *world) delivery(ring *bundle.Ring, to bundle.Recipient, mailbox state.Word) (bundle.Block, contracts.Change) {
	w.Helper()
	content, err := (&bundle.Files{Version: 1, Name: "site", Files: []bundle.File{{Path: "motd", Mode: "0644", Content: []byte("hello")}}}).Marshal()
	w.must(err)
	until := w.chain.time() + lasting
	block, s, err := ring.Deliver(w.org, bundle.Outgoing{To: to, Mailbox: mailbox, Until: until, Purpose: bundle.PurposeFiles, Content: content, Name: "site"})
	w.must(err)
	w.blocks[block.CID] = block.Bytes
	return block, contracts.Change{Action: state.ActionPut, Kind: state.KindDelivery, Until: until, Subject: s.Subject, Data: s.Data}
}

// materials are what a device of a zone is given.
func (w *world) materials(name string, zone state.Word) *bundle.DeviceMaterials {
	w.Helper()
	text, err := w.network.Marshal()
	w.must(err)
	return &bundle.DeviceMaterials{Version: 1, Name: name, Zone: zone, ZoneName: "zone", ZoneKeys: w.zoneKeys[zone], Network: string(text)}
}

// announce is a batch of one bundle.
func (w *world) announce(scope state.Word, to *bundle.Request, m *bundle.DeviceMaterials) contracts.Change {
	w.Helper()
	batch := bundle.NewBatch(w.org, scope)
	content, err := m.Marshal()
	w.must(err)
	block, err := batch.Add(bundle.Item{To: to.Recipient, Mailbox: to.MailboxSecret, Purpose: bundle.PurposeDeviceMaterials, Content: content})
	w.must(err)
	index, err := batch.Build()
	w.must(err)
	for _, b := range append(index.Leaves, index.Root, block) {
		w.blocks[b.CID] = b.Bytes
	}
	return contracts.Change{Action: state.ActionPut, Kind: state.KindBatch, Until: w.chain.time() + lasting, Subject: batch.Subject(), Data: index.Data}
}

// Get serves blocks as a store does.
func (w *world) Get(_ context.Context, id bundle.CID, _ int) ([]byte, error) {
	b, ok := w.blocks[id]
	if !ok {
		return nil, errNoBlock
	}
	return b, nil
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}
