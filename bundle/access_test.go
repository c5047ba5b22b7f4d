package bundle

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"dpki/state"
)

func accessRequest(t testing.TB) AccessRequest {
	t.Helper()
	key, err := ssh.NewPublicKey(testIdentity(t).SigningKey().Public())
	if err != nil {
		t.Fatal(err)
	}
	return AccessRequest{Anchor: anchorOf(1), Device: "plant/gate-7", Account: "root", Key: authorizedKey(key), Seconds: 900, Reason: "pump 3 is stuck",
		Flags: state.GrantPTY, Expires: 1_900_000_000}
}

func TestAccessRequest(t *testing.T) {
	who, err := GenerateIdentity()
	if err != nil {
		t.Fatal(err)
	}
	admin := testIdentity(t)
	block, err := who.SealAccess(admin.Recipient(), accessRequest(t))
	if err != nil {
		t.Fatal(err)
	}
	got, err := admin.OpenAccess(anchorOf(1), block)
	if err != nil || got.Reason != "pump 3 is stuck" || got.Seconds != 900 {
		t.Fatalf("OpenAccess: %+v, %v", got, err)
	}
	if bytes.Contains(block, []byte("pump")) || bytes.Contains(block, []byte("gate-7")) {
		t.Error("it can be read from outside")
	}
	if _, err := who.OpenAccess(anchorOf(1), block); !errors.Is(err, ErrNotForUs) {
		t.Errorf("who asks opens it: %v", err)
	}
	if _, err := admin.OpenAccess(anchorOf(2), block); !errors.Is(err, ErrWrongPlace) {
		t.Errorf("in another organisation: %v", err)
	}
	again, err := who.SealAccess(admin.Recipient(), accessRequest(t))
	if err != nil {
		t.Fatal(err)
	}
	if other, err := admin.OpenAccess(anchorOf(1), again); err != nil || other.ID() == got.ID() {
		t.Errorf("two requests are one: %v", err)
	}
	// Whoever can seal to the administrator still cannot speak for somebody else.
	for name, alter := range map[string]func(*AccessRequest){
		"device": func(r *AccessRequest) { r.Device = "plant/gate-8" }, "account": func(r *AccessRequest) { r.Account = "admin" },
		"seconds": func(r *AccessRequest) { r.Seconds++ }, "reason": func(r *AccessRequest) { r.Reason = "" }, "flags": func(r *AccessRequest) { r.Flags = state.GrantSudo },
		"expires": func(r *AccessRequest) { r.Expires++ }, "nonce": func(r *AccessRequest) { r.Nonce[0]++ },
		"signer": func(r *AccessRequest) { r.SigningKey = r.Key },
	} {
		forged := *got
		alter(&forged)
		content, err := forged.marshal()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parseAccess(anchorOf(1), content); !errors.Is(err, ErrSignature) {
			t.Errorf("another %s: %v, want ErrSignature", name, err)
		}
	}
	for name, alter := range map[string]func(*AccessRequest){
		"no device": func(r *AccessRequest) { r.Device = "" }, "escapes": func(r *AccessRequest) { r.Device = "a\x1b[31m" }, "account": func(r *AccessRequest) { r.Account = "-o" },
		"no time": func(r *AccessRequest) { r.Seconds = 0 }, "much time": func(r *AccessRequest) { r.Seconds = state.MaxValidity + 1 }, "reason": func(r *AccessRequest) { r.Reason = strings.Repeat("a", 201) },
		"flags": func(r *AccessRequest) { r.Flags = 1 << 9 }, "no key": func(r *AccessRequest) { r.Key = "" }, "no end": func(r *AccessRequest) { r.Expires = state.Never },
	} {
		r := accessRequest(t)
		alter(&r)
		if _, err := who.SealAccess(admin.Recipient(), r); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v, want ErrMalformed", name, err)
		}
	}
}

func FuzzParseAccess(f *testing.F) {
	i := testIdentity(f)
	block, err := i.SealAccess(i.Recipient(), accessRequest(f))
	if err != nil {
		f.Fatal(err)
	}
	r, err := i.OpenAccess(anchorOf(1), block)
	if err != nil {
		f.Fatal(err)
	}
	content, err := r.marshal()
	if err != nil {
		f.Fatal(err)
	}
	addSeed(f, content)
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := parseAccess(anchorOf(1), b)
		if err != nil {
			return
		}
		if got.verify() != nil {
			t.Errorf("accepted and not valid: %q", b)
		}
	})
}
