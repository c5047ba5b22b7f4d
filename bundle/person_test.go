package bundle

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"reflect"
	"testing"

	"dpki/internal/harness/sshkey"
	"dpki/state"
)

func testPerson() *Person { return &Person{Version: 1, Name: "tess", Zone: zone, ZoneName: "plant"} }

func TestPerson(t *testing.T) {
	b, err := testPerson().Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := ParsePerson(b); err != nil || !reflect.DeepEqual(got, testPerson()) {
		t.Fatalf("parsed %v, %v", got, err)
	}
	for name, change := range map[string]func(*Person){
		"version":   func(p *Person) { p.Version = 2 },
		"name":      func(p *Person) { p.Name = "Tess" },
		"zone name": func(p *Person) { p.ZoneName = "../plant" },
		"no zone":   func(p *Person) { p.Zone = state.Word{} },
	} {
		p := testPerson()
		if change(p); !refused(t, p, func(b []byte) error { _, err := ParsePerson(b); return err }) {
			t.Errorf("%s was taken", name)
		}
	}
	for name, bad := range map[string][]byte{
		"unknown": bytes.Replace(b, []byte(`{`), []byte(`{"zone_keys":[],`), 1), "trailing": append(bytes.Clone(b), '1'), "null": []byte(`null`),
	} {
		if _, err := ParsePerson(bad); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := ParsePerson(make([]byte, MaxContent+1)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("too large: %v", err)
	}
}

func FuzzParsePerson(f *testing.F) {
	b, err := testPerson().Marshal()
	if err != nil {
		f.Fatal(err)
	}
	addSeed(f, b)
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := ParsePerson(b)
		if err != nil {
			return
		}
		again, err := p.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if twice, err := ParsePerson(again); err != nil || *twice != *p {
			t.Errorf("a parsed enrolment does not parse again: %v", err)
		}
	})
}

// A person's request: the login key is signed with the rest, and stands in the
// roster.
func TestPersonRequest(t *testing.T) {
	i, key := testIdentity(t), authorizedKey(sshkey.New(t).PublicKey())
	r, err := i.NewPersonRequest(anchorOf(1), "tess", key+" tess@laptop\n")
	if err != nil {
		t.Fatal(err)
	}
	b, err := r.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseRequest(b)
	if err != nil || got.LoginKey != key || got.HostKey != "" || got.Member(zone).LoginKey != key {
		t.Fatalf("parsed %+v, %v", got, err)
	}
	for name, change := range map[string]func(*Request){
		"another login key": func(r *Request) { r.LoginKey = authorizedKey(sshkey.New(t).PublicKey()) },
		"no login key":      func(r *Request) { r.LoginKey = "" },
	} {
		changed := *r
		change(&changed)
		b, err := changed.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParseRequest(b); !errors.Is(err, ErrSignature) {
			t.Errorf("%s: %v, want ErrSignature", name, err)
		}
	}
	ca, cert := sshkey.New(t), testUserKey(t).Certificate
	for name, change := range map[string]func(*Request){
		"a host key too":         func(r *Request) { r.HostKey = authorizedKey(ca.PublicKey()) },
		"a certificate":          func(r *Request) { r.LoginKey = cert },
		"a comment":              func(r *Request) { r.LoginKey += " tess" },
		"a type that nobody may": func(r *Request) { r.LoginKey = "ssh-dss AAAA" },
	} {
		changed := *r
		change(&changed)
		digest := changed.digest()
		copy(changed.Signature[:], ed25519.Sign(i.signing, digest[:]))
		if err := changed.Verify(); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v, want ErrMalformed", name, err)
		}
	}
	// What an older request says is what it said: no field, no byte more.
	plain, err := i.NewRequest(anchorOf(1), "tess", "")
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if b, err = plain.Marshal(); err == nil {
		err = json.Unmarshal(b, &fields)
	}
	if _, there := fields["login_key"]; err != nil || there {
		t.Errorf("%v, %v", fields, err)
	}
}
