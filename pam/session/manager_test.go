package session

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"dpki/authkeys"
	"dpki/internal/harness"
	"dpki/pam/proc"
)

// bench is a manager with a clock and an extent of the test's, in the lesser form: cgroups are tested with a real sshd.
type bench struct {
	*Manager
	mu     sync.Mutex
	time   uint64
	until  uint64
	why    authkeys.Reason
	events []Event
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{time: 1000, until: 5000, why: authkeys.Accepted}
	b.Manager = b.manager(t, filepath.Join(t.TempDir(), "sessions.json"))
	return b
}

func (b *bench) manager(t *testing.T, file string) *Manager {
	m := &Manager{
		File: file, Logf: t.Logf, Grace: 50 * time.Millisecond,
		Now:    func() uint64 { b.mu.Lock(); defer b.mu.Unlock(); return b.time },
		Extent: func(Session) (uint64, authkeys.Reason) { b.mu.Lock(); defer b.mu.Unlock(); return b.until, b.why },
		Audit:  func(e Event) { b.mu.Lock(); defer b.mu.Unlock(); b.events = append(b.events, e) },
	}
	t.Cleanup(func() { // as the end of Run: nothing of it outlives the test
		m.mu.Lock()
		m.init()
		m.mu.Unlock()
		m.stop()
		m.workers.Wait()
	})
	return m
}

func (b *bench) set(time, until uint64, why authkeys.Reason) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.time, b.until, b.why = time, until, why
}

func (b *bench) story() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var words []string
	for _, e := range b.events {
		word := strings.TrimPrefix(string(e.What), "session ")
		if e.Reason != "" {
			word += " (" + e.Reason + ")"
		}
		words = append(words, word)
	}
	return strings.Join(words, ", ")
}

// monitor is a process that stands for sshd's, with a child.
func monitor(t *testing.T) proc.Process {
	t.Helper()
	cmd := exec.Command("sh", "-c", "sleep 1000 & wait")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { cmd.Wait(); close(done) }()
	p, err := proc.Find(int32(cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, child := range family(p) {
			kill(child)
		}
		cmd.Process.Kill()
		<-done
	})
	harness.Eventually(t, harness.Patience, func() error {
		if len(family(p)) == 0 {
			return errors.New("no child")
		}
		return nil
	})
	return p
}

func (b *bench) run(t *testing.T) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { b.Run(ctx); close(done) }()
	stop = sync.OnceFunc(func() { cancel(); <-done })
	t.Cleanup(stop)
	return stop
}

func ended(b *bench) func() error {
	return func() error {
		if n := len(b.List()); n > 0 {
			return errors.New("there is a session")
		}
		return nil
	}
}

func TestSessionEnds(t *testing.T) {
	for _, c := range []struct {
		name string
		end  func(*bench, proc.Process)
		want string
	}{
		{"expiry", func(b *bench, _ proc.Process) { b.set(5000, 5000, authkeys.Accepted); b.Refresh() },
			"opened, ending (the grant has expired), ended (the grant has expired)"},
		{"revocation", func(b *bench, _ proc.Process) { b.set(1001, 0, authkeys.CARevoked); b.Refresh() },
			"opened, ending (the certificate's authority is revoked), ended (the certificate's authority is revoked)"},
		{"without a refresh", func(b *bench, _ proc.Process) { b.set(1001, 0, authkeys.Denied) },
			"opened, ending (the key is denied), ended (the key is denied)"},
		{"logout", func(b *bench, p proc.Process) { b.Close(p) },
			"opened, ending (the connection was closed), ended (the connection was closed)"},
		{"the monitor's death", func(_ *bench, p proc.Process) { kill(p) },
			"opened, ending (sshd's process ended without closing the session), ended (sshd's process ended without closing the session)"},
		{"an answer of no meaning", func(b *bench, _ proc.Process) { b.set(1001, 9999, authkeys.Undecided); b.Refresh() },
			"opened, ending (no decision), ended (no decision)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t)
			b.run(t)
			p := monitor(t)
			if _, err := b.Open(Session{Monitor: p, Account: "alice"}); err != nil {
				t.Fatal(err)
			}
			harness.Eventually(t, harness.Patience, func() error { // the lesser form must have met the child before its parent dies
				b.Manager.mu.Lock()
				defer b.Manager.mu.Unlock()
				if len(b.live[p].family) == 0 {
					return errors.New("not met")
				}
				return nil
			})
			family := family(p)
			c.end(b, p)
			harness.Eventually(t, harness.Patience, ended(b))
			for _, q := range append(family, p) {
				if q.Alive() {
					t.Errorf("process %d is left", q.PID)
				}
			}
			if got := b.story(); got != c.want {
				t.Errorf("audit: %s; want %s", got, c.want)
			}
		})
	}
}

func TestSessionThatMayGoOnGoesOn(t *testing.T) {
	b := newBench(t)
	b.run(t)
	p := monitor(t)
	s, err := b.Open(Session{Monitor: p, Account: "alice"})
	if err != nil || s.Opened != 1000 || s.Until != 5000 || s.Form() != "monitor" {
		t.Fatalf("%+v, %v", s, err)
	}
	b.set(4999, 6000, authkeys.Accepted) // extended at the last second
	b.Refresh()
	harness.Eventually(t, harness.Patience, func() error {
		if l := b.List(); len(l) != 1 || l[0].Until != 6000 {
			return errors.New("not extended")
		}
		return nil
	})
	if !p.Alive() || b.story() != "opened" {
		t.Errorf("alive %v, audit: %s", p.Alive(), b.story())
	}
	if _, err := b.Open(Session{Monitor: p}); !errors.Is(err, ErrTwice) {
		t.Errorf("a second session of one process: %v", err)
	}
	child := family(p)[0]
	if got, ok := b.Of(child); !ok || got.Monitor != p {
		t.Errorf("session of a child: %+v, %v", got, ok)
	}
	other := monitor(t)
	if _, ok := b.Of(other); ok {
		t.Error("somebody else's process belongs to the session")
	}
}

func TestOpenRefuses(t *testing.T) {
	p := monitor(t)
	for name, c := range map[string]struct {
		change func(*bench)
		s      Session
	}{
		"not accepted":  {func(b *bench) { b.why = authkeys.GrantRevoked }, Session{Monitor: p}},
		"over":          {func(b *bench) { b.until = b.time }, Session{Monitor: p}},
		"no extent":     {func(b *bench) { b.Extent = nil }, Session{Monitor: p}},
		"gone":          {func(*bench) {}, Session{Monitor: proc.Process{PID: p.PID, Start: p.Start + 1}}},
		"zero":          {func(*bench) {}, Session{}},
		"cannot record": {func(b *bench) { b.File = "/nonexistent/sessions.json" }, Session{Monitor: monitor(t)}},
	} {
		b := newBench(t)
		c.change(b)
		if _, err := b.Open(c.s); err == nil {
			t.Errorf("%s: opened", name)
		}
		harness.Eventually(t, harness.Patience, ended(b))
	}
	if !p.Alive() {
		t.Error("a refusal ended a process: that is the caller's to do")
	}
}

func TestRegisterSurvivesAndIsChecked(t *testing.T) {
	b := newBench(t)
	stop := b.run(t)
	stays, dies := monitor(t), monitor(t)
	for _, p := range []proc.Process{stays, dies} {
		if _, err := b.Open(Session{Monitor: p, Account: "alice", KeyType: "ssh-ed25519", Key: "AAAA"}); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	st, err := os.Stat(b.File)
	if err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("register: %v, %v; want mode 0600", st, err)
	}
	kill(dies)
	waitFor(dies, 10*time.Second)

	next := b.manager(t, b.File)
	if err := next.Restore(); err != nil {
		t.Fatal(err)
	}
	harness.Eventually(t, harness.Patience, func() error {
		if l := next.List(); len(l) != 1 {
			return errors.New("the dead one is there")
		}
		return nil
	})
	if l := next.List(); l[0].Monitor != stays || l[0].Key != "AAAA" || l[0].Opened != 1000 {
		t.Errorf("resumed %+v", l)
	}
	if !strings.Contains(b.story(), "resumed") {
		t.Errorf("audit: %s", b.story())
	}

	// Another boot: the same numbers are other processes.
	text, err := os.ReadFile(b.File)
	if err != nil {
		t.Fatal(err)
	}
	boot, err := proc.BootID()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(b.File, []byte(strings.Replace(string(text), boot, strings.Repeat("0", len(boot)), 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	rebooted := b.manager(t, b.File)
	if err := rebooted.Restore(); err != nil || len(rebooted.List()) != 0 || !stays.Alive() {
		t.Errorf("after a reboot: %v, %+v, alive %v", err, rebooted.List(), stays.Alive())
	}

	// A register that cannot be read is told, and the daemon starts.
	if err := os.WriteFile(b.File, []byte(`{"version":1`), 0o600); err != nil {
		t.Fatal(err)
	}
	broken := b.manager(t, b.File)
	if err := broken.Restore(); err != nil || len(broken.List()) != 0 || !strings.Contains(b.story(), Lost) {
		t.Errorf("a broken register: %v; audit: %s", err, b.story())
	}
	if _, err := load(b.File); err != nil {
		t.Errorf("it was not replaced: %v", err)
	}
}

func FuzzParseRegister(f *testing.F) {
	f.Add([]byte(`{"version":1,"boot":"b","sessions":[{"monitor":{"PID":1,"Start":2},"account":"alice","key":"AAAA"}]}`))
	f.Add([]byte(`{"version":1,"boot":"","sessions":null}{}`))
	f.Add([]byte(`{"version":2}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, err := parseRegister(b); err == nil && (r.Version != 1 || len(r.Sessions) > MaxSessions) {
			t.Errorf("%+v", r)
		}
	})
}

// A register that another version has written, or that is damaged, says of nobody until when he may stay; whom it still names goes, in
// whatever form his session is, for logind's scopes are in no subtree of ours. The twin stays.
func TestWhomALostRegisterNamesIsEnded(t *testing.T) {
	for name, c := range map[string]struct {
		old, new string
		ends     bool
	}{
		"the twin":        {`"version":1`, `"version":1`, false},
		"another version": {`"version":1`, `"version":2`, true},
		"an unknown word": {`"version":1`, `"version":1,"since":7`, true},
		"another boot":    {`"boot":"`, `"since":7,"boot":"x`, false},
		"no process":      {`"monitor":{`, `"since":7,"monitor":{"pid":1},"x":{`, false},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			p := monitor(t)
			if _, err := b.Open(Session{Monitor: p, Account: "alice"}); err != nil {
				t.Fatal(err)
			}
			text, err := os.ReadFile(b.File)
			if err != nil || !strings.Contains(strings.ToLower(string(text)), c.old) {
				t.Fatalf("%s, %v", text, err)
			}
			file := filepath.Join(t.TempDir(), "sessions.json")
			if err := os.WriteFile(file, []byte(strings.Replace(string(text), c.old, c.new, 1)), 0o600); err != nil {
				t.Fatal(err)
			}
			next := b.manager(t, file)
			if err := next.Restore(); err != nil {
				t.Fatal(err)
			}
			if !c.ends {
				time.Sleep(200 * time.Millisecond) // more than what the grace leaves
				if !p.Alive() {
					t.Errorf("ended; audit: %s", b.story())
				}
				return
			}
			harness.Eventually(t, harness.Patience, func() error {
				if p.Alive() || len(next.List()) > 0 {
					return errors.New("it goes on; audit: " + b.story())
				}
				return nil
			})
			if !strings.Contains(b.story(), "ended ("+Lost+")") {
				t.Errorf("audit: %s", b.story())
			}
		})
	}
}

func TestWarningNeedsAPseudoTerminal(t *testing.T) {
	for _, tty := range []uint64{0, 1 << 8, 5<<8 | 1, unix98<<8 | 0xff | 0xfff<<20} { // none, memory, console's, one that is not there
		if err := say(tty, "x"); err == nil {
			t.Errorf("device %#x was written to", tty)
		}
	}
}
