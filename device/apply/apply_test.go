package apply

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"dpki/bundle"
	"dpki/device"
	"dpki/device/config"
	"dpki/internal/harness"
	"dpki/internal/harness/sshkey"
	"dpki/sshca"
	"dpki/sshca/profile"
	"dpki/state"

	"golang.org/x/crypto/ssh"
)

// dyingArg makes the test binary the daemon that is killed at a step.
const dyingArg = "dpki-apply"

func TestMain(m *testing.M) {
	if len(os.Args) == 4 && os.Args[1] == dyingArg {
		die(os.Args[2], os.Args[3])
	}
	os.Exit(m.Run())
}

// rig is a device's folders.
type rig struct {
	*testing.T
	etc, ledger string
	toml        string
	sshd        string
}

func newRig(t *testing.T) *rig {
	dir := t.TempDir()
	r := &rig{T: t, etc: filepath.Join(dir, "etc"), ledger: filepath.Join(dir, "deliveries"), toml: "version = 1\n"}
	r.must(os.Mkdir(r.etc, 0o755))
	return r
}

func (r *rig) must(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

func (r *rig) open() *Applier {
	r.Helper()
	places, err := ParsePlaces([]byte(r.toml), r.etc)
	r.must(err)
	a, err := Open(context.Background(), Config{Ledger: r.ledger, Places: places, Sshd: r.sshd})
	r.must(err)
	return a
}

// reads compares what stands in a folder with what should.
func (r *rig) reads(dir string, want map[string]string) {
	r.Helper()
	got := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		got[strings.TrimPrefix(path, dir+"/")] = string(text)
		return err
	})
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		r.Fatal(err)
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		r.Errorf("%s holds %q, want %q", dir, got, want)
	}
}

func trusted(state.Word, state.Kind) bool { return true }

// material is a delivery of a content.
func material(t testing.TB, seq uint64, purpose bundle.Purpose, content interface{ Marshal() ([]byte, error) }) device.Material {
	t.Helper()
	b, err := content.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return device.Material{
		Fact:    state.DeliveryFact{Fact: state.Fact{Subject: state.Word{byte(seq)}, Seq: seq}, Delivery: state.Delivery{Purpose: uint8(purpose)}},
		Content: b, Device: state.Word{9}, Now: 1000, Trusted: trusted,
	}
}

// files is a set from path=content pairs, in order.
func files(t testing.TB, seq uint64, pairs ...string) device.Material {
	f := &bundle.Files{Version: 1, Name: "web"}
	for _, p := range pairs {
		path, content, _ := strings.Cut(p, "=")
		f.Files = append(f.Files, bundle.File{Path: path, Mode: "0640", Content: bundle.Content(content)})
	}
	return material(t, seq, bundle.PurposeFiles, f)
}

func (r *rig) apply(a *Applier, m device.Material) device.Delivered {
	r.Helper()
	d, err := a.Apply(context.Background(), m)
	r.must(err)
	return d
}

func userKey(t testing.TB, seq uint64, ca sshkey.Key, key sshkey.Key, private bool) device.Material {
	t.Helper()
	cert, err := sshca.IssueGrant(ca, key.PublicKey(), sshca.Grant{Subject: state.Word{1}, Until: 2e9 + seq, Terms: profile.Terms{Kind: state.KindGrant, Grant: state.Grant{Account: "ops"}}})
	if err != nil {
		t.Fatal(err)
	}
	u := &bundle.UserKey{Version: 1, Name: "backup", Certificate: line(cert), Authority: authority}
	if private {
		u.PrivateKey = pemOf(t, key)
	}
	return material(t, seq, bundle.PurposeUserKey, u)
}

var authority = bundle.Authority{Subject: state.Word{1}, Key: bundle.Key{1}}

func pemOf(t testing.TB, key sshkey.Key) []byte {
	t.Helper()
	block, err := ssh.MarshalPrivateKey(key.Private, "")
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(block)
}

func line(k ssh.PublicKey) string { return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(k))) }

func TestFiles(t *testing.T) {
	r := newRig(t)
	a := r.open()
	web := filepath.Join(r.etc, "files.d/web")
	if d := r.apply(a, files(t, 1, "a=1", "b/c=2")); d.Result != bundle.Applied || d.Name != "web" || !a.Settled(d.Subject) {
		t.Errorf("%+v", d)
	}
	r.reads(web, map[string]string{"a": "1", "b/c": "2"})
	if info, err := os.Stat(filepath.Join(web, "b/c")); err != nil || info.Mode() != 0o640 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	// The next version changes one, adds one, leaves one out.
	r.apply(a, files(t, 2, "a=1", "d=4"))
	r.reads(web, map[string]string{"a": "1", "d": "4"})
	// One that was written before it and comes later changes nothing.
	late := files(t, 2, "a=old")
	late.Fact.Seq, late.Fact.Subject = 1, state.Word{77}
	if d := r.apply(a, late); d.Result != device.Superseded {
		t.Errorf("late: %+v", d)
	}
	r.reads(web, map[string]string{"a": "1", "d": "4"})
	again := r.open() // another daemon knows it all
	if !again.Settled(state.Word{1}) || !again.Settled(state.Word{2}) || !again.Settled(state.Word{77}) || again.Settled(state.Word{3}) {
		t.Errorf("remembered: %+v", again.All())
	}
}

func TestUserKey(t *testing.T) {
	r := newRig(t)
	a, ca, key := r.open(), sshkey.New(t), sshkey.New(t)
	made := userKey(t, 1, ca, key, false)
	if d, err := a.Apply(context.Background(), made); err == nil {
		t.Errorf("a certificate for a key that is not here: %+v", d)
	}
	keys := filepath.Join(r.etc, "keys.d")
	r.apply(a, userKey(t, 2, ca, key, true))
	if got, err := sshca.LoadKey(filepath.Join(keys, "backup"), nil); err != nil || line(got.PublicKey()) != line(key.PublicKey()) {
		t.Errorf("the key: %v", err)
	}
	// Its next certificate travels without it.
	r.apply(a, userKey(t, 3, ca, key, false))
	for _, name := range []string{"backup", "backup.pub", "backup-cert.pub"} {
		if _, err := os.Stat(filepath.Join(keys, name)); err != nil {
			t.Error(err)
		}
	}
	distrusted := userKey(t, 4, sshkey.New(t), key, true)
	distrusted.Trusted = func(state.Word, state.Kind) bool { return false }
	if _, err := a.Apply(context.Background(), distrusted); !errors.Is(err, ErrCA) || a.Settled(distrusted.Fact.Subject) {
		t.Errorf("by a CA that nobody trusts: %v", err)
	}
	distrusted.Trusted = trusted
	r.apply(a, distrusted)
}

func TestTrust(t *testing.T) {
	r := newRig(t)
	a, ca := r.open(), sshkey.New(t)
	for i, c := range []struct{ use, file, text string }{
		{bundle.ForUsers, "plant.pub", line(ca.PublicKey()) + "\n"},
		{bundle.ForHosts, "plant.known_hosts", "@cert-authority d-*.dpki " + line(ca.PublicKey()) + "\n"},
	} {
		m := material(t, uint64(i+1), bundle.PurposeCA, &bundle.Trust{Version: 1, Name: "plant", Use: c.use, CAs: []bundle.TrustedCA{{Key: line(ca.PublicKey()), Authority: authority}}})
		m.Trusted = func(_ state.Word, kind state.Kind) bool {
			return (kind == state.KindCAHost) == (c.use == bundle.ForHosts)
		}
		r.apply(a, m)
		r.reads(filepath.Join(r.etc, "trust.d"), map[string]string{c.file: c.text})
		m.Fact.Subject, m.Trusted = state.Word{50}, func(_ state.Word, kind state.Kind) bool {
			return (kind == state.KindCAHost) != (c.use == bundle.ForHosts)
		}
		if _, err := a.Apply(context.Background(), m); !errors.Is(err, ErrCA) {
			t.Errorf("%s, trusted for the other use only: %v", c.use, err)
		}
	}
}

func TestRefusedForGood(t *testing.T) {
	r := newRig(t)
	a := r.open()
	for name, m := range map[string]device.Material{
		"purpose": {Fact: state.DeliveryFact{Fact: state.Fact{Subject: state.Word{1}}, Delivery: state.Delivery{Purpose: 99}}},
		"content": {Fact: state.DeliveryFact{Fact: state.Fact{Subject: state.Word{2}}, Delivery: state.Delivery{Purpose: uint8(bundle.PurposeFiles)}}, Content: []byte("{}")},
	} {
		if d := r.apply(a, m); d.OK() || !a.Settled(m.Fact.Subject) {
			t.Errorf("%s: %+v", name, d)
		}
	}
	r.reads(r.etc, map[string]string{})
}

// Whatever says no after files were written, what stood there before stands there
// again, owner and mode included.
func TestTakenBack(t *testing.T) {
	for name, line := range map[string]string{"check": `check = ["/bin/false"]`, "reload": `reload = ["/bin/false"]`} {
		r := newRig(t)
		r.apply(r.open(), files(t, 1, "a=1", "b=2"))
		web := filepath.Join(r.etc, "files.d/web")
		r.must(os.Chmod(filepath.Join(web, "a"), 0o600))
		r.toml = "version = 1\n[[set]]\npurpose = \"files\"\nname = \"web\"\n" + line + "\n"
		a := r.open()
		next := files(t, 2, "a=new", "c=new")
		if d, err := a.Apply(context.Background(), next); err == nil || a.Settled(next.Fact.Subject) {
			t.Errorf("%s fails: %+v, %v", name, d, err)
		}
		r.reads(web, map[string]string{"a": "1", "b": "2"})
		if info, err := os.Stat(filepath.Join(web, "a")); err != nil || info.Mode() != 0o600 {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
		r.toml = "version = 1\n"
		r.apply(r.open(), next)
		r.reads(web, map[string]string{"a": "new", "c": "new"})
	}
}

// A daemon that ends while somebody is told to read what is new leaves it standing, in
// force for nobody yet; the next one tells again, and then it is.
func TestCutOffWhileTelling(t *testing.T) {
	r := newRig(t)
	r.apply(r.open(), files(t, 1, "a=1"))
	web, told, on := filepath.Join(r.etc, "files.d/web"), filepath.Join(filepath.Dir(r.etc), "told"), filepath.Join(filepath.Dir(r.etc), "on")
	r.toml = fmt.Sprintf("version = 1\n[[set]]\npurpose = \"files\"\nname = \"web\"\nreload = [\"/bin/sh\", \"-c\", \"cat %s/a >> %s; test -e %s || exec sleep 60\"]\n", web, told, on)
	ctx, cancel := context.WithCancel(t.Context())
	a, next := r.open(), files(t, 2, "a=2")
	ended := make(chan error, 1)
	go func() { _, err := a.Apply(ctx, next); ended <- err }()
	harness.Eventually(t, 10*time.Second, func() error {
		if text, _ := os.ReadFile(told); string(text) != "2" {
			return fmt.Errorf("told of %q", text)
		}
		return nil
	})
	cancel()
	if err := <-ended; err == nil || a.Settled(next.Fact.Subject) {
		t.Errorf("cut off: %v", err)
	}
	r.must(os.WriteFile(on, nil, 0o600))
	for range 2 { // the one after the next has nothing to tell
		if a = r.open(); !a.Settled(next.Fact.Subject) {
			t.Error("the next daemon did not conclude it")
		}
		r.reads(web, map[string]string{"a": "2"})
		if text, _ := os.ReadFile(told); string(text) != "22" {
			t.Errorf("told of %q, want of 2 twice", text)
		}
	}
}

func TestNeverThroughLinksNorBesideOthers(t *testing.T) {
	for name, prepare := range map[string]func(web, elsewhere string) error{
		"a file is a link": func(web, elsewhere string) error {
			return errors.Join(os.MkdirAll(web, 0o755), os.WriteFile(elsewhere, []byte("mine"), 0o600), os.Symlink(elsewhere, filepath.Join(web, "a")))
		},
		"the folder is a link": func(web, elsewhere string) error {
			return errors.Join(os.MkdirAll(filepath.Dir(web), 0o755), os.Mkdir(elsewhere, 0o755), os.Symlink(elsewhere, web))
		},
		"a folder in it is a link": func(web, elsewhere string) error {
			return errors.Join(os.MkdirAll(web, 0o755), os.Mkdir(elsewhere, 0o755), os.Symlink(elsewhere, filepath.Join(web, "b")))
		},
		"others may write": func(web, _ string) error {
			return errors.Join(os.MkdirAll(web, 0o755), os.Chmod(web, 0o777))
		},
		"a file is a folder": func(web, _ string) error { return os.MkdirAll(filepath.Join(web, "a"), 0o755) },
	} {
		r := newRig(t)
		web, elsewhere := filepath.Join(r.etc, "files.d/web"), filepath.Join(filepath.Dir(r.etc), "elsewhere")
		r.must(prepare(web, elsewhere))
		a := r.open()
		m := files(t, 1, "a=1", "b/c=2")
		if _, err := a.Apply(context.Background(), m); !errors.Is(err, config.ErrUnsafe) {
			t.Errorf("%s: %v", name, err)
		}
		if text, err := os.ReadFile(elsewhere); err == nil && string(text) != "mine" {
			t.Errorf("%s: the other end was written", name)
		}
		if list, err := os.ReadDir(elsewhere); err == nil && len(list) > 0 {
			t.Errorf("%s: the other end holds %v", name, list)
		}
		r.must(os.RemoveAll(web))
		r.apply(a, m) // the twin: nothing in the way
	}
}

// What lies in a folder that others may write to is not even read: it may become an endless file, or a FIFO, between two looks.
func TestNothingOfOthersIsRead(t *testing.T) {
	r := newRig(t)
	web := filepath.Join(r.etc, "files.d/web")
	file := filepath.Join(web, "a")
	r.must(errors.Join(os.MkdirAll(web, 0o755), os.WriteFile(file, nil, 0o600), os.Truncate(file, bundle.MaxBlock+1), os.Chmod(web, 0o777)))
	a, m := r.open(), files(t, 1, "a=1")
	if _, err := a.Apply(context.Background(), m); !errors.Is(err, config.ErrUnsafe) {
		t.Errorf("it was looked at: %v", err)
	}
	r.must(errors.Join(os.Chmod(web, 0o755), os.Remove(file)))
	r.apply(a, m) // the twin
}

func TestDamagedLedger(t *testing.T) {
	r := newRig(t)
	r.apply(r.open(), files(t, 1, "a=1"))
	text, err := os.ReadFile(r.ledger)
	r.must(err)
	for name, damage := range map[string]func() error{
		"cut short": func() error { return os.WriteFile(r.ledger, text[:len(text)/2], 0o600) },
		"emptied":   func() error { return os.WriteFile(r.ledger, nil, 0o600) },
		"version":   func() error { return os.WriteFile(r.ledger, []byte(`{"version":2}`), 0o600) },
		"readable":  func() error { return errors.Join(os.WriteFile(r.ledger, text, 0o600), os.Chmod(r.ledger, 0o644)) },
	} {
		r.must(damage())
		if a, err := Open(context.Background(), Config{Ledger: r.ledger}); a != nil || !errors.Is(err, ErrLedger) {
			t.Errorf("%s: %v", name, err)
		}
	}
	r.must(errors.Join(os.WriteFile(r.ledger, text, 0o600), os.Chmod(r.ledger, 0o600)))
	if !r.open().Settled(state.Word{1}) {
		t.Error("the twin: intact, it is forgotten")
	}
}

// die applies the second version of a set and is killed at a step.
func die(dir, at string) {
	step, err := strconv.Atoi(at)
	if err != nil {
		os.Exit(3)
	}
	etc := filepath.Join(dir, "etc")
	text, err := os.ReadFile(filepath.Join(dir, "places"))
	places, err2 := ParsePlaces(text, etc)
	content, err3 := os.ReadFile(filepath.Join(dir, "content"))
	n := 0
	a, err4 := Open(context.Background(), Config{Ledger: filepath.Join(dir, "deliveries"), Places: places, step: func(string) {
		if n++; n == step {
			syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}})
	if errors.Join(err, err2, err3, err4) != nil {
		os.Exit(3)
	}
	m := device.Material{
		Fact:    state.DeliveryFact{Fact: state.Fact{Subject: state.Word{2}, Seq: 2}, Delivery: state.Delivery{Purpose: uint8(bundle.PurposeFiles)}},
		Content: content, Now: 1000, Trusted: trusted,
	}
	if _, err := a.Apply(context.Background(), m); err != nil {
		fmt.Println(err)
		os.Exit(2)
	}
	os.Exit(0)
}

// Killed at every step, by SIGKILL, a delivery leaves the old version or the new
// one, and still arrives once; nobody is told of the old one after the new one.
func TestKilledAtEveryStep(t *testing.T) {
	old, next := map[string]string{"a": "1", "b/c": "2", "gone": "3"}, map[string]string{"a": "N", "b/c": "N", "fresh": "4"}
	for step := 1; ; step++ {
		r := newRig(t)
		r.apply(r.open(), files(t, 1, "a=1", "b/c=2", "gone=3"))
		web := filepath.Join(r.etc, "files.d/web")
		m := files(t, 2, "a=N", "b/c=N", "fresh=4")
		told, killed := r.killed(m, step, "")
		if !killed {
			if step < 10 {
				t.Fatalf("only %d steps", step-1)
			}
			r.reads(web, next)
			t.Logf("killed at %d steps", step-1)
			return
		}
		a := r.open()
		if a.Settled(m.Fact.Subject) {
			r.reads(web, next)
		} else {
			r.reads(web, old)
		}
		if a.ledger.Doing != nil {
			t.Errorf("step %d: still being installed", step)
		}
		if !a.Settled(m.Fact.Subject) {
			r.apply(a, m)
		}
		r.reads(web, next)
		var l ledger
		text, err := os.ReadFile(r.ledger)
		r.must(err)
		r.must(json.Unmarshal(text, &l))
		if len(l.Sets) != 1 || l.Sets[0].Subject != m.Fact.Subject || len(a.All()) != 2 {
			t.Errorf("step %d: the ledger says %+v", step, l)
		}
		if text, err := os.ReadFile(told); err != nil || !strings.HasSuffix(string(text), "N") || strings.Contains(string(text), "N1") {
			t.Errorf("step %d: told of %q: %v", step, text, err)
		}
	}
}

// The same where telling fails at last, so that it is taken back: killed at any step of that, too, the old version stands whole.
func TestKilledWhileTakenBack(t *testing.T) {
	for step := 1; ; step++ {
		r := newRig(t)
		r.apply(r.open(), files(t, 1, "a=1", "gone=3"))
		m := files(t, 2, "a=N", "fresh=4")
		told, killed := r.killed(m, step, "; grep -q 1 "+filepath.Join(r.etc, "files.d/web/a"))
		places, err := ParsePlaces([]byte(r.toml), r.etc)
		r.must(err)
		a, err := Open(context.Background(), Config{Ledger: r.ledger, Places: places})
		if a == nil || a.ledger.Doing != nil || a.Settled(m.Fact.Subject) {
			t.Fatalf("step %d: %v", step, err)
		}
		r.reads(filepath.Join(r.etc, "files.d/web"), map[string]string{"a": "1", "gone": "3"})
		if text, err := os.ReadFile(told); err != nil || !strings.HasSuffix(string(text), "1") {
			t.Errorf("step %d: told of %q: %v", step, text, err)
		}
		if !killed {
			if step < 12 {
				t.Errorf("only %d steps", step-1)
			}
			return
		}
	}
}

// killed has another process apply m, and kills it at a step. What reads the set appends its file a to told, and then does what
// more says.
func (r *rig) killed(m device.Material, step int, more string) (told string, killed bool) {
	r.Helper()
	dir := filepath.Dir(r.etc)
	told = filepath.Join(dir, "told")
	r.toml = fmt.Sprintf("version = 1\n[[set]]\npurpose = \"files\"\nname = \"web\"\nreload = [\"/bin/sh\", \"-c\", \"cat %s >> %s%s\"]\n",
		filepath.Join(r.etc, "files.d/web/a"), told, more)
	r.must(errors.Join(os.WriteFile(filepath.Join(dir, "places"), []byte(r.toml), 0o600), os.WriteFile(filepath.Join(dir, "content"), m.Content, 0o600)))
	cmd := exec.Command(os.Args[0], dyingArg, dir, strconv.Itoa(step))
	out, err := cmd.CombinedOutput()
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || !status.Signaled() {
		if err != nil && more == "" {
			r.Fatalf("step %d: %v\n%s", step, err, out)
		}
		return told, false
	}
	if step%2 == 0 { // and once more while it is put back, told of, or begun anew
		exec.Command(os.Args[0], dyingArg, dir, "1").Run()
	}
	return told, true
}
