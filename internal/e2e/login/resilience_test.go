package login

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"dpki/contracts"
	"dpki/device"
	"dpki/internal/harness"
	"dpki/internal/harness/fleet"
	"dpki/internal/harness/machine"
	"dpki/pam/proc"
	"dpki/sshca/profile"
	"dpki/state"

	"golang.org/x/crypto/ssh"
)

// The daemon killed at any time is ready again within the second, with all that
// it knew; while it is gone nobody gets in but by a break-glass key.
func TestDaemonKilled(t *testing.T) {
	m := newRig(t)
	ca := m.Org.NewCA()
	key, grant, cert := m.granted(ca)
	m.Accepted("with a grant", "alice", key, cert)
	emergency, denied := m.Org.NewKey(), m.Org.NewKey()
	for name, k := range map[string]fleet.Key{"alice": emergency, "alice@denied": denied} {
		line := `from="127.0.0.0/8",expiry-time="20991231000000Z",restrict ` + string(ssh.MarshalAuthorizedKey(k.PublicKey()))
		m.Must(os.WriteFile("/etc/dpki/breakglass.d/"+name+".keys", []byte(line), 0o644))
	}
	hash := profile.Hash(denied.PublicKey())
	payload, err := state.Deny{Key: hash, Before: state.Never}.Marshal()
	m.Org.Write(m.Org.Zone, m.Org.Seal(m.Org.Zone, state.KindDeny, payload, err, time.Hour))
	harness.Eventually(t, harness.Patience, func() error {
		list, err := os.ReadFile("/var/lib/dpki/denied")
		if err == nil && !strings.Contains(string(list), hash.String()) {
			err = fmt.Errorf("the list of denied keys: %s", list)
		}
		return err
	})
	m.Refused("break-glass while the daemon is there", "alice", emergency, nil)
	for round := range 5 {
		_, fetch := m.Processes()
		m.Daemon.Kill()
		if round == 0 {
			m.Refused("without a daemon", "alice", key, cert)
			m.Accepted("break-glass without a daemon", "alice", emergency, nil)
			m.Refused("a denied break-glass key", "alice", denied, nil)
		}
		began := time.Now()
		m.Run()
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("ready again after %v", took)
		} else {
			t.Logf("ready again after %v", took.Round(time.Millisecond))
		}
		m.Accepted("after kill -9", "alice", key, cert)
		harness.Eventually(t, harness.Patience, func() error {
			if err := syscall.Kill(fetch, 0); err == nil {
				return fmt.Errorf("the fetch of the killed daemon, %d, lives on", fetch)
			}
			return nil
		})
	}
	m.Org.Revoke(m.ID, grant)
	m.Eventually("the revocation", settled, func(s device.Status) bool { return s.Grants == 0 })
	m.Daemon.Kill()
	m.Run()
	m.Refused("after a revocation and kill -9", "alice", key, cert)
}

// fetch is another user's process, without groups, capabilities or files of the
// daemon's; killed, it is started again.
func TestFetchProcess(t *testing.T) {
	m := newRig(t)
	ca := m.Org.NewCA()
	_, pid := m.Processes()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	m.Must(err)
	for _, want := range []string{`Uid:\t6005\t6005\t6005\t6005`, `Gid:\t6005\t6005\t6005\t6005`, `Groups:\s*\n`, `CapEff:\t0{16}`, `NoNewPrivs:\t1`} {
		if !regexp.MustCompile(want).Match(status) {
			t.Errorf("fetch is not %q:\n%s", want, status)
		}
	}
	environ, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	m.Must(err)
	if string(environ) != "PATH=/usr/bin:/bin\x00LANG=C.UTF-8\x00" {
		t.Errorf("environment %q", environ)
	}
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	m.Must(err)
	for _, f := range files {
		if target, _ := os.Readlink(f); strings.HasPrefix(target, "/var/lib/dpki") || strings.HasPrefix(target, "/etc/dpki") {
			t.Errorf("fetch has %s open", target)
		}
	}
	// In a session of its own it has no terminal to type into.
	if stat, err := proc.ReadStat(int32(pid)); err != nil || stat.Session != int32(pid) || stat.Terminal != 0 {
		t.Errorf("session %d, terminal %d, %v; want its own and none", stat.Session, stat.Terminal, err)
	}
	m.Must(syscall.Kill(pid, syscall.SIGKILL))
	m.Eventually("another fetch", settled, func(device.Status) bool {
		next, err := machine.Child(m.Daemon.Pid())
		return err == nil && next != pid
	})
	key, _, cert := m.granted(ca)
	harness.Eventually(t, harness.Patience, func() error {
		if got := m.Login("alice", key, cert); got.Code != 0 {
			return fmt.Errorf("%+v", got)
		}
		return nil
	})
}

// The root side opens sockets of one family only, from its start through
// enrolment, logins and a refresh; fetch shows that the trace would see others.
func TestRootSideOpensUnixSocketsOnly(t *testing.T) {
	harness.Need(t, harness.Namespace, harness.Strace)
	m := newRig(t)
	ca := m.Org.NewCA()
	m.Daemon.Stop()
	trace := filepath.Join(t.TempDir(), "trace")
	m.Daemon = harness.Start(t, harness.Command{
		Path: "/usr/bin/strace", Args: []string{"-ff", "-e", "trace=socket,socketpair", "-o", trace, harness.Bin(t, "dpkid"), "run"},
	})
	m.Eventually("ready", settled, func(s device.Status) bool { return s.Freshness == "fresh" })
	key, _, cert := m.granted(ca)
	m.Accepted("traced", "alice", key, cert)

	// One file a thread. Those of fetch belong to its process.
	traced, err := machine.Child(m.Daemon.Pid())
	m.Must(err)
	fetch, err := machine.Child(traced)
	m.Must(err)
	files, err := filepath.Glob(trace + ".*")
	m.Must(err)
	inet, own := 0, 0
	for _, f := range files {
		text, err := os.ReadFile(f)
		m.Must(err)
		tid := strings.TrimPrefix(filepath.Ext(f), ".")
		ofFetch := false
		if _, err := os.Stat(fmt.Sprintf("/proc/%d/task/%s", fetch, tid)); err == nil {
			ofFetch = true
		}
		for line := range strings.Lines(string(text)) {
			unix := strings.Contains(line, "AF_UNIX") || !strings.Contains(line, "(AF_")
			switch {
			case ofFetch && !unix:
				inet++
			case !ofFetch && !unix:
				t.Errorf("the root side: %s", line)
			case !ofFetch:
				own++
			}
		}
	}
	if inet == 0 || own == 0 {
		t.Errorf("the trace saw %d sockets of fetch's and %d of the root side's: it sees nothing", inet, own)
	}
}

// A disk without room: what is known stays, a revocation counts, and nothing is
// lost when there is room again.
func TestFullDisk(t *testing.T) {
	m := newRig(t)
	ca := m.Org.NewCA()
	key, grant, cert := m.granted(ca)
	m.Accepted("before", "alice", key, cert)
	m.Daemon.Stop()
	kept := t.TempDir()
	m.Must(exec.Command("cp", "-a", "/var/lib/dpki/.", kept).Run())
	m.Must(syscall.Mount("tmpfs", "/var/lib/dpki", "tmpfs", 0, "size=512k,mode=0711"))
	t.Cleanup(func() {
		m.Daemon.Stop()
		m.Must(syscall.Unmount("/var/lib/dpki", 0))
	})
	m.Must(exec.Command("cp", "-a", kept+"/.", "/var/lib/dpki").Run())
	m.Run()
	m.Accepted("on the small disk", "alice", key, cert)

	fill := func() {
		f, err := os.OpenFile("/var/lib/dpki/fill", os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
		m.Must(err)
		defer f.Close()
		for err == nil {
			_, err = f.Write(make([]byte, 4096))
		}
	}
	other, _, certOther := m.granted(ca)
	for i := 0; i < 40; i++ { // enough to need another page
		fill() // and what the journal had in reserve
		var grants []contracts.Change
		for range 8 {
			grants = append(grants, m.Org.GrantEntry(m.ID, state.KindGrant, "bob", other.PublicKey(), time.Hour))
		}
		m.Org.Write(m.ID, grants...)
		block := m.Org.Chain.Number()
		if s := m.Eventually("read", settled, func(s device.Status) bool { return s.Block >= block || s.Journal != "" }); s.Journal != "" {
			break
		}
	}
	m.Org.Revoke(m.ID, grant)
	harness.Eventually(t, harness.Patience, func() error {
		if m.Login("alice", key, cert).Code == 0 {
			return errStillIn
		}
		return nil
	})
	s, err := m.Status()
	m.Must(err)
	if s.Journal == "" {
		t.Errorf("the full disk was not noticed: %+v", s)
	}
	m.Daemon.Kill()
	m.Must(os.Remove("/var/lib/dpki/fill"))
	m.Run()
	m.Eventually("room again", settled, func(s device.Status) bool { return s.Journal == "" && s.Freshness == "fresh" })
	m.Refused("revoked while the disk was full", "alice", key, cert)
	m.Accepted("granted while the disk was full", "alice", other, certOther)
}
