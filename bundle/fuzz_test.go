package bundle

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"dpki/state"
)

// addFile seeds a fuzz target with a file of testdata and what is close to it.
func addFile(f *testing.F, path string) {
	f.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	addSeed(f, b)
}

func addSeed(f *testing.F, b []byte) {
	f.Add(b)
	f.Add(b[:len(b)/2])
	f.Add(append(bytes.Clone(b), b...))
	f.Add([]byte{})
}

func FuzzParseBundle(f *testing.F) {
	addSeed(f, marshalBundle(header, [32]byte{1}, []byte("content")))
	addSeed(f, marshalBundle(header, [32]byte{}, nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := parseBundle(b)
		if err != nil {
			return
		}
		if again := marshalBundle(got.Header, got.Salt, got.Content); !bytes.Equal(again, b) {
			t.Errorf("Marshal(Parse(x)) is %x, x is %x", again, b)
		}
	})
}

// Nothing but the seed may open: an age file cannot be made without the
// recipient's public key, which the fuzzer does not use.
func FuzzOpenBundle(f *testing.F) {
	addFile(f, "testdata/bundle.age")
	i := testIdentity(f)
	genuine, err := os.ReadFile("testdata/bundle.age")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := i.Open(b, expect); err == nil && !bytes.Equal(b, genuine) {
			t.Errorf("opened %x", b)
		}
	})
}

func FuzzOpenSealed(f *testing.F) {
	v := readVectors(f)
	r := NewRing(v.Anchor)
	genuine := make(map[string]bool)
	for _, s := range v.Sealed {
		if err := r.Add(s.Scope, s.KeyID, s.ScopeKey); err != nil {
			f.Fatal(err)
		}
		genuine[string(s.Data)] = true
		f.Add(s.Scope[:], s.Subject[:], byte(s.Kind), s.From, s.Until, []byte(s.Data))
	}
	f.Fuzz(func(t *testing.T, scope, subject []byte, kind byte, from, until uint64, data []byte) {
		if len(scope) != 32 || len(subject) != 32 {
			return
		}
		e := &state.Entry{Kind: state.Kind(kind), Subject: state.Word(subject), From: from, Until: until, Data: data}
		if _, err := r.Open(state.Word(scope), e); err == nil && !genuine[string(data)] {
			t.Errorf("opened %x", data)
		}
	})
}

func FuzzUnpad(f *testing.F) {
	for _, n := range []int{0, 1, 127, 128, 511} {
		b, err := pad(bytes.Repeat([]byte{0x80}, n))
		if err != nil {
			f.Fatal(err)
		}
		addSeed(f, b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		payload, err := unpad(b)
		if err != nil {
			return
		}
		if again, err := pad(payload); err != nil || !bytes.Equal(again, b) {
			t.Errorf("pad(unpad(x)) is %x, %v, x is %x", again, err, b)
		}
	})
}

func FuzzParseRoot(f *testing.F) {
	addSeed(f, indexOf(sorted(randomRefs(10)), 3).Root.Bytes)
	f.Fuzz(func(t *testing.T, b []byte) {
		leaves, err := parseRoot(b)
		if err != nil {
			return
		}
		again := []byte("DPKIROOT\x01")
		for _, id := range leaves {
			again = append(again, id[:]...)
		}
		if !bytes.Equal(again, b) || len(leaves) > MaxLeaves {
			t.Errorf("Marshal(Parse(x)) is %x, x is %x", again, b)
		}
	})
}

func FuzzParseLeaf(f *testing.F) {
	for i, leaf := range indexOf(sorted(randomRefs(20)), 2).Leaves {
		f.Add(leaf.Bytes, i, 2)
		f.Add(leaf.Bytes, 1-i, 2)
		f.Add(leaf.Bytes, 0, 1)
	}
	f.Fuzz(func(t *testing.T, b []byte, i, n int) {
		if n < 1 || n > MaxLeaves {
			return
		}
		line, err := parseLeaf(b, i, n)
		if err != nil {
			return
		}
		if again := marshalLeaf(line); !bytes.Equal(again.Bytes, b) {
			t.Errorf("Marshal(Parse(x)) is %x, x is %x", again.Bytes, b)
		}
	})
}

func FuzzParseCID(f *testing.F) {
	f.Add(Sum(nil).String())
	f.Add("bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi")
	f.Add("")
	f.Fuzz(func(t *testing.T, s string) {
		if c, err := ParseCID(s); err == nil && c.String() != s {
			t.Errorf("ParseCID(%q).String() = %q", s, c)
		}
	})
}

func FuzzParseRecipient(f *testing.F) {
	b, err := os.ReadFile("testdata/recipient.txt")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(strings.TrimSpace(string(b)))
	f.Add("age1pq1")
	f.Fuzz(func(t *testing.T, s string) {
		if r, err := ParseRecipient(s); err == nil && r.String() != s {
			t.Errorf("ParseRecipient(%q).String() = %q", s, r)
		}
	})
}

func FuzzParseRequest(f *testing.F) {
	for _, r := range readVectors(f).Requests {
		addSeed(f, r.JSON)
	}
	admins, err := testIdentity(f).NewAdminRequest(anchorOf(1), "bob", state.Address{0xab})
	if err != nil {
		f.Fatal(err)
	}
	seed, err := admins.Marshal()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := ParseRequest(b)
		if err != nil {
			return
		}
		again, err := r.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if twice, err := ParseRequest(again); err != nil || twice.Fingerprint() != r.Fingerprint() {
			t.Errorf("a parsed request does not parse again: %v", err)
		}
	})
}

func FuzzParseIdentity(f *testing.F) {
	addFile(f, "testdata/identity.json")
	f.Fuzz(func(t *testing.T, b []byte) {
		i, err := ParseIdentity(b)
		if err != nil {
			return
		}
		again, err := i.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParseIdentity(again); err != nil {
			t.Errorf("a parsed identity does not parse again: %v", err)
		}
	})
}

func FuzzParseDeviceMaterials(f *testing.F) {
	b, err := testMaterials().Marshal()
	if err != nil {
		f.Fatal(err)
	}
	addSeed(f, b)
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := ParseDeviceMaterials(b)
		if err != nil {
			return
		}
		again, err := m.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParseDeviceMaterials(again); err != nil {
			t.Errorf("parsed materials do not parse again: %v", err)
		}
	})
}

func FuzzParseRoster(f *testing.F) {
	r := testRoster(f)
	b, err := r.Marshal()
	if err != nil {
		f.Fatal(err)
	}
	addSeed(f, b)
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := ParseRoster(b, anchorOf(1).Org)
		if err != nil {
			return
		}
		again, err := r.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParseRoster(again, anchorOf(1).Org); err != nil {
			t.Errorf("a parsed roster does not parse again: %v", err)
		}
	})
}

// What decodeStrict accepts, encoding/json accepts too, and means the same.
func FuzzDecodeStrict(f *testing.F) {
	for _, s := range []string{`{"id":1,"key":"AAAA"}`, `{"id":1,"ID":2}`, `{"id":1,"id":2}`, `[null]`, `{"id":1}{}`, "\"\xff\"", strings.Repeat("[", 100), `{"\u0069d":1}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var strict, plain struct {
			ID   uint32 `json:"id"`
			Name string `json:"name"`
			List []struct {
				N int `json:"n"`
			} `json:"list"`
		}
		if decodeStrict(b, 1<<16, &strict) != nil {
			return
		}
		if err := json.Unmarshal(b, &plain); err != nil {
			t.Errorf("encoding/json refuses %q: %v", b, err)
		}
	})
}
