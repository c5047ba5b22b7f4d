package receive

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dpki/admin/fault"
	"dpki/admin/home"
	"dpki/bundle"
	"dpki/state"
)

// received is a set "web" of two files that belong together.
func received(version byte) *receivedSet {
	text := []byte(fmt.Sprintf("version %d\n", version))
	return &receivedSet{
		place: Place{Zone: "plant"}, name: "web", outcome: Installed,
		fact:  &state.DeliveryFact{Fact: state.Fact{Subject: state.Word{version}, Seq: uint64(version)}, Delivery: state.Delivery{Purpose: uint8(bundle.PurposeFiles)}},
		files: []receivedFile{{"a", text, 0o600}, {"b/c", text, 0o644}},
	}
}

func (r *Receiver) have(sets ...*receivedSet) error {
	return r.install(nil, sets, 0, &Reception{})
}

// version is what stands at the set's name: 0 is nothing, and two files of
// different versions are an error.
func version(dir string) (v byte, err error) {
	at := filepath.Join(dir, "files/plant/web")
	if !exists(at) {
		return 0, nil
	}
	a, err := os.ReadFile(filepath.Join(at, "a"))
	b, err2 := os.ReadFile(filepath.Join(at, "b/c"))
	if err := errors.Join(err, err2); err != nil {
		return 0, err
	}
	if string(a) != string(b) {
		return 0, fmt.Errorf("a mixed set: %q and %q", a, b)
	}
	_, err = fmt.Sscanf(string(a), "version %d\n", &v)
	return v, err
}

type died struct{ step string }

// Whoever installs dies after any step: what stands is whole, and the next run
// brings the newest once.
func TestReceiveInterrupted(t *testing.T) {
	steps := 0
	for n := 0; ; n++ {
		r := &Receiver{Config: Config{Folder: filepath.Join(t.TempDir(), "received"), Home: home.Home{}}}
		if err := errors.Join(home.Make(r.Folder), r.have(received(1))); err != nil {
			t.Fatal(err)
		}
		left := n
		r.step = func(step string) {
			if left--; left < 0 {
				panic(died{step})
			}
		}
		step, whole := dies(t, r, received(2)), true
		got, err := version(r.Folder)
		if err != nil || got != 1 && got != 2 {
			t.Errorf("after %q: version %d, %v", step, got, err)
			whole = false
		}
		r.step = nil
		if err := r.have(received(2)); err != nil {
			t.Errorf("after %q: %v", step, err)
		}
		if got, err := version(r.Folder); err != nil || got != 2 {
			t.Errorf("again after %q: version %d, %v", step, got, err)
		}
		if left, err := os.ReadDir(filepath.Join(r.Folder, setsFolder)); err != nil || len(left) != 1 {
			t.Errorf("after %q there is left: %v, %v", step, left, err)
		}
		// And once more, away: whoever dies then leaves it or nothing.
		if err := r.have(); err != nil {
			t.Fatal(err)
		}
		if got, err := version(r.Folder); err != nil || got != 0 {
			t.Errorf("revoked: version %d, %v", got, err)
		}
		if step == "" || !whole {
			break
		}
		steps++
	}
	if steps < 6 {
		t.Errorf("only %d steps", steps)
	}
	t.Logf("died after each of %d steps", steps)
}

func dies(t *testing.T, r *Receiver, sets ...*receivedSet) (step string) {
	t.Helper()
	defer func() {
		switch v := recover().(type) {
		case nil:
		case died:
			step = v.step
		default:
			panic(v)
		}
	}()
	if err := r.have(sets...); err != nil {
		t.Fatal(err)
	}
	return ""
}

// What cannot be written leaves what stands there; what was damaged is mended; what
// somebody else has put into the folder is neither used nor removed.
func TestReceiveRollsBack(t *testing.T) {
	r := &Receiver{Config: Config{Folder: filepath.Join(t.TempDir(), "received")}}
	if err := errors.Join(home.Make(r.Folder), r.have(received(1))); err != nil {
		t.Fatal(err)
	}
	bad := received(2)
	bad.files = append(bad.files, receivedFile{"a", nil, 0o600}) // a name that is taken
	if err := r.have(bad); err == nil {
		t.Fatal("a set with one name twice was installed")
	}
	if got, err := version(r.Folder); err != nil || got != 1 {
		t.Errorf("version %d, %v", got, err)
	}
	damaged := filepath.Join(r.Folder, "files/plant/web/a")
	for name, damage := range map[string]func() error{
		"changed": func() error { return os.WriteFile(damaged, []byte("version 9\n"), 0o600) },
		"opened":  func() error { return os.Chmod(damaged, 0o644) },
		"gone":    func() error { return os.Remove(damaged) },
	} {
		if err := errors.Join(damage(), r.have(received(1))); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(damaged)
		if got, err2 := version(r.Folder); err != nil || err2 != nil || got != 1 || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: version %d, %v, %v", name, got, err, err2)
		}
	}
	own := filepath.Join(r.Folder, "files/plant/mine")
	if err := os.WriteFile(own, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := r.have(); err != nil {
		t.Fatal(err)
	}
	if !exists(own) {
		t.Error("somebody's own file was removed")
	}
	blocked := received(1)
	blocked.name = "mine"
	if err := r.have(blocked); err == nil || !strings.Contains(err.Error(), "move it away") {
		t.Errorf("over somebody's own file: %v", err)
	}
	// Two at once would take away each other's.
	unlock, err := lockFolder(r.Folder)
	if err != nil {
		t.Fatal(err)
	}
	var p *fault.Problem
	if _, err := lockFolder(r.Folder); !errors.As(err, &p) || p.Class != fault.Later {
		t.Errorf("a second one at once: %v", err)
	}
	unlock()
	if unlock, err = lockFolder(r.Folder); err != nil {
		t.Fatal(err)
	}
	unlock()
}

// What a bundle names goes into ssh's configuration: nothing of it may be more than
// a value there.
func TestReceivedSSHConfig(t *testing.T) {
	host := func(zone, name string, device byte) *sshHost {
		return &sshHost{LoginHost: bundle.LoginHost{Name: name, Device: state.Word{device}, Address: "[2001:db8::1]:2222", HostKey: "ssh-ed25519 AAAA"}, zone: zone, logins: []sshLogin{{"ops", "/h/key", "/h/a b%/id-cert.pub"}}}
	}
	text, err := sshConfigText([]*sshHost{host("office", "gate-7", 1), host("plant", "gate-7", 2), host("plant", "gate-8", 3)}, "/h/known_hosts.d")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"Host office/gate-7\n", "Host plant/gate-7\n", "Host plant/gate-8 gate-8\n", "HostName 2001:db8::1\n    Port 2222\n", "User ops\n",
		"Match originalhost plant/gate-8,gate-8 user ops\n", `CertificateFile "/h/a b%%/id-cert.pub"`, `UserKnownHostsFile "/h/known_hosts.d/office"`, `UserKnownHostsFile "/h/known_hosts.d/plant"`, "StrictHostKeyChecking yes\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	for _, bad := range []string{"/h/\"x", "/h/x\nProxyCommand y", "/h/${HOME}", `/h/\x`} {
		if _, err := sshPath(bad); err == nil {
			t.Errorf("%q was spelled", bad)
		}
	}
	retired := host("plant", "gate-7", 2)
	retired.retired = true
	if got := knownHosts([]*sshHost{retired}); !strings.HasPrefix(got, "@revoked d-02") {
		t.Errorf("a retired device: %q", got)
	}
}
