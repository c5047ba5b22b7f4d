package state

import (
	"bytes"
	"errors"
	"reflect"
	"testing"
)

func exampleEntry() *Entry {
	return &Entry{
		Seq: 7, Block: 1 << 33, PrevBlock: 1<<33 - 5, Time: 1_790_000_000,
		Authors: []Address{{1}, {2, 9}}, Action: ActionPut, Kind: KindGrant,
		Subject: Word{0xaa, 31: 0xbb}, From: 1_790_000_000, Until: 1_790_000_300, Data: []byte("sealed"),
	}
}

func TestEntryRoundTrip(t *testing.T) {
	for name, change := range map[string]func(*Entry){
		"plain":       func(*Entry) {},
		"no data":     func(e *Entry) { e.Data = nil },
		"most data":   func(e *Entry) { e.Data = bytes.Repeat([]byte{0xff}, MaxData) },
		"aligned":     func(e *Entry) { e.Data = make([]byte, 64) },
		"never ends":  func(e *Entry) { e.Until = Never },
		"first":       func(e *Entry) { e.Seq, e.PrevBlock = 1, 0 },
		"unknown one": func(e *Entry) { e.Action, e.Kind = 200, MaxKind },
	} {
		t.Run(name, func(t *testing.T) {
			want := exampleEntry()
			change(want)
			b, err := want.Marshal()
			if err != nil {
				t.Fatal(err)
			}
			got, err := ParseEntry(b)
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("file form: got %+v, %v; want %+v", got, err, want)
			}
			org, scope := Word{1}, Word{2}
			topics, data, err := EncodeLog(org, scope, want)
			if err != nil {
				t.Fatal(err)
			}
			gotOrg, gotScope, got, err := DecodeLog(topics, data, want.Block)
			if err != nil || gotOrg != org || gotScope != scope || !reflect.DeepEqual(got, want) {
				t.Errorf("event: got %+v, %v; want %+v", got, err, want)
			}
		})
	}
}

func TestMalformedEntriesAreRefused(t *testing.T) {
	for name, change := range map[string]func(*Entry){
		"no sequence":       func(e *Entry) { e.Seq = 0 },
		"sequence too high": func(e *Entry) { e.Seq = 1 << 48 },
		"no author":         func(e *Entry) { e.Authors = nil },
		"many authors":      func(e *Entry) { e.Authors = make([]Address, MaxAuthors+1) },
		"authors unsorted":  func(e *Entry) { e.Authors = []Address{{2}, {1}} },
		"author twice":      func(e *Entry) { e.Authors = []Address{{1}, {1}} },
		"kind":              func(e *Entry) { e.Kind = MaxKind + 1 },
		"data":              func(e *Entry) { e.Data = make([]byte, MaxData+1) },
		"time":              func(e *Entry) { e.Time = 1 << 40 },
		"window":            func(e *Entry) { e.Until = 1 << 40 },
		"previous later":    func(e *Entry) { e.PrevBlock = e.Block + 1 },
	} {
		e := exampleEntry()
		change(e)
		if _, err := e.Marshal(); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: Marshal gave %v, want ErrMalformed", name, err)
		}
		if _, _, err := EncodeLog(Word{}, Word{}, e); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: EncodeLog gave %v, want ErrMalformed", name, err)
		}
	}
}

func TestTruncatedAndLongerFormsAreRefused(t *testing.T) {
	e := exampleEntry()
	b, err := e.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	topics, data, err := EncodeLog(Word{1}, Word{2}, e)
	if err != nil {
		t.Fatal(err)
	}
	for n := range b {
		if _, err := ParseEntry(b[:n]); err == nil {
			t.Errorf("ParseEntry accepted %d of %d bytes", n, len(b))
		}
	}
	for n := range data {
		if _, _, _, err := DecodeLog(topics, data[:n], e.Block); err == nil {
			t.Errorf("DecodeLog accepted %d of %d bytes", n, len(data))
		}
	}
	if _, err := ParseEntry(append(b, 0)); err == nil {
		t.Error("ParseEntry accepted a trailing byte")
	}
	if _, _, _, err := DecodeLog(topics, append(data, make([]byte, 32)...), e.Block); err == nil {
		t.Error("DecodeLog accepted a trailing word")
	}
	data[len(data)-1] = 1
	if _, _, _, err := DecodeLog(topics, data, e.Block); err == nil {
		t.Error("DecodeLog accepted padding that is not zero")
	}
	if _, _, _, err := DecodeLog(topics[:2], data, e.Block); err == nil {
		t.Error("DecodeLog accepted two topics")
	}
}

func TestEveryFieldIsInTheHash(t *testing.T) {
	base := Next(Word{1}, exampleEntry())
	if Next(Word{2}, exampleEntry()) == base {
		t.Error("the hash before is not in the hash")
	}
	for name, change := range map[string]func(*Entry){
		"seq":       func(e *Entry) { e.Seq++ },
		"block":     func(e *Entry) { e.Block++ },
		"prevBlock": func(e *Entry) { e.PrevBlock++ },
		"time":      func(e *Entry) { e.Time++ },
		"authors":   func(e *Entry) { e.Authors = e.Authors[:1] },
		"author":    func(e *Entry) { e.Authors = []Address{{1}, {3}} },
		"action":    func(e *Entry) { e.Action++ },
		"kind":      func(e *Entry) { e.Kind++ },
		"subject":   func(e *Entry) { e.Subject[5]++ },
		"from":      func(e *Entry) { e.From++ },
		"until":     func(e *Entry) { e.Until++ },
		"data":      func(e *Entry) { e.Data = []byte("sealeD") },
	} {
		e := exampleEntry()
		change(e)
		if Next(Word{1}, e) == base {
			t.Errorf("%s is not in the hash", name)
		}
	}
}

func TestAppendNamesWhatDoesNotFollow(t *testing.T) {
	tip := Tip{H: Word{1}, Seq: 6, Block: 1<<33 - 5, Time: 1_789_999_999}
	next, err := tip.Append(exampleEntry())
	if err != nil || next.Seq != 7 || next.H != Next(Word{1}, exampleEntry()) {
		t.Fatalf("Append = %+v, %v", next, err)
	}
	for name, change := range map[string]func(*Entry){
		"left out": func(e *Entry) { e.Seq++ },
		"repeated": func(e *Entry) { e.Seq-- },
		"other":    func(e *Entry) { e.PrevBlock-- },
		"older":    func(e *Entry) { e.Time = 1 },
	} {
		e := exampleEntry()
		change(e)
		if got, err := tip.Append(e); !errors.Is(err, ErrNotNext) || got != tip {
			t.Errorf("%s: Append = %+v, %v; want the tip unchanged and ErrNotNext", name, got, err)
		}
	}
	checkpoint := Tip{H: Word{1}, Seq: 6}
	if _, err := checkpoint.Append(exampleEntry()); err != nil {
		t.Errorf("after a C word: %v", err)
	}
}

func FuzzParseEntry(f *testing.F) {
	b, err := exampleEntry().Marshal()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add(b[:40])
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := ParseEntry(b)
		if err != nil {
			return
		}
		if again, err := e.Marshal(); err != nil || !bytes.Equal(again, b) {
			t.Errorf("Marshal(Parse(%x)) = %x, %v", b, again, err)
		}
	})
}

func FuzzDecodeLog(f *testing.F) {
	_, data, err := EncodeLog(Word{1}, Word{2}, exampleEntry())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data, uint64(1<<33))
	f.Add(data[:64], uint64(0))
	topics := []Word{EventTopic, {1}, {2}}
	f.Fuzz(func(t *testing.T, data []byte, block uint64) {
		org, scope, e, err := DecodeLog(topics, data, block)
		if err != nil {
			return
		}
		if _, again, err := EncodeLog(org, scope, e); err != nil || !bytes.Equal(again, data) {
			t.Errorf("EncodeLog(DecodeLog(%x)) = %x, %v", data, again, err)
		}
	})
}
