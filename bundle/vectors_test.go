package bundle

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"

	"dpki/internal/anchor"
	"dpki/state"
)

// vectors is testdata/vectors.json, which testdata/vectors.py writes from the
// text of docs/formats.md.
type vectors struct {
	Anchor       anchor.Anchor `json:"anchor"`
	ChainID      uint64        `json:"chain_id"`
	Contract     state.Address `json:"contract"`
	Organisation state.Word    `json:"organisation"`
	ZoneSalt     state.Word    `json:"zone_salt"`
	Zone         state.Word    `json:"zone"`
	BatchSubject state.Word    `json:"batch_subject"`
	Mailbox      struct {
		Secret     MailboxSecret `json:"secret"`
		Commitment state.Word    `json:"commitment"`
		Scope      state.Word    `json:"scope"`
		Key        Key           `json:"key"`
	} `json:"mailbox"`
	Tags []struct {
		Subject state.Word `json:"subject"`
		Part    uint16     `json:"part"`
		Tag     hexBytes   `json:"tag"`
	} `json:"tags"`
	Sealed []struct {
		Scope    state.Word `json:"scope"`
		ScopeKey Key        `json:"scope_key"`
		KeyID    uint32     `json:"key_id"`
		Kind     state.Kind `json:"kind"`
		Subject  state.Word `json:"subject"`
		From     uint64     `json:"from"`
		Until    uint64     `json:"until"`
		Payload  hexBytes   `json:"payload"`
		EntryKey Key        `json:"entry_key"`
		Data     hexBytes   `json:"data"`
	} `json:"sealed"`
	CIDs []struct {
		Block hexBytes `json:"block"`
		CID   CID      `json:"cid"`
	} `json:"cids"`
	Batches []struct {
		Count       int          `json:"count"`
		Leaves      int          `json:"leaves"`
		Written     bool         `json:"written"`
		LeafDigests []state.Word `json:"leaf_digests"`
		EntryData   hexBytes     `json:"entry_data"`
	} `json:"batches"`
	Requests []struct {
		JSON        json.RawMessage `json:"json"`
		Fingerprint string          `json:"fingerprint"`
	} `json:"requests"`
}

type hexBytes []byte

func (h *hexBytes) UnmarshalText(b []byte) (err error) {
	*h, err = hex.DecodeString(string(b))
	return err
}

func readVectors(t testing.TB) *vectors {
	t.Helper()
	b, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	v := &vectors{}
	if err := json.Unmarshal(b, v); err != nil {
		t.Fatal(err)
	}
	if len(v.Tags) == 0 || len(v.Sealed) == 0 || len(v.CIDs) == 0 || len(v.Batches) == 0 || len(v.Requests) == 0 {
		t.Fatal("vectors.json lacks a part")
	}
	return v
}

func TestVectorsMailbox(t *testing.T) {
	v := readVectors(t)
	s := v.Mailbox.Secret
	if got := state.ZoneID(v.Organisation, v.ZoneSalt); got != v.Zone {
		t.Errorf("zone %v, want %v", got, v.Zone)
	}
	if got := s.Commitment(); got != v.Mailbox.Commitment {
		t.Errorf("commitment %v, want %v", got, v.Mailbox.Commitment)
	}
	if got := s.Mailbox(v.Zone); got != v.Mailbox.Scope {
		t.Errorf("mailbox %v, want %v", got, v.Mailbox.Scope)
	}
	if s.Key(v.Mailbox.Scope) != v.Mailbox.Key {
		t.Error("mailbox key differs")
	}
	for _, test := range v.Tags {
		if got := s.Tag(test.Subject, test.Part); got != Tag(test.Tag) {
			t.Errorf("tag of part %d = %x, want %x", test.Part, got, test.Tag)
		}
	}
}

func TestVectorsSealed(t *testing.T) {
	v := readVectors(t)
	for i, test := range v.Sealed {
		r := NewRing(v.Anchor)
		if err := r.Add(test.Scope, test.KeyID, test.ScopeKey); err != nil {
			t.Fatal(err)
		}
		r.random = func(b []byte) { copy(b, test.Subject[:]) }
		place := Entry{Scope: test.Scope, Kind: test.Kind, From: test.From, Until: test.Until}
		s, err := r.Seal(place, test.Payload)
		if err != nil {
			t.Fatal(err)
		}
		if string(s.Data) != string(test.Data) || s.Key != test.EntryKey || s.Subject != test.Subject {
			t.Errorf("%d: sealed as\n%x, want\n%x", i, s.Data, test.Data)
		}
		got, err := r.Open(test.Scope, written(place, s))
		if err != nil || string(got) != string(test.Payload) {
			t.Errorf("%d: Open = %x, %v, want %x", i, got, err, test.Payload)
		}
	}
}

func TestVectorsCID(t *testing.T) {
	for _, test := range readVectors(t).CIDs {
		if got := Sum(test.Block); got != test.CID {
			t.Errorf("CID of %x = %v, want %v", test.Block, got, test.CID)
		}
	}
}

func TestVectorsBatch(t *testing.T) {
	v := readVectors(t)
	for _, test := range v.Batches {
		refs := make([]ref, test.Count)
		for i := range refs {
			refs[i] = ref{
				tag: v.Mailbox.Secret.Tag(v.BatchSubject, uint16(i)),
				cid: Sum(binary.BigEndian.AppendUint16(nil, uint16(i))),
			}
		}
		if test.Written {
			if n, err := leafCount(sorted(refs)); err != nil || n != test.Leaves {
				t.Errorf("%d bundles: %d leaves, %v, want %d", test.Count, n, err, test.Leaves)
			}
		}
		ix := indexOf(sorted(refs), test.Leaves)
		if string(ix.Data) != string(test.EntryData) {
			t.Errorf("%d bundles: entry data %x, want %x", test.Count, ix.Data, test.EntryData)
		}
		leaves, err := parseRoot(ix.Root.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range test.LeafDigests {
			if state.Word(leaves[i]) != want {
				t.Errorf("%d bundles: leaf %d is %x, want %v", test.Count, i, leaves[i][:], want)
			}
		}
		store := newMemory()
		store.put(ix.Root)
		for _, leaf := range ix.Leaves {
			store.put(leaf)
		}
		batch, err := OpenBatch(t.Context(), store, v.BatchSubject, state.Word(ix.Root.CID))
		if err != nil {
			t.Fatal(err)
		}
		for i := range test.Count {
			got, err := batch.Find(t.Context(), v.Mailbox.Secret, uint16(i))
			if want := Sum(binary.BigEndian.AppendUint16(nil, uint16(i))); err != nil || got != want {
				t.Fatalf("%d bundles: part %d is %v, %v, want %v", test.Count, i, got, err, want)
			}
		}
	}
}

func TestVectorsRequest(t *testing.T) {
	v := readVectors(t)
	for _, test := range v.Requests {
		r, err := ParseRequest(test.JSON)
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Fingerprint(); got != test.Fingerprint {
			t.Errorf("%s: fingerprint %s, want %s", r.Name, got, test.Fingerprint)
		}
		if r.Anchor != v.Anchor || r.Mailbox(v.Zone) != v.Mailbox.Scope {
			t.Errorf("%s: anchor %v, mailbox %v", r.Name, r.Anchor, r.Mailbox(v.Zone))
		}
	}
}
