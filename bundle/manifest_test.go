package bundle

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"dpki/internal/harness"
	"dpki/internal/harness/sshkey"
)

// vendorKey is the same each time: seeds of a fuzzer have to stay good.
func vendorKey(t testing.TB) ssh.Signer {
	t.Helper()
	s, err := ssh.NewSignerFromKey(ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// manifestOf is a manifest of so many devices of one factory.
func manifestOf(t testing.TB, vendor ssh.Signer, n int) []byte {
	t.Helper()
	var out bytes.Buffer
	w := NewManifest(&out)
	for i := range n {
		r, err := newIdentity(t).NewRequest(anchorOf(1), fmt.Sprintf("gate-%d", i), "")
		if err == nil {
			err = w.Add(r)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Sign(vendor); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// read gives the names of the good lines and the numbers of the bad ones.
func read(b []byte, vendor ssh.PublicKey) (good []string, bad []int, err error) {
	err = ReadManifest(bytes.NewReader(b), vendor, func(line int, r *Request, wrong error) error {
		if wrong != nil {
			bad = append(bad, line)
		} else {
			good = append(good, r.Name)
		}
		return nil
	})
	return good, bad, err
}

func TestManifest(t *testing.T) {
	vendor := vendorKey(t)
	b := manifestOf(t, vendor, 3)
	good, bad, err := read(b, vendor.PublicKey())
	if err != nil || len(bad) > 0 || !slices.Equal(good, []string{"gate-0", "gate-1", "gate-2"}) {
		t.Fatalf("%v, %v, %v", good, bad, err)
	}
	if err := NewManifest(&bytes.Buffer{}).Sign(vendor); !errors.Is(err, ErrMalformed) {
		t.Errorf("without requests: %v", err)
	}
}

func TestAttackManifest(t *testing.T) {
	vendor := vendorKey(t)
	b := manifestOf(t, vendor, 3)
	lines := bytes.SplitAfter(b, []byte("\n"))
	join := func(l ...[]byte) []byte { return bytes.Join(l, nil) }
	body, sig := lines[:3], join(lines[3:]...)
	another := manifestOf(t, sshkey.New(t), 3)
	for name, m := range map[string][]byte{
		"a line less":              join(body[0], body[2], sig),
		"a line twice":             join(body[0], body[1], body[1], body[2], sig),
		"another order":            join(body[1], body[0], body[2], sig),
		"a line of another file":   join(body[0], body[1], body[2], bytes.SplitAfter(another, []byte("\n"))[0], sig),
		"no signature":             join(body...),
		"nothing":                  nil,
		"signature of another":     join(append(slices.Clone(body), another[bytes.Index(another, []byte("-----")):])...),
		"signed by another vendor": another,
		"signature cut":            b[:len(b)-3],
		"text behind":              join(b, []byte("x\n")),
		"a line without end":       bytes.Repeat([]byte("x"), endlessLine+2*MaxRequest),
		"signature first":          join(sig, body[0], body[1], body[2]),
	} {
		if _, _, err := read(m, vendor.PublicKey()); !errors.Is(err, ErrVendor) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := read(b, vendor.PublicKey()); err != nil {
		t.Errorf("the twin: %v", err)
	}
}

// The vendor may sign what is none: the lines are named, and those beside them read.
func TestBadLines(t *testing.T) {
	harness.Need(t, harness.SshKeygen)
	vendor := sshkey.New(t)
	lines := bytes.SplitAfter(manifestOf(t, vendor, 3), []byte("\n"))
	long := append(bytes.Repeat([]byte("x"), 2*MaxRequest), '\n')
	just := append(bytes.Repeat([]byte("x"), MaxRequest), '\n')
	forged := bytes.Replace(lines[1], []byte("gate-1"), []byte("gate-9"), 1)
	spaced := bytes.Replace(lines[2], []byte(`,"name"`), []byte(`, "name"`), 1)
	body := bytes.Join([][]byte{lines[0], long, forged, just, spaced, []byte("\n"), lines[2]}, nil)
	dir := t.TempDir()
	path := filepath.Join(dir, "body")
	if err := os.WriteFile(path, body, 0o600); err != nil {
		t.Fatal(err)
	}
	vendor.Save(t, filepath.Join(dir, "key"))
	// A vendor needs no program of ours.
	if out, err := exec.Command("ssh-keygen", "-Y", "sign", "-f", filepath.Join(dir, "key"), "-n", ManifestNamespace, path).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	sig, err := os.ReadFile(path + ".sig")
	if err != nil {
		t.Fatal(err)
	}
	good, bad, err := read(append(body, sig...), vendor.PublicKey())
	if err != nil || !slices.Equal(good, []string{"gate-0", "gate-2"}) || !slices.Equal(bad, []int{2, 3, 4, 5, 6}) {
		t.Errorf("%v, %v, %v", good, bad, err)
	}
	stop := errors.New("stop")
	if err := ReadManifest(strings.NewReader(string(body)), vendor.PublicKey(), func(int, *Request, error) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("an error of the reader's: %v", err)
	}
}

// oneManifest is the same each time: a fuzzer's workers are processes of their own.
func oneManifest(t testing.TB, vendor ssh.Signer) []byte {
	t.Helper()
	i := testIdentity(t)
	r, err := i.NewRequest(anchorOf(1), "gate-7", "")
	if err != nil {
		t.Fatal(err)
	}
	r.Nonce = [16]byte{1}
	digest := r.digest()
	copy(r.Signature[:], ed25519.Sign(i.signing, digest[:]))
	var out bytes.Buffer
	w := NewManifest(&out)
	if err := errors.Join(w.Add(r), w.Sign(vendor)); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// Nothing but the seed may be taken for the vendor's, whatever else it holds.
func FuzzReadManifest(f *testing.F) {
	vendor := vendorKey(f)
	genuine := oneManifest(f, vendor)
	addSeed(f, genuine)
	f.Fuzz(func(t *testing.T, b []byte) {
		lines := 0
		err := ReadManifest(bytes.NewReader(b), vendor.PublicKey(), func(_ int, r *Request, bad error) error {
			if (r == nil) == (bad == nil) {
				t.Errorf("a line is %v and %v", r, bad)
			}
			lines++
			return nil
		})
		if err == nil && !bytes.Equal(b, genuine) {
			t.Errorf("%d lines of %q are taken for the vendor's", lines, b)
		}
	})
}
