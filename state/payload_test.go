package state

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"
)

// codec is a payload type seen from outside: what Marshal writes must parse to
// the same value.
type codec struct {
	name  string
	value interface{ Marshal() ([]byte, error) }
	parse func([]byte) (any, error)
}

func parser[T any](parse func([]byte) (T, error)) func([]byte) (any, error) {
	return func(b []byte) (any, error) { return parse(b) }
}

func codecs() []codec {
	grant, policy := parser(ParseGrant), parser(ParsePolicy)
	return []codec{
		{"grant, least", Grant{Account: "root", Key: Word{1}}, grant},
		{"grant, most", Grant{Account: "a.b-c_D9", Key: Word{1}, From: "10.0.0.0/8,2001:db8::/32", Command: `/bin/echo "a, b"`, Flags: AllGrantFlags, Label: "Fälle #7"}, grant},
		{"policy, empty", Policy{}, policy},
		{"policy, full", Policy{Modes: 5, Offline: 1, Fresh: 2, Privileged: []string{"backup", "deploy"}, SafeKinds: KindMask{}.With(KindGrant)}, policy},
		{"policy, watchdogs", Policy{Watchdogs: []Watchdogs{{Need: 2, Purposes: DeliveredPurposes, Keys: []Word{{1}, {2}}}}}, policy},
		{"ca", CA{Key: Word{2}, Label: "main"}, parser(ParseCA)},
		{"deny", Deny{Key: Word{3}, Before: Never}, parser(ParseDeny)},
		{"deny before", Deny{Key: Word{3}, Before: 99}, parser(ParseDeny)},
		{"zone", Zone{Name: "gates", Salt: Word{4}}, parser(ParseZone)},
		{"delivery", Delivery{Commitment: Word{5}, Block: Word{6}, Purpose: 3, Supersedes: Word{7}}, parser(ParseDelivery)},
		{"delivery of signatures", Delivery{Commitment: Word{5}, Block: Word{6}, Purpose: 9, Name: "web", Signs: Word{7}}, parser(ParseDelivery)},
		{"request, least", Request{Account: "root", Key: []byte{1}, Seconds: 1}, parser(ParseRequest)},
		{"request, most", Request{Account: "a.b-c_D9", Key: bytes.Repeat([]byte{1}, MaxRequestKey), Seconds: 1<<32 - 1, Reason: strings.Repeat("ä", MaxReason/2), Flags: AllGrantFlags}, parser(ParseRequest)},
	}
}

func TestPayloadRoundTrip(t *testing.T) {
	for _, c := range codecs() {
		b, err := c.value.Marshal()
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if got, err := c.parse(b); err != nil || !reflect.DeepEqual(got, c.value) {
			t.Errorf("%s: got %+v, %v; want %+v", c.name, got, err, c.value)
		}
		for n := range b {
			if _, err := c.parse(b[:n]); err == nil && n > 1 && !isPrefixPayload(c, b[:n]) {
				t.Errorf("%s: %d of %d bytes were accepted as the whole", c.name, n, len(b))
			}
		}
		for what, bad := range map[string][]byte{
			"trailing byte":    append(bytes.Clone(b), 0),
			"unknown field":    append(bytes.Clone(b), 200, 0, 0),
			"unknown version":  append([]byte{2}, b[1:]...),
			"last field twice": append(bytes.Clone(b), lastField(b)...),
			"nothing":          nil,
		} {
			if what == "last field twice" && len(lastField(b)) == 0 {
				continue
			}
			if _, err := c.parse(bad); !errors.Is(err, ErrMalformed) {
				t.Errorf("%s with %s: got %v, want ErrMalformed", c.name, what, err)
			}
		}
	}
}

// isPrefixPayload reports whether a shorter form is itself canonical: optional
// fields stand last, so cutting one off whole leaves a valid payload.
func isPrefixPayload(c codec, b []byte) bool {
	v, err := c.parse(b)
	if err != nil {
		return false
	}
	again, err := v.(interface{ Marshal() ([]byte, error) }).Marshal()
	return err == nil && bytes.Equal(again, b)
}

func lastField(b []byte) []byte {
	rest := b[1:]
	var last []byte
	for len(rest) >= 3 {
		n := 3 + int(rest[1])<<8 + int(rest[2])
		last, rest = rest[:n], rest[n:]
	}
	return last
}

func TestGrantsThatCouldEscapeTheirLineAreRefused(t *testing.T) {
	ok := Grant{Account: "alice", Key: Word{1}}
	if _, err := ok.Marshal(); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Grant){
		"no account":          func(g *Grant) { g.Account = "" },
		"comma":               func(g *Grant) { g.Account = "a,b" },
		"quote":               func(g *Grant) { g.Account = `a"b` },
		"newline":             func(g *Grant) { g.Account = "a\nb" },
		"space":               func(g *Grant) { g.Account = "a b" },
		"star":                func(g *Grant) { g.Account = "*" },
		"option":              func(g *Grant) { g.Account = "-oProxy" },
		"control":             func(g *Grant) { g.Account = "a\x11" },
		"long":                func(g *Grant) { g.Account = strings.Repeat("a", 33) },
		"command newline":     func(g *Grant) { g.Command = "a\nb" },
		"command backslash":   func(g *Grant) { g.Command = `a\` },
		"command long":        func(g *Grant) { g.Command = strings.Repeat("a", 257) },
		"from word":           func(g *Grant) { g.From = "example.org" },
		"from quote":          func(g *Grant) { g.From = `10.0.0.0/8",pty,from="0.0.0.0/0` },
		"from host bits":      func(g *Grant) { g.From = "10.0.0.1/8" },
		"from empty item":     func(g *Grant) { g.From = "10.0.0.0/8," },
		"label control":       func(g *Grant) { g.Label = "a\x1b[31m" },
		"label not UTF-8":     func(g *Grant) { g.Label = "\xff" },
		"label bidi override": func(g *Grant) { g.Label = "a\u202eb" },
		"flag":                func(g *Grant) { g.Flags = 1 << 9 },
	} {
		g := ok
		change(&g)
		if _, err := g.Marshal(); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: got %v, want ErrMalformed", name, err)
		}
	}
}

func TestRequestsThatAskForNothingAreRefused(t *testing.T) {
	ok := Request{Account: "root", Key: []byte{1}, Seconds: 900, Reason: "pump 3 is stuck"}
	if _, err := ok.Marshal(); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Request){
		"no account":     func(r *Request) { r.Account = "" },
		"an option":      func(r *Request) { r.Account = "-oProxy" },
		"no key":         func(r *Request) { r.Key = nil },
		"a long key":     func(r *Request) { r.Key = make([]byte, MaxRequestKey+1) },
		"no time":        func(r *Request) { r.Seconds = 0 },
		"too much time":  func(r *Request) { r.Seconds = 1 << 32 },
		"reason escapes": func(r *Request) { r.Reason = "a\x1b[31m" },
		"reason long":    func(r *Request) { r.Reason = strings.Repeat("a", MaxReason+1) },
		"unknown flag":   func(r *Request) { r.Flags = 1 << 9 },
	} {
		r := ok
		change(&r)
		if _, err := r.Marshal(); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: got %v, want ErrMalformed", name, err)
		}
	}
}

func TestClearData(t *testing.T) {
	admin := Admin{Account: Address{1}, Power: Word{2}, PutMask: KindMask{}.With(KindGrant).With(0), RevokeMask: KindMask{}.With(MaxKind), Flags: 1, Salt: Word{3}}
	if got, err := ParseAdmin(admin.Marshal()); err != nil || got != admin {
		t.Errorf("admin: got %+v, %v; want %+v", got, err, admin)
	}
	limit := Limit{Kind: KindGrant, Approvals: 2, Longest: 300}
	if got, err := ParseLimit(limit.Marshal()); err != nil || got != limit {
		t.Errorf("limit: got %+v, %v; want %+v", got, err, limit)
	}
	distrust := Distrust{Author: Address{9}, From: 1, To: 2}
	if got, err := ParseDistrust(distrust.Marshal()); err != nil || got != distrust {
		t.Errorf("distrust: got %+v, %v; want %+v", got, err, distrust)
	}
	if got, err := ParseBatch(MarshalBatch(Word{4})); err != nil || got != (Word{4}) {
		t.Errorf("batch: got %v, %v", got, err)
	}
	high := admin.Marshal()
	high[0] = 1 // the account is 160 bits
	if _, err := ParseAdmin(high); !errors.Is(err, ErrMalformed) {
		t.Errorf("admin with a wide account: got %v, want ErrMalformed", err)
	}
}

func FuzzPayloads(f *testing.F) {
	for i, c := range codecs() {
		b, err := c.value.Marshal()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(uint8(i), b)
	}
	all := codecs()
	f.Fuzz(func(t *testing.T, which uint8, b []byte) {
		c := all[int(which)%len(all)]
		v, err := c.parse(b)
		if err != nil {
			return
		}
		again, err := v.(interface{ Marshal() ([]byte, error) }).Marshal()
		if err != nil || !bytes.Equal(again, b) {
			t.Errorf("%s: Marshal(Parse(%x)) = %x, %v", c.name, b, again, err)
		}
	})
}

func FuzzClearData(f *testing.F) {
	f.Add(Admin{Account: Address{1}}.Marshal())
	f.Add(Limit{Kind: 1, Approvals: 1}.Marshal())
	f.Add(MarshalBatch(Word{1}))
	f.Add(trio().Marshal())
	f.Add(Recovery{Salt: Word{1}, Threshold: 1, Roots: []Address{{1}, {2}}}.Marshal())
	f.Add(Pointer{Direction: Successor, ChainID: 1, Contract: Address{1}, Org: Word{1}}.Marshal())
	f.Fuzz(func(t *testing.T, b []byte) {
		check := func(again []byte, err error) {
			if err == nil && !bytes.Equal(again, b) {
				t.Errorf("%x came back as %x", b, again)
			}
		}
		a, err := ParseAdmin(b)
		check(a.Marshal(), err)
		l, err := ParseLimit(b)
		check(l.Marshal(), err)
		d, err := ParseDistrust(b)
		check(d.Marshal(), err)
		w, err := ParseBatch(b)
		check(MarshalBatch(w), err)
		g, err := ParseGuardians(b)
		check(g.Marshal(), err)
		r, err := ParseRecovery(b)
		check(r.Marshal(), err)
		p, err := ParsePointer(b)
		check(p.Marshal(), err)
	})
}
