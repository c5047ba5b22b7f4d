package contracts

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"

	"dpki/state"
)

// The vectors are what the contract really emits and stores. This side runs it
// and compares; package state reads the same file without it.
var vectorsFile = filepath.Join("..", "state", "testdata", "vectors.json")

type vectors struct {
	About        string        `json:"about"`
	ChainID      uint64        `json:"chain_id"`
	Contract     state.Address `json:"contract"`
	Creator      state.Address `json:"creator"`
	Salt         state.Word    `json:"salt"`
	Organisation state.Word    `json:"organisation"`
	ZoneSalt     state.Word    `json:"zone_salt"`
	Zone         state.Word    `json:"zone"`
	Commitment   state.Word    `json:"commitment"`
	Mailbox      state.Word    `json:"mailbox"`
	Admins       []adminVector `json:"admins"`
	Logs         []logVector   `json:"logs"`
	Checkpoint   ruleVector    `json:"checkpoint"`
	Guardianship []guardVector `json:"guardianship"`
}

type adminVector struct {
	Account    state.Address `json:"account"`
	Power      state.Word    `json:"power"`
	PutMask    hexBytes      `json:"put_mask"`
	RevokeMask hexBytes      `json:"revoke_mask"`
	Flags      uint8         `json:"flags"`
	Salt       state.Word    `json:"salt"`
	ABI        hexBytes      `json:"abi"`
	ID         state.Word    `json:"id"`
}

// logVector is a scope's log from its beginning.
type logVector struct {
	Scope   state.Word    `json:"scope"`
	H0      state.Word    `json:"h0"`
	Slot    state.Word    `json:"slot"` // where H is stored
	Entries []entryVector `json:"entries"`
}

type entryVector struct {
	Topics    []state.Word    `json:"topics"`
	Data      hexBytes        `json:"data"`  // of the event
	Block     uint64          `json:"block"` // of the event
	Seq       uint64          `json:"seq"`
	PrevBlock uint64          `json:"prev_block"`
	Time      uint64          `json:"time"`
	Authors   []state.Address `json:"authors"`
	Action    uint8           `json:"action"`
	Kind      uint8           `json:"kind"`
	Subject   state.Word      `json:"subject"`
	From      uint64          `json:"from"`
	Until     uint64          `json:"until"`
	Content   hexBytes        `json:"content"`
	File      hexBytes        `json:"file"` // the entry's file form
	H         state.Word      `json:"h"`    // after it
}

// ruleVector is a log too long to write down.
type ruleVector struct {
	Rule   string        `json:"rule"`
	Scope  state.Word    `json:"scope"`
	Block  uint64        `json:"block"`
	Time   uint64        `json:"time"`
	Author state.Address `json:"author"`
	H1024  state.Word    `json:"h_1024"` // = C[1]
	H1025  state.Word    `json:"h_1025"`
	Slot   state.Word    `json:"slot"` // where C[1] is stored
}

type hexBytes []byte

func (h hexBytes) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(h)), nil }

func (h *hexBytes) UnmarshalText(b []byte) (err error) {
	*h, err = hex.DecodeString(string(b))
	return err
}

// scenario drives the contract and records what it emits.
type scenario struct {
	*evm
	org  state.Word
	logs map[state.Word]*logVector
	tips map[state.Word]state.Tip
}

func (s *scenario) record(r receipt) {
	s.t.Helper()
	for _, l := range r.logs {
		s.recordLog(l)
	}
}

func (s *scenario) recordLog(l *types.Log) {
	s.t.Helper()
	topics := make([]state.Word, len(l.Topics))
	for i, topic := range l.Topics {
		topics[i] = state.Word(topic)
	}
	org, scope, e, err := state.DecodeLog(topics, l.Data, s.block)
	if err != nil || org != s.org || l.Address != common.Address(s.contract) {
		s.t.Fatalf("log of %v in %v: %v", org, scope, err)
	}
	v := s.logs[scope]
	tip, ok := s.tips[scope]
	if !ok {
		h0 := s.registry().H0(org, scope)
		v, tip = &logVector{Scope: scope, H0: h0, Slot: slotH(org, scope)}, state.Tip{H: h0}
		s.logs[scope] = v
	}
	if tip, err = tip.Append(e); err != nil {
		s.t.Fatal(err)
	}
	s.tips[scope] = tip
	file, err := e.Marshal()
	if err != nil {
		s.t.Fatal(err)
	}
	v.Entries = append(v.Entries, entryVector{
		Topics: topics, Data: l.Data, Block: s.block, Seq: e.Seq, PrevBlock: e.PrevBlock, Time: e.Time, Authors: e.Authors,
		Action: uint8(e.Action), Kind: uint8(e.Kind), Subject: e.Subject, From: e.From, Until: e.Until, Content: e.Data,
		File: file, H: tip.H,
	})
}

func (s *scenario) write(admin state.Admin, groups ...Group) {
	s.t.Helper()
	data, err := PackWrite(s.org, admin, groups)
	if err != nil {
		s.t.Fatal(err)
	}
	s.record(s.must(admin.Account, data))
}

func slotH(org, scope state.Word) state.Word {
	var zero state.Word
	outer := state.Keccak256(org[:], zero[:])
	return state.Keccak256(scope[:], outer[:])
}

func slotC(org, scope state.Word, i uint64) state.Word {
	one, index := wordOf(1), wordOf(i)
	outer := state.Keccak256(org[:], one[:])
	inner := state.Keccak256(scope[:], outer[:])
	return state.Keccak256(index[:], inner[:])
}

// signer is an account whose key follows from a byte.
func signer(t *testing.T, b byte) (state.Address, func(state.Word) []byte) {
	t.Helper()
	key, err := crypto.ToECDSA(bytes.Repeat([]byte{b}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return state.Address(crypto.PubkeyToAddress(key.PublicKey)), func(digest state.Word) []byte {
		sig, err := crypto.Sign(digest[:], key)
		if err != nil {
			t.Fatal(err)
		}
		sig[64] += 27
		return sig
	}
}

func runVectors(t *testing.T) vectors {
	t.Helper()
	e := newEVM(t)
	alice, signAlice := signer(t, 1)
	bob, signBob := signer(t, 2)
	v := vectors{
		About:   "What the registry contract emits and stores, written by contracts/vectors_test.go, which runs it. Words and bytes are hex.",
		ChainID: e.config.ChainID.Uint64(), Contract: e.contract, Creator: alice, Salt: subject(1),
		ZoneSalt: subject(2), Commitment: subject(3),
	}
	created := e.must(alice, PackCreate(v.Salt))
	v.Organisation = state.Word(created.output)
	v.Zone = state.ZoneID(v.Organisation, v.ZoneSalt)
	v.Mailbox = state.MailboxID(v.Zone, v.Commitment)
	s := &scenario{evm: e, org: v.Organisation, logs: map[state.Word]*logVector{}, tips: map[state.Word]state.Tip{}}
	s.record(created)

	root := state.RootAdmin(alice, v.Organisation, v.Salt)
	second := state.RootAdmin(bob, v.Organisation, subject(4))
	grants := state.KindMask{}.With(state.KindGrant).With(state.KindDelivery)
	delegate := state.Admin{Account: bob, Power: v.Zone, PutMask: grants, RevokeMask: grants, Salt: subject(5)}
	for _, a := range []state.Admin{root, second, delegate} {
		v.Admins = append(v.Admins, adminVector{
			Account: a.Account, Power: a.Power, PutMask: a.PutMask[:], RevokeMask: a.RevokeMask[:],
			Flags: a.Flags, Salt: a.Salt, ABI: a.Marshal(), ID: a.ID(),
		})
	}

	// Several scopes in one transaction, several entries in one block.
	e.next(12)
	put := func(kind state.Kind, n, from, until uint64, data []byte) Change {
		return Change{Action: state.ActionPut, Kind: kind, From: from, Until: until, Subject: subject(n), Data: data}
	}
	s.write(root,
		Group{Scope: v.Organisation, Changes: []Change{
			{Action: state.ActionPut, Kind: state.KindAdmin, Until: state.Never, Subject: second.ID(), Data: second.Marshal()},
			{Action: state.ActionPut, Kind: state.KindAdmin, From: e.time, Until: e.time + 86400, Subject: delegate.ID(), Data: delegate.Marshal()},
			put(state.KindLimit, 10, 0, state.Never, state.Limit{Kind: state.KindGrantPriv, Approvals: 1, Longest: 3600}.Marshal()),
		}},
		Group{Scope: v.Zone, Changes: []Change{
			put(state.KindCAUser, 11, 0, e.time+400*86400, sealed(11)),
			put(state.KindGrant, 12, e.time+60, e.time+360, sealed(12)),
		}},
	)
	// Zone power in a mailbox; data of every alignment; a revocation.
	e.next(2)
	var changes []Change
	for i, size := range []int{0, 1, 31, 32, 33, 64, state.MaxData} {
		changes = append(changes, put(state.KindGrant, 20+uint64(i), 0, e.time+300, bytes.Repeat([]byte{byte(i + 1)}, size)))
	}
	changes = append(changes, Change{Action: state.ActionRevoke, Kind: state.KindGrant, Subject: subject(20)})
	s.write(delegate, Group{Scope: v.Mailbox, Salt: v.Commitment, Changes: changes})
	// Two authors.
	e.next(2)
	p := Proposal{Org: v.Organisation, Nonce: subject(30), Deadline: e.time, Groups: []Group{
		{Scope: v.Zone, Changes: []Change{{Action: state.ActionRevoke, Kind: state.KindDevice, Subject: v.Mailbox}}},
		{Scope: v.Mailbox, Changes: []Change{put(state.KindDeny, 31, 0, e.time+300, sealed(31))}},
	}}
	digest, err := p.Digest(e.registry())
	if err != nil {
		t.Fatal(err)
	}
	approvals := []Approval{{Admin: root, Signature: signAlice(digest)}, {Admin: second, Signature: signBob(digest)}}
	slices.SortFunc(approvals, func(a, b Approval) int { return bytes.Compare(a.Admin.Account[:], b.Admin.Account[:]) })
	data, err := PackWriteApproved(p, approvals)
	if err != nil {
		t.Fatal(err)
	}
	s.record(s.must(deployer, data))
	v.Checkpoint = runCheckpoint(t, s, root)
	v.Guardianship = runGuardians(t, s, root)
	for _, scope := range []state.Word{v.Organisation, v.Zone, v.Mailbox} {
		if got, want := s.slot(slotH(v.Organisation, scope)), s.tips[scope].H; got != want {
			t.Errorf("H of %v = %v, want %v", scope, got, want)
		}
		v.Logs = append(v.Logs, *s.logs[scope])
	}
	return v
}

// runCheckpoint fills a scope of its own beyond its first C word.
func runCheckpoint(t *testing.T, s *scenario, root state.Admin) ruleVector {
	t.Helper()
	s.next(12)
	v := ruleVector{
		Rule:  "entry i = 1 to 1025: put, kind 20, subject = keccak256(i as u64), from 0, until = time + 1, data empty; all in one block by one author",
		Scope: state.ZoneID(s.org, subject(40)), Block: s.block, Time: s.time, Author: root.Account,
	}
	changes := make([]Change, 0, 1025)
	for i := uint64(1); i <= 1025; i++ {
		w := wordOf(i)
		changes = append(changes, Change{Action: state.ActionPut, Kind: state.KindBatch, Until: s.time + 1, Subject: state.Keccak256(w[24:])})
	}
	for part := range slices.Chunk(changes, 300) {
		s.write(root, Group{Scope: v.Scope, Changes: part})
	}
	v.H1024, v.H1025 = s.logs[v.Scope].Entries[1023].H, s.tips[v.Scope].H
	v.Slot = slotC(s.org, v.Scope, 1)
	if got := s.slot(v.Slot); got != v.H1024 {
		t.Errorf("C[1] = %v, want h(1024) = %v", got, v.H1024)
	}
	if got := s.slot(slotH(s.org, v.Scope)); got != v.H1025 {
		t.Errorf("H = %v, want h(1025) = %v", got, v.H1025)
	}
	return v
}

func TestVectors(t *testing.T) {
	got, err := json.MarshalIndent(runVectors(t), "", " ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	if *update {
		if err := os.MkdirAll(filepath.Dir(vectorsFile), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(vectorsFile, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(vectorsFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("the contract no longer does what %s says (go test ./contracts -run TestVectors -update)", vectorsFile)
	}
}

// TestDigest compares Go's EIP-712 digest with the contract's.
func TestDigest(t *testing.T) {
	e := newEVM(t)
	p := Proposal{Org: subject(1), Nonce: subject(2), Deadline: e.time, Groups: []Group{
		{Scope: subject(3), Salt: subject(4), Changes: []Change{{Action: state.ActionRevoke, Kind: state.KindGrant, Subject: subject(5)}}},
		{Scope: subject(6)},
	}}
	for groups := range len(p.Groups) + 1 {
		q := p
		q.Groups = p.Groups[:groups]
		want, err := q.Digest(e.registry())
		if err != nil {
			t.Fatal(err)
		}
		packed, err := packGroups(q.Groups)
		if err != nil {
			t.Fatal(err)
		}
		call, err := abi.TryPackDigestOf(q.Org, packed, q.Nonce, bigOf(q.Deadline))
		if err != nil {
			t.Fatal(err)
		}
		if got := state.Word(e.must(deployer, call).output); got != want {
			t.Errorf("%d groups: digestOf = %v, Digest = %v", groups, got, want)
		}
	}
}
