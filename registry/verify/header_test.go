package verify

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"dpki/registry"
)

// realHeader is a header of an OP-stack chain as an endpoint served it.
func realHeader(t testing.TB) []byte {
	t.Helper()
	raw, err := os.ReadFile("testdata/op-stack-header.json")
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestParseHeaderOfARealChain(t *testing.T) {
	h, err := ParseHeader(realHeader(t))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := h.Hash.String(), "bcfeea73187d6525160e26d8aca232a4e6a2602f05f3c55f14047aa55ebb1963"; got != want {
		t.Errorf("hash %s, want %s", got, want)
	}
	if got, want := h.Root.String(), "da41af4a32ec256dc47990ff02b0a50d71c5751bc354d89f57c695ea1636f20b"; got != want {
		t.Errorf("root %s, want %s", got, want)
	}
	if h.Number != 0x3033b65 || h.Time != 0x6a90d3ad {
		t.Errorf("number %d, time %d", h.Number, h.Time)
	}
}

// A whole block is accepted in a header's place: its transactions are passed over.
func TestParseHeaderOfABlock(t *testing.T) {
	raw := realHeader(t)
	block := bytes.Replace(raw, []byte("{"), []byte(`{"size":"0x1","uncles":[],"transactions":["0x01","0x02"],"withdrawals":[],`), 1)
	if _, err := ParseHeader(block); err != nil {
		t.Error(err)
	}
}

// Each row alters the accepted header above.
func TestParseHeaderRefuses(t *testing.T) {
	real := string(realHeader(t))
	for name, raw := range map[string]string{
		"empty":           "",
		"null":            "null",
		"no object":       "[]",
		"trailing data":   real + "{}",
		"cut off":         real[:len(real)-2],
		"other root":      strings.Replace(real, `"stateRoot":"0xda`, `"stateRoot":"0xdb`, 1),
		"other time":      strings.Replace(real, `0x6a90d3ad`, `0x6a90d3ae`, 1),
		"other number":    strings.Replace(real, `0x3033b65`, `0x3033b66`, 1),
		"other hash":      strings.Replace(real, `0xbcfeea`, `0xbcfeeb`, 1),
		"short hash":      strings.Replace(real, `0xbcfeea`, `0xbcfe`, 1),
		"no hash":         strings.Replace(real, `"hash"`, `"mash"`, 1),
		"missing member":  strings.Replace(real, `"requestsHash"`, `"requestHash"`, 1),
		"no root":         strings.Replace(real, `"stateRoot"`, `"state"`, 1),
		"number too wide": strings.Replace(real, `"number":"0x3033b65"`, `"number":"0x1000000000000000000000000"`, 1),
		"too deep":        `{"a":` + strings.Repeat("[", 9) + strings.Repeat("]", 9) + "," + real[1:],
		"too large":       `{"a":"` + strings.Repeat("a", registry.MaxHeader) + `",` + real[1:],
	} {
		t.Run(name, func(t *testing.T) {
			if raw == real {
				t.Fatal("the row changes nothing")
			}
			if h, err := ParseHeader([]byte(raw)); !errors.Is(err, ErrHeader) || h != (Header{}) {
				t.Errorf("got %+v, %v, want ErrHeader", h, err)
			}
		})
	}
}

// No byte of a header can be altered without being noticed, except where JSON
// or hexadecimal has several spellings of the same thing.
func TestParseHeaderFlipped(t *testing.T) {
	raw := realHeader(t)
	want, err := ParseHeader(raw)
	if err != nil {
		t.Fatal(err)
	}
	for i := range raw {
		flipped := bytes.Clone(raw)
		flipped[i] ^= 1
		if h, err := ParseHeader(flipped); err == nil && h != want {
			t.Fatalf("byte %d: %+v", i, h)
		}
	}
}

func FuzzParseHeader(f *testing.F) {
	f.Add(realHeader(f))
	f.Add([]byte(`{"hash":"0x00"}`))
	f.Add([]byte("null"))
	chain := newFake(f)
	f.Add(chain.json(chain.header(1)))
	f.Fuzz(func(t *testing.T, raw []byte) {
		h, err := ParseHeader(raw)
		if err != nil {
			if !errors.Is(err, ErrHeader) {
				t.Fatalf("untyped error %v", err)
			}
			return
		}
		// What was accepted names its own hash: the same fields always give it.
		var again struct {
			Hash string `json:"hash"`
		}
		if json.Unmarshal(raw, &again) != nil || !strings.EqualFold(again.Hash, "0x"+h.Hash.String()) {
			t.Fatalf("hash %s, said %s", h.Hash, again.Hash)
		}
	})
}
