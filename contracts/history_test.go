package contracts

import (
	"bytes"
	"flag"
	"math/rand/v2"
	"slices"
	"testing"

	"dpki/state"
)

var long = flag.Bool("long", false, "random histories of many thousand writes")

// clear opens entries that were never sealed.
type clear struct{}

func (clear) Open(_ state.Word, e *state.Entry) ([]byte, error) { return e.Data, nil }

// history is one organisation that lives at random: what the contract accepts,
// refuses, emits and stores is compared with the model and with package state.
type history struct {
	*scenario
	rand      *rand.Rand
	model     *model
	scopes    []Group // without changes: organisation, zone, mailbox of it, another zone
	accounts  []state.Address
	sign      map[state.Address]func(state.Word) []byte
	admins    []state.Admin // every one that was ever tried
	guards    []state.Guardians
	used      []recordKey
	facts     *state.Facts
	device    state.Scopes
	serial    uint64
	accepted  int
	completed int
	suspended int // vetoes while a change of guardians waited
	refused   map[string]int
}

func newHistory(t *testing.T, seed uint64) *history {
	t.Helper()
	e := newEVM(t)
	h := &history{rand: rand.New(rand.NewPCG(seed, 1)), sign: map[state.Address]func(state.Word) []byte{}, facts: state.NewFacts(), refused: map[string]int{}}
	for b := byte(1); b <= 7; b++ {
		account, sign := signer(t, b)
		h.accounts, h.sign[account] = append(h.accounts, account), sign
	}
	slices.SortFunc(h.accounts, func(a, b state.Address) int { return bytes.Compare(a[:], b[:]) })
	salt := subject(seed)
	r := e.must(h.accounts[0], PackCreate(salt))
	org := state.Word(r.output)
	root := state.RootAdmin(h.accounts[0], org, salt)
	h.scenario = &scenario{evm: e, org: org, logs: map[state.Word]*logVector{}, tips: map[state.Word]state.Tip{}}
	zone, commitment := state.ZoneID(org, word(1)), word(2)
	mailbox := state.MailboxID(zone, commitment)
	h.scopes = []Group{{Scope: org}, {Scope: zone}, {Scope: mailbox, Salt: commitment}, {Scope: state.ZoneID(org, word(3))}}
	h.device = state.Scopes{Org: org, Zone: zone, Mailbox: mailbox}
	h.admins = []state.Admin{root}
	h.model = &model{
		org: org, now: e.time, limits: map[state.Kind]state.Limit{}, rootCounts: map[state.Address]bool{root.Account: true}, distrusts: map[state.Word]state.Distrust{},
		records: map[recordKey]record{{org, root.ID(), state.KindAdmin}: {until: state.Never, admin: root, entered: e.time, authors: []state.Address{root.Account}}},
	}
	h.apply(r)
	return h
}

// apply records a transaction's entries and gives them to the device's facts.
func (h *history) apply(r receipt) {
	h.t.Helper()
	h.record(r)
	for _, l := range r.logs {
		topics := []state.Word{state.Word(l.Topics[0]), state.Word(l.Topics[1]), state.Word(l.Topics[2])}
		_, scope, e, err := state.DecodeLog(topics, l.Data, h.block)
		if err != nil {
			h.t.Fatal(err)
		}
		if scope == h.device.Org || scope == h.device.Zone || scope == h.device.Mailbox {
			h.facts.Apply(h.device, scope, e, clear{})
		}
	}
}

func pick[T any](r *rand.Rand, of []T) T { return of[r.IntN(len(of))] }

func (h *history) chance(percent int) bool { return h.rand.IntN(100) < percent }

func (h *history) fresh() state.Word {
	h.serial++
	return subject(1<<32 + h.serial)
}

// window is mostly a good one.
func (h *history) window() (from, until uint64) {
	if h.chance(50) {
		from = h.time - 50 + h.rand.Uint64N(200)
	}
	until = h.time + 200 + h.rand.Uint64N(1000)
	switch h.rand.IntN(60) {
	case 0:
		until = h.time + state.MaxValidity + h.rand.Uint64N(2)
	case 1:
		until = state.Never
	case 2:
		until = h.time
	case 3:
		from, until = until, from
	}
	return from, until
}

func (h *history) mask() (m state.KindMask) {
	for i := range m {
		m[i] = byte(h.rand.Uint32() | h.rand.Uint32() | h.rand.Uint32())
	}
	return m
}

// Kinds of the organisation's scope, and of the others.
var (
	organisationKinds = []state.Kind{
		state.KindAdmin, state.KindAdmin, state.KindAdmin, state.KindLimit, state.KindDistrust, state.KindZone,
		state.KindDenyClear, state.KindPolicy, 9, state.KindGuardian, state.KindPointer,
	}
	zoneKinds = []state.Kind{
		state.KindGrant, state.KindGrant, state.KindGrantPriv, state.KindDeny, state.KindBatch, state.KindPolicy, 77, 95,
	}
)

// change is one at random, good more often than not.
func (h *history) change(scope state.Word) Change {
	if len(h.used) > 0 && h.chance(25) {
		key := pick(h.rand, h.used)
		for range 20 {
			if key.scope == scope || h.chance(1) {
				break
			}
			key = pick(h.rand, h.used)
		}
		if scope == h.org && h.chance(30) {
			key = recordKey{h.org, pick(h.rand, h.admins).ID(), state.KindAdmin}
		}
		c := Change{Action: state.ActionRevoke, Kind: key.kind, Subject: key.subject}
		if h.chance(3) {
			c.Until = 1
		}
		return c
	}
	kinds := zoneKinds
	if (scope == h.org) != h.chance(2) {
		kinds = organisationKinds
	}
	if scope == h.org && h.chance(4) {
		return h.veto()
	}
	c := Change{Action: state.ActionPut, Kind: pick(h.rand, kinds), Subject: h.fresh()}
	c.From, c.Until = h.window()
	switch c.Kind {
	case state.KindAdmin:
		a := state.Admin{Account: pick(h.rand, h.accounts), Power: pick(h.rand, h.scopes).Scope, PutMask: h.mask(), RevokeMask: h.mask(), Salt: h.fresh()}
		if h.chance(50) {
			a = state.RootAdmin(a.Account, h.org, a.Salt)
			c.From, c.Until = 0, state.Never
		}
		if h.chance(5) {
			a.Flags = 1 - a.Flags
		}
		h.admins = append(h.admins, a)
		c.Subject, c.Data = a.ID(), a.Marshal()
	case state.KindLimit:
		c.From, c.Until = 0, state.Never
		l := state.Limit{Kind: pick(h.rand, slices.Concat(organisationKinds, zoneKinds)), Approvals: 1, Longest: 100 + h.rand.Uint64N(2000)}
		switch h.rand.IntN(6) {
		case 0:
			l.Approvals = uint8(h.rand.IntN(4))
		case 1, 2, 3:
			l.Longest = state.Never
		case 4:
			l.Longest = h.rand.Uint64N(2) * 5000
		}
		c.Data = l.Marshal()
	case state.KindDistrust:
		d := state.Distrust{Author: pick(h.rand, h.accounts), To: h.time - h.rand.Uint64N(300)}
		d.From = d.To - h.rand.Uint64N(300)
		switch h.rand.IntN(12) {
		case 0:
			d.Author = state.Address{}
		case 1:
			d.From = d.To + 1
		case 2:
			d.To = h.time + 1
		}
		c.Data = d.Marshal()
	case state.KindGuardian:
		c = h.setGuardians()
	case state.KindPointer:
		c = h.pointer(c.Subject)
	case state.KindGrant, state.KindGrantPriv:
		data, err := state.Grant{Account: "root", Key: c.Subject}.Marshal()
		if err != nil {
			h.t.Fatal(err)
		}
		c.Data = data
	default:
		c.Data = sealed(h.serial)[:h.rand.IntN(181)]
	}
	if h.chance(2) {
		c.Action = state.Action(h.rand.IntN(16))
	}
	if len(h.used) > 0 && h.chance(3) {
		c.Subject = pick(h.rand, h.used).subject
	}
	return c
}

// thresholds makes the kinds that decide over others need n approvals.
func (h *history) thresholds(n uint8) (changes []Change) {
	for _, k := range []state.Kind{state.KindAdmin, state.KindGuardian, state.KindDistrust, state.KindPointer, state.KindPolicy, state.KindLimit} {
		changes = append(changes, Change{Action: state.ActionPut, Kind: state.KindLimit, Until: state.Never, Subject: h.fresh(),
			Data: state.Limit{Kind: k, Approvals: n, Longest: state.Never}.Marshal()})
	}
	return changes
}

// step is one transaction.
func (h *history) step() {
	h.t.Helper()
	if h.chance(60) {
		h.next(1 + h.rand.Uint64N(40))
	}
	h.model.now = h.time
	if h.chance(30) {
		h.guardians()
		return
	}
	var groups []Group
	for range 1 + h.rand.IntN(2) {
		g := pick(h.rand, h.scopes)
		if h.chance(3) {
			g.Salt = h.fresh()
		}
		if g.Scope == h.org && h.chance(5) {
			g.Changes = h.thresholds(uint8(1 + h.rand.IntN(2)))
		}
		for range 1 + h.rand.IntN(3) {
			c := h.change(g.Scope)
			g.Changes = append(g.Changes, c)
			h.used = append(h.used, recordKey{g.Scope, c.Subject, c.Kind})
		}
		groups = append(groups, g)
	}
	if h.chance(30) {
		h.approved(groups)
		return
	}
	admin := h.pickAdmin(h.admins)
	data, err := PackWrite(h.org, admin, groups)
	if err != nil {
		h.t.Fatal(err)
	}
	h.compare(h.send(admin.Account, &h.contract, data), []state.Admin{admin}, groups)
}

// pickAdmin prefers one that lives, and of those a root.
func (h *history) pickAdmin(of []state.Admin) state.Admin {
	var live, roots []state.Admin
	for _, a := range of {
		if h.inPower(a) {
			live = append(live, a)
			if isRoot(a) {
				roots = append(roots, a)
			}
		}
	}
	switch {
	case len(roots) > 0 && h.chance(70):
		return pick(h.rand, roots)
	case len(live) > 0 && h.chance(90):
		return pick(h.rand, live)
	}
	return pick(h.rand, of)
}

// approved sends the groups with the approvals of some admins, one an account.
func (h *history) approved(groups []Group) {
	h.t.Helper()
	var admins []state.Admin
	for _, account := range h.accounts {
		var own []state.Admin
		for _, a := range h.admins {
			if a.Account == account && (h.inPower(a) || h.chance(1)) {
				own = append(own, a)
			}
		}
		if len(own) > 0 && (h.chance(60) || len(admins) == 0) {
			admins = append(admins, h.pickAdmin(own))
		}
	}
	h.approvedBy(admins, groups)
}

// inPower: the admin lives, in this epoch.
func (h *history) inPower(a state.Admin) bool {
	r := h.model.records[recordKey{h.org, a.ID(), state.KindAdmin}]
	return r.live(h.time) && r.epoch == h.model.guard.epoch
}

// byRoots sends the changes to the organisation with the approvals of all roots.
func (h *history) byRoots(changes ...Change) {
	h.t.Helper()
	var roots []state.Admin
	for _, account := range h.accounts {
		for _, a := range h.admins {
			if a.Account == account && isRoot(a) && h.inPower(a) {
				roots = append(roots, a)
				break
			}
		}
	}
	h.approvedBy(roots, []Group{{Scope: h.org, Changes: changes}})
}

// approvedBy takes one admin an account, by ascending account.
func (h *history) approvedBy(admins []state.Admin, groups []Group) {
	h.t.Helper()
	if len(admins) == 0 {
		return
	}
	p := Proposal{Org: h.org, Epoch: uint32(h.model.guard.epoch), Groups: groups, Nonce: h.fresh(), Deadline: h.time}
	digest, err := p.Digest(h.registry())
	if err != nil {
		h.t.Fatal(err)
	}
	var approvals []Approval
	for _, a := range admins {
		approvals = append(approvals, Approval{Admin: a, Signature: h.sign[a.Account](digest)})
	}
	data, err := PackWriteApproved(p, approvals)
	if err != nil {
		h.t.Fatal(err)
	}
	h.compare(h.send(deployer, &h.contract, data), admins, groups)
}

func (h *history) compare(r receipt, admins []state.Admin, groups []Group) {
	h.t.Helper()
	next := h.model.clone()
	want := next.write(admins, groups)
	h.judge(r, next, want, admins, groups)
}

// judge holds what the contract did against what the model says, and goes on
// with the model's next state where both accept.
func (h *history) judge(r receipt, next *model, want reasons, about ...any) {
	h.t.Helper()
	if !r.failed {
		if len(want) > 0 {
			h.t.Fatalf("accepted, the model refuses: %v\n%+v", want, about)
		}
		h.accepted++
		if g := next.guard; g.vetoed && !h.model.guard.vetoed && g.next != nil {
			h.suspended++
		}
		h.model = next
		h.apply(r)
		return
	}
	refusal, ok := ParseRefusal(r.output)
	if !ok {
		h.t.Fatalf("reverted without a reason: %x\n%+v", r.output, about)
	}
	h.refused[refusal.Name]++
	if !slices.Contains(want, refusal.Name) {
		h.t.Fatalf("refused: %v, the model says %v\n%+v", refusal, want, about)
	}
}

// seen is what a device concludes.
func (h *history) seen() *state.State {
	return &state.State{Scopes: h.device, Safe: h.block, Finalized: h.block, Confirmed: h.facts}
}

// check compares what is stored and what a device concludes.
func (h *history) check() {
	h.t.Helper()
	for _, g := range h.scopes {
		tip, ok := h.tips[g.Scope]
		if !ok {
			continue
		}
		if got := h.slot(slotH(h.org, g.Scope)); got != tip.H {
			h.t.Errorf("H of %v = %v, replayed %v", g.Scope, got, tip.H)
		}
		for i := uint64(1); i <= tip.Seq/state.CheckpointInterval; i++ {
			if got, want := h.slot(slotC(h.org, g.Scope, i)), h.logs[g.Scope].Entries[i*state.CheckpointInterval-1].H; got != want {
				h.t.Errorf("C[%d] of %v = %v, replayed %v", i, g.Scope, got, want)
			}
		}
	}
	out, err := abi.UnpackOrganisationOf(h.must(deployer, abi.PackOrganisationOf(h.org)).output)
	if err != nil || int(out.Roots) != len(h.model.rootCounts) || out.Roots == 0 {
		h.t.Errorf("%d roots, the model has %d (%v)", out.Roots, len(h.model.rootCounts), err)
	}
	seen := h.seen()
	h.checkPower(seen)
	for key, want := range h.model.records {
		got, err := abi.UnpackRecordOf(h.must(deployer, abi.PackRecordOf(h.org, key.scope, uint8(key.kind), key.subject)).output)
		if err != nil || got.From.Uint64() != want.from || got.Until.Uint64() != want.until || got.RevokedAt.Uint64() != want.revokedAt {
			h.t.Errorf("record of kind %d %v = %+v, %v; the model has %+v", key.kind, key.subject, got, err, want)
		}
		h.checkGrant(seen, key, want)
	}
}

// checkGrant compares the contract's word on a grant with the device's.
func (h *history) checkGrant(seen *state.State, key recordKey, want record) {
	h.t.Helper()
	if key.kind != state.KindGrant && key.kind != state.KindGrantPriv || key.scope == h.scopes[3].Scope || want.until == 0 {
		return
	}
	found := false
	for g := range seen.Grants(key.subject) {
		if g.Scope != key.scope || g.Kind != key.kind {
			continue
		}
		found = true
		live := want.live(h.time) && !h.model.distrusted(want)
		if got := seen.Standing(&g.Fact, h.time); (got == state.Live) != live {
			h.t.Errorf("grant %v is %v to a device, live: %v", key.subject, got, live)
		}
	}
	if !found {
		h.t.Errorf("grant %v is unknown to a device", key.subject)
	}
}

// TestHistories lives several organisations at random.
func TestHistories(t *testing.T) {
	histories, steps := uint64(10), 1000
	if *long {
		histories, steps = 50, 3000
	}
	total, completed, suspended, names := 0, 0, 0, map[string]int{}
	for seed := range histories {
		h := newHistory(t, seed)
		for i := range steps {
			h.step()
			if i%20 == 19 {
				h.checkGuardians(h.seen())
			}
			if i%200 == 199 {
				h.check()
			}
		}
		total, completed, suspended = total+h.accepted, completed+h.completed, suspended+h.suspended
		for name, n := range h.refused {
			names[name] += n
		}
		if t.Failed() {
			t.Fatalf("history with seed %d", seed)
		}
	}
	t.Logf("%d writes accepted, %d recoveries completed, %d vetoed while a change waited; refused: %v", total, completed, suspended, names)
	if total < 3000 || completed < 30 || suspended < 5 {
		t.Errorf("%d writes were accepted, %d recoveries completed, %d vetoed while a change waited: too few to say anything", total, completed, suspended)
	}
	for _, name := range []string{
		"NotAdmin", "OutOfReach", "NotAllowed", "UnknownAction", "OrganisationScopeOnly", "InvalidWindow", "SubjectUsed",
		"InvalidAdmin", "BeyondMaker", "RootProtected", "RootExists", "InvalidLimit", "InvalidThreshold", "ApprovalsNeeded",
		"InvalidDistrust", "NotRevocable", "Frozen", "CoolingDown", "InvalidGuardians", "NotGuardians", "InvalidRecovery",
		"NoRecovery", "TooEarly", "NotVetoable", "InvalidPointer",
	} {
		if names[name] == 0 {
			t.Errorf("never refused for %s", name)
		}
	}
}
