package audit

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"dpki/internal/anchor"
	"dpki/registry/segment"
	"dpki/state"
)

func sample() *File {
	scope := state.Word{5}
	entry := state.Entry{Seq: 1, Block: 7, Time: 100, Authors: []state.Address{{1}}, Action: state.ActionPut, Kind: state.KindDenyClear, Subject: state.Word{3}, Until: state.Never}
	return &File{
		Anchor:      anchor.Anchor{Registry: state.Registry{ChainID: 1135, Contract: state.Address{2}}, Org: state.Word{4}},
		Headers:     [][]byte{{1, 2, 3}, {4}},
		Checkpoints: [][]byte{{9}},
		Proofs: []Proof{
			{Header: 1, Nodes: []byte(`{"accountProof":[]}`), Logs: []Log{{Scope: scope, Segments: []segment.Segment{{Scope: scope, Entries: []state.Entry{entry}}}}, {Scope: state.Word{6}}}},
			{Header: 0, Logs: []Log{{Scope: state.Word{7}}}},
		},
	}
}

// What a reader of foreign bytes must refuse; the twin is the file as it is.
func TestFileForm(t *testing.T) {
	good, err := sample().Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if f, err := Parse(good); err != nil || len(f.Proofs) != 2 || len(f.Proofs[0].Logs[0].Entries()) != 1 || f.Anchor != sample().Anchor {
		t.Fatalf("twin: %v", err)
	}
	for n := range good {
		if _, err := Parse(good[:n]); !errors.Is(err, ErrMalformed) {
			t.Errorf("%d of %d bytes: %v", n, len(good), err)
		}
	}
	for name, bad := range map[string][]byte{
		"a byte more": append(bytes.Clone(good), 0),
		"version":     append([]byte(magic+"\x02"), good[len(magic)+1:]...),
		"many headers": slices.Concat(good[:len(magic)+3+len(sample().Anchor.String())],
			[]byte{0xff, 0xff}, make([]byte, 1<<17)),
	} {
		if _, err := Parse(bad); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, alter := range map[string]func(*File){
		"no headers":       func(f *File) { f.Headers = nil },
		"an empty header":  func(f *File) { f.Headers[0] = nil },
		"a long header":    func(f *File) { f.Headers[0] = make([]byte, maxHeader+1) },
		"no proof":         func(f *File) { f.Proofs = nil },
		"a proof of none":  func(f *File) { f.Proofs[0].Logs = nil },
		"too many logs":    func(f *File) { f.Proofs[0].Logs = make([]Log, MaxLogs+1) },
		"a scope twice":    func(f *File) { f.Proofs[1].Logs[0].Scope = state.Word{6} },
		"foreign segment":  func(f *File) { f.Proofs[0].Logs[0].Segments[0].Scope = state.Word{1} },
		"a segment twice":  func(f *File) { l := &f.Proofs[0].Logs[0]; l.Segments = append(l.Segments, l.Segments[0]) },
		"many checkpoints": func(f *File) { f.Checkpoints = slices.Repeat(f.Checkpoints, maxCheckpoints+1) },
		"empty checkpoint": func(f *File) { f.Checkpoints[0] = nil },
	} {
		f := sample()
		alter(f)
		if _, err := f.Marshal(); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v, want ErrMalformed", name, err)
		}
	}
}

// Whatever the bytes are: they come back as they were or are refused, and
// nothing that was not proven is shown.
func FuzzFile(f *testing.F) {
	good, err := sample().Marshal()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(good[:40])
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := Parse(b)
		if err != nil {
			return
		}
		again, err := file.Marshal()
		if err != nil || !bytes.Equal(again, b) {
			t.Fatalf("%x came back as %x, %v", b, again, err)
		}
		if _, err := file.Check(state.Word{1}); err == nil {
			t.Error("a file without a contract was accepted")
		}
	})
}
