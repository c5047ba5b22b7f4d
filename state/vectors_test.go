package state

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"reflect"
	"testing"
)

// testdata/vectors.json is what the contract really emitted and stored; see
// contracts/vectors_test.go, which writes and compares it.
type contractVectors struct {
	ChainID      uint64  `json:"chain_id"`
	Contract     Address `json:"contract"`
	Creator      Address `json:"creator"`
	Salt         Word    `json:"salt"`
	Organisation Word    `json:"organisation"`
	ZoneSalt     Word    `json:"zone_salt"`
	Zone         Word    `json:"zone"`
	Commitment   Word    `json:"commitment"`
	Mailbox      Word    `json:"mailbox"`
	Admins       []struct {
		Account    Address `json:"account"`
		Power      Word    `json:"power"`
		PutMask    string  `json:"put_mask"`
		RevokeMask string  `json:"revoke_mask"`
		Flags      uint8   `json:"flags"`
		Salt       Word    `json:"salt"`
		ABI        string  `json:"abi"`
		ID         Word    `json:"id"`
	} `json:"admins"`
	Logs []struct {
		Scope   Word `json:"scope"`
		H0      Word `json:"h0"`
		Entries []struct {
			Topics    []Word    `json:"topics"`
			Data      string    `json:"data"`
			Block     uint64    `json:"block"`
			Seq       uint64    `json:"seq"`
			PrevBlock uint64    `json:"prev_block"`
			Time      uint64    `json:"time"`
			Authors   []Address `json:"authors"`
			Action    Action    `json:"action"`
			Kind      Kind      `json:"kind"`
			Subject   Word      `json:"subject"`
			From      uint64    `json:"from"`
			Until     uint64    `json:"until"`
			Content   string    `json:"content"`
			File      string    `json:"file"`
			H         Word      `json:"h"`
		} `json:"entries"`
	} `json:"logs"`
	Checkpoint struct {
		Scope  Word    `json:"scope"`
		Block  uint64  `json:"block"`
		Time   uint64  `json:"time"`
		Author Address `json:"author"`
		H1024  Word    `json:"h_1024"`
		H1025  Word    `json:"h_1025"`
	} `json:"checkpoint"`
	Guardianship []struct {
		Step         string `json:"step"`
		Seq          uint64 `json:"seq"`
		Time         uint64 `json:"time"`
		Epoch        uint32 `json:"epoch"`
		Roots        int    `json:"roots"`
		Guardians    Word   `json:"guardians"`
		Timelock     uint64 `json:"timelock"`
		Pending      Word   `json:"pending"`
		PendingFrom  uint64 `json:"pending_from"`
		Recovery     Word   `json:"recovery"`
		CompleteFrom uint64 `json:"complete_from"`
		Final        bool   `json:"final"`
		Vetoed       bool   `json:"vetoed"`
		FrozenUntil  uint64 `json:"frozen_until"`
		CoolUntil    uint64 `json:"cool_until"`
	} `json:"guardianship"`
}

func readContractVectors(t *testing.T) *contractVectors {
	t.Helper()
	b, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	v := &contractVectors{}
	if err := json.Unmarshal(b, v); err != nil {
		t.Fatal(err)
	}
	if len(v.Admins) == 0 || len(v.Logs) != 3 || len(v.Logs[2].Entries) == 0 || len(v.Guardianship) == 0 {
		t.Fatal("vectors.json lacks a part")
	}
	return v
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestContractVectorIdentifiers(t *testing.T) {
	v := readContractVectors(t)
	r := Registry{ChainID: v.ChainID, Contract: v.Contract}
	for _, c := range []struct {
		name      string
		got, want Word
	}{
		{"OrganisationID", r.OrganisationID(v.Creator, v.Salt), v.Organisation},
		{"ZoneID", ZoneID(v.Organisation, v.ZoneSalt), v.Zone},
		{"MailboxID", MailboxID(v.Zone, v.Commitment), v.Mailbox},
		{"the creator's power", RootAdmin(v.Creator, v.Organisation, v.Salt).ID(), v.Admins[0].ID},
	} {
		if c.got != c.want {
			t.Errorf("%s = %v, want %v", c.name, c.got, c.want)
		}
	}
	for _, a := range v.Admins {
		got := Admin{Account: a.Account, Power: a.Power, Flags: a.Flags, Salt: a.Salt,
			PutMask: KindMask(unhex(t, a.PutMask)), RevokeMask: KindMask(unhex(t, a.RevokeMask))}
		if !bytes.Equal(got.Marshal(), unhex(t, a.ABI)) || got.ID() != a.ID {
			t.Errorf("admin %v marshals to %x, want %s", a.ID, got.Marshal(), a.ABI)
		}
		parsed, err := ParseAdmin(unhex(t, a.ABI))
		if err != nil || parsed != got {
			t.Errorf("ParseAdmin(%s) = %v, %v", a.ABI, parsed, err)
		}
	}
}

func TestContractVectorLogs(t *testing.T) {
	v := readContractVectors(t)
	r := Registry{ChainID: v.ChainID, Contract: v.Contract}
	for _, l := range v.Logs {
		tip := Tip{H: r.H0(v.Organisation, l.Scope)}
		if tip.H != l.H0 {
			t.Errorf("H0(%v) = %v, want %v", l.Scope, tip.H, l.H0)
		}
		for _, w := range l.Entries {
			want := &Entry{Seq: w.Seq, Block: w.Block, PrevBlock: w.PrevBlock, Time: w.Time, Authors: w.Authors,
				Action: w.Action, Kind: w.Kind, Subject: w.Subject, From: w.From, Until: w.Until}
			if w.Content != "" {
				want.Data = unhex(t, w.Content)
			}
			org, scope, got, err := DecodeLog(w.Topics, unhex(t, w.Data), w.Block)
			if err != nil || org != v.Organisation || scope != l.Scope || !reflect.DeepEqual(got, want) {
				t.Fatalf("DecodeLog = %v, %v, %+v, %v; want %+v", org, scope, got, err, want)
			}
			topics, data, err := EncodeLog(org, scope, got)
			if err != nil || !bytes.Equal(data, unhex(t, w.Data)) || !reflect.DeepEqual(topics, w.Topics) {
				t.Errorf("EncodeLog of entry %d = %x, %v; want %s", w.Seq, data, err, w.Data)
			}
			file, err := got.Marshal()
			if err != nil || !bytes.Equal(file, unhex(t, w.File)) {
				t.Errorf("Marshal of entry %d = %x, %v; want %s", w.Seq, file, err, w.File)
			}
			if tip, err = tip.Append(got); err != nil || tip.H != w.H {
				t.Fatalf("h(%d) = %v, %v; want %v", w.Seq, tip.H, err, w.H)
			}
		}
	}
}

// TestContractVectorCheckpoint replays the log that the vectors give as a rule.
func TestContractVectorCheckpoint(t *testing.T) {
	v := readContractVectors(t)
	c := v.Checkpoint
	tip := Tip{H: Registry{ChainID: v.ChainID, Contract: v.Contract}.H0(v.Organisation, c.Scope)}
	for i := uint64(1); i <= 1025; i++ {
		e := &Entry{Seq: i, Block: c.Block, PrevBlock: tip.Block, Time: c.Time, Authors: []Address{c.Author},
			Action: ActionPut, Kind: KindBatch, Subject: Keccak256(appendUint(nil, i, 8)), Until: c.Time + 1}
		var err error
		if tip, err = tip.Append(e); err != nil {
			t.Fatal(err)
		}
		if i == CheckpointInterval && tip.H != c.H1024 {
			t.Errorf("h(1024) = %v, want %v", tip.H, c.H1024)
		}
	}
	if tip.H != c.H1025 {
		t.Errorf("h(1025) = %v, want %v", tip.H, c.H1025)
	}
}

// TestContractVectorGuardianship concludes from the log what the contract said
// of it, wherever the log is cut into confirmed and overlay.
func TestContractVectorGuardianship(t *testing.T) {
	v := readContractVectors(t)
	scopes := Scopes{Org: v.Organisation, Zone: v.Zone, Mailbox: v.Mailbox}
	var entries []*Entry
	for _, w := range v.Logs[0].Entries {
		_, scope, e, err := DecodeLog(w.Topics, unhex(t, w.Data), w.Block)
		if err != nil || scope != v.Organisation {
			t.Fatal(scope, err)
		}
		entries = append(entries, e)
	}
	for cut := range entries {
		for _, want := range v.Guardianship {
			s := &State{Scopes: scopes, Confirmed: NewFacts(), Overlay: NewFacts()}
			for i, e := range entries[:want.Seq] {
				layer := s.Confirmed
				if i >= cut {
					layer = s.Overlay
				}
				layer.Apply(scopes, v.Organisation, e, nil)
			}
			g, got := s.Guardianship(want.Time), want
			got.Epoch, got.Guardians, got.Timelock, got.Pending, got.PendingFrom = g.Epoch, g.ID, g.Guardians.Timelock, g.PendingID, g.PendingFrom
			got.Recovery, got.CompleteFrom, got.Final, got.Vetoed = g.RecoveryID, g.CompleteFrom, g.Final, g.Vetoed
			got.FrozenUntil, got.CoolUntil, got.Roots = g.FrozenUntil, g.CoolUntil, liveRoots(s, want.Time)
			if got != want {
				t.Errorf("%s, overlay from entry %d: concluded %+v, the contract says %+v", want.Step, cut+1, got, want)
			}
		}
	}
}

func liveRoots(s *State, now uint64) (n int) {
	for _, l := range s.layers() {
		for i := range l.admins {
			if a := &l.admins[i]; a.Flags == AdminRoot && s.Standing(&a.Fact, now) == Live {
				n++
			}
		}
	}
	return n
}
