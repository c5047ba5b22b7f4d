package pamshim

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"dpki/internal/harness"
	"dpki/pam/cgroup"
	"dpki/pam/proc"
	"dpki/pam/session"

	"golang.org/x/sys/unix"
)

// ends is how often the whole of a session is ended, for the spread.
const ends = 50

// goneBar is the design's: from what ends a session to the last of its processes gone. A test asserts five times that.
const goneBar = 2 * time.Second

// client is a real ssh that runs until its session ends.
type client struct {
	*harness.Proc
}

// ssh starts the real client. args go before the destination, and a terminal of its own is forced where the test asks for one.
func (w *world) ssh(t testing.TB, u user, account string, pty bool, args []string, command ...string) client {
	t.Helper()
	all := append([]string{}, args...)
	for _, a := range w.sshd.Args(u.client(account), command...) {
		if a == "-T" {
			if !pty {
				all = append(all, "-T")
			} else {
				all = append(all, "-tt")
			}
			continue
		}
		all = append(all, a)
	}
	return client{harness.Start(t, harness.Command{Path: "/usr/bin/ssh", Args: all, Stdin: blocked(t), Grace: time.Second})}
}

// blocked is an input that never ends, as a person who does not type.
func blocked(t testing.TB) io.Reader {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(); w.Close() })
	return r
}

// marked lists the processes whose environment holds the mark: everything that a session has started.
func marked(mark string) (found []string) {
	pids, _ := proc.PIDs()
	for _, pid := range pids {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
		if err != nil || !bytes.Contains(b, []byte("MARK="+mark)) {
			continue
		}
		cmdline, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		found = append(found, fmt.Sprintf("%d:%s", pid, bytes.ReplaceAll(cmdline, []byte{0}, []byte{' '})))
	}
	return found
}

func gone(mark string) error {
	if left := marked(mark); len(left) > 0 {
		return fmt.Errorf("%q are left", left)
	}
	return nil
}

func hides(mark string) error {
	if n := len(marked(mark)); n < hidden {
		return fmt.Errorf("%d processes hide, want %d", n, hidden)
	}
	return nil
}

// hideaways start everything that is known to survive its session, and then print a word: children that left the process group,
// ignore SIGHUP, lost their parent, stopped, closed their files, or are many.
const hideaways = `export MARK=%s
setsid sleep 1000 >/dev/null 2>&1 </dev/null &
nohup sleep 1001 >/dev/null 2>&1 </dev/null &
(setsid sh -c 'sleep 1002 >/dev/null 2>&1 </dev/null & exit' &)
sh -c 'trap "" HUP TERM INT; while :; do sleep 1003; done' >/dev/null 2>&1 </dev/null &
sh -c 'kill -STOP $$; :' >/dev/null 2>&1 </dev/null &
for i in 1 2 3 4 5 6 7 8 9 10; do setsid sleep 1005 >/dev/null 2>&1 </dev/null & done
echo started
`

const hidden = 16 // processes of hideaways, at least

func TestEndLeavesNothing(t *testing.T) {
	// On a slow machine sshd needs longer to close its PAM session than it is given. A session that has ended is not waited for.
	w := newWorld(t, options{lines: []string{"AllowTcpForwarding yes"}, grace: 2 * goneBar})
	u := newUser(t, w.ca)
	target := echo(t)
	var times []time.Duration
	for i := range ends {
		w.set("alice", u, now()+hour)
		mark := fmt.Sprintf("end%d", i)
		local, remote := harness.FreePort(t), harness.FreePort(t)
		c := w.ssh(t, u, "alice", true, []string{
			"-L", fmt.Sprintf("127.0.0.1:%d:%s", local, target), "-R", fmt.Sprintf("127.0.0.1:%d:%s", remote, target), "-o", "ExitOnForwardFailure=yes",
		}, fmt.Sprintf(hideaways, mark)+"cat")
		c.WaitOutput(t, "started", harness.Patience)
		harness.Eventually(t, harness.Patience, func() error { return hides(mark) })
		through, err := speak(local)
		if err != nil {
			t.Fatalf("-L: %v", err)
		}
		defer through.Close()
		if back, err := speak(remote); err != nil {
			t.Fatalf("-R: %v", err)
		} else {
			defer back.Close()
		}
		s := w.one(t)

		start := time.Now()
		w.revoke("alice", u)
		w.sessions.Refresh() // what the engine does with a new State
		harness.Eventually(t, 5*goneBar, func() error { return gone(mark) })
		took := time.Since(start)
		w.none(t)
		times = append(times, took)

		if s.Monitor.Alive() {
			t.Error("the monitor is left")
		}
		if _, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", remote)); err == nil {
			t.Error("the remote forward still listens")
		}
		through.SetDeadline(time.Now().Add(harness.Patience))
		if _, err := through.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("the local forward is still there: %v", err)
		}
		if _, err := c.Wait(harness.Patience); err != nil {
			t.Errorf("ssh: %v", err)
		}
	}
	slices.Sort(times)
	t.Logf("to the last process gone, %d runs: median %v, 90%% %v, worst %v", ends, times[ends/2], times[ends*9/10], times[ends-1])
	if worst := times[ends-1]; worst > 5*goneBar {
		t.Errorf("worst %v, want at most %v (five times the bar)", worst, 5*goneBar)
	}
	for _, e := range w.happened(session.Ended) {
		if e.Reason != "the grant is revoked" && e.Reason != "no such grant on this device" {
			t.Errorf("ended for: %s", e.Reason)
		}
	}
	// sshd closed its PAM sessions: the module's last hook was run for each of them.
	// What the last one said comes through a pipe.
	harness.Eventually(t, harness.Patience, func() error {
		if n := strings.Count(w.sshd.Output(), "PAM: closing session"); n != ends {
			return fmt.Errorf("%d PAM sessions were closed, want %d", n, ends)
		}
		return nil
	})
	if !w.sshd.Running() {
		t.Error("sshd has ended")
	}
}

// One connection, many channels: they are one session, end together, and the client's socket opens no more of them.
func TestMultiplexedChannelsEndTogether(t *testing.T) {
	w := newWorld(t, options{lines: []string{"AllowTcpForwarding yes"}})
	u := newUser(t, w.ca)
	w.set("alice", u, now()+hour)
	at := filepath.Join(t.TempDir(), "mux")
	over := []string{"-S", at}
	master := w.ssh(t, u, "alice", true, []string{"-M", "-S", at}, fmt.Sprintf(hideaways, "first")+"cat")
	master.WaitOutput(t, "started", harness.Patience)
	second := w.ssh(t, u, "alice", false, over, fmt.Sprintf(hideaways, "second")+"cat")
	second.WaitOutput(t, "started", harness.Patience)
	w.one(t)
	through := func() error {
		args := append(append([]string{}, over...), w.sshd.Args(u.client("alice"), "true")...)
		return exec.Command("/usr/bin/ssh", args...).Run()
	}
	if err := through(); err != nil {
		t.Fatalf("a third channel: %v", err)
	}
	w.revoke("alice", u)
	w.sessions.Refresh()
	harness.Eventually(t, 5*goneBar, func() error { return errors.Join(gone("first"), gone("second")) })
	w.none(t)
	for name, c := range map[string]client{"master": master, "second": second} {
		if _, err := c.Wait(harness.Patience); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := through(); err == nil {
		t.Error("a channel after the end")
	}
	if n := len(w.happened(session.Opened)); n != 1 {
		t.Errorf("%d sessions were opened, want 1", n)
	}
}

// echo serves one word on a loopback port.
func echo(t testing.TB) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			io.WriteString(c, "hello")
		}
	}()
	return l.Addr().String()
}

func speak(port int) (net.Conn, error) {
	c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return nil, err
	}
	c.SetDeadline(time.Now().Add(5 * time.Second))
	if _, err := io.ReadFull(c, make([]byte, 5)); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// root's session has no monitor beside it on this sshd, and it may leave its own group by writing to the hierarchy; what it does not
// do on purpose ends with it.
func TestEndOfRootsSession(t *testing.T) {
	w := newWorld(t, options{})
	u := newUser(t, w.ca)
	w.set("root", u, now()+hour)
	c := w.ssh(t, u, "root", true, nil, fmt.Sprintf(hideaways, "root")+"cat")
	c.WaitOutput(t, "started", harness.Patience)
	w.one(t)
	w.revoke("root", u)
	w.sessions.Refresh()
	harness.Eventually(t, 5*goneBar, func() error { return gone("root") })
	w.none(t)
	if !w.sshd.Running() {
		t.Error("sshd has ended")
	}
}

func TestSessionEndsWithItsGrantAndNewGrantExtendsIt(t *testing.T) {
	w := newWorld(t, options{})
	u := newUser(t, w.ca)
	first := now() + 8 // a slow machine logs in within that too
	w.set("alice", u, first)
	c := w.ssh(t, u, "alice", true, nil, fmt.Sprintf(hideaways, "expiry")+"cat")
	c.WaitOutput(t, "started", harness.Patience)
	s := w.one(t)
	w.set("alice", u, now()+hour) // a later grant for the same key: no login, no word to the daemon
	if s.Until != first {
		t.Fatalf("the session was opened until %d, want %d", s.Until, first)
	}
	for now() <= first {
		time.Sleep(50 * time.Millisecond)
	}
	w.reviewed(t)
	if !s.Monitor.Alive() {
		t.Fatal("ended with the first grant")
	}
	last := now() + 2
	w.set("alice", u, last)
	harness.Eventually(t, 2*time.Second+5*goneBar, func() error { return gone("expiry") })
	w.none(t)
	list := w.happened(session.Ended)
	if len(list) != 1 || list[0].Reason != "the grant has expired" || s.Opened+list[0].Seconds < last {
		t.Errorf("ended: %+v, want not before %d", list, last)
	}
}

// What a logout leaves behind goes too, and so does what a killed monitor leaves behind.
func TestNothingOutlivesTheConnection(t *testing.T) {
	w := newWorld(t, options{})
	u := newUser(t, w.ca)
	w.set("alice", u, now()+hour)
	t.Run("logout", func(t *testing.T) {
		got := w.sshd.Login(t, u.client("alice"), fmt.Sprintf(hideaways, "logout"))
		if got.Code != 0 {
			t.Fatalf("%+v", got)
		}
		harness.Eventually(t, 5*goneBar, func() error { return gone("logout") })
		w.none(t)
		if e := w.happened(session.Ended); len(e) != 1 || e[0].Reason != session.Logout {
			t.Errorf("ended: %+v", e)
		}
	})
	t.Run("killed monitor", func(t *testing.T) {
		c := w.ssh(t, u, "alice", true, nil, fmt.Sprintf(hideaways, "killed")+"cat")
		c.WaitOutput(t, "started", harness.Patience)
		unix.Kill(int(w.one(t).Monitor.PID), unix.SIGKILL)
		harness.Eventually(t, 5*goneBar, func() error { return gone("killed") })
		w.none(t)
		if e := w.happened(session.Ended); len(e) != 2 || e[1].Reason != session.MonitorGone {
			t.Errorf("ended: %+v", e)
		}
	})
}

// Two people in one account: the end of one leaves the other's bytes as they are.
func TestEndIsNobodyElses(t *testing.T) {
	w := newWorld(t, options{})
	one, other := newUser(t, w.ca), newUser(t, w.ca)
	w.set("alice", one, now()+hour)
	w.set("alice", other, now()+hour)
	data := make([]byte, 64<<20)
	for i := range data {
		data[i] = byte(i*7 + i>>8)
	}

	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	stream := exec.CommandContext(ctx, "/usr/bin/ssh", w.sshd.Args(other.client("alice"), "cat")...)
	stdin, err := stream.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	var out hashWriter
	stream.Stdout = &out
	if err := stream.Start(); err != nil {
		t.Fatal(err)
	}
	half := make(chan struct{})
	go func() {
		stdin.Write(data[:len(data)/2])
		close(half)
		stdin.Write(data[len(data)/2:])
		stdin.Close()
	}()
	<-half
	for i := range 3 {
		mark := fmt.Sprintf("one%d", i)
		w.set("alice", one, now()+hour)
		c := w.ssh(t, one, "alice", true, nil, fmt.Sprintf(hideaways, mark)+"cat")
		c.WaitOutput(t, "started", harness.Patience)
		w.revoke("alice", one)
		w.sessions.Refresh()
		harness.Eventually(t, 5*goneBar, func() error { return gone(mark) })
	}
	if err := stream.Wait(); err != nil {
		t.Fatalf("the other's session: %v", err)
	}
	if want := sha256.Sum256(data); out.sum() != want {
		t.Error("the other's bytes have changed")
	}
}

type hashWriter struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (h *hashWriter) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.b.Write(p)
}

func (h *hashWriter) sum() [32]byte {
	h.mu.Lock()
	defer h.mu.Unlock()
	return sha256.Sum256(h.b.Bytes())
}

// A daemon that ends leaves its sessions; the next one knows them, ends what it must, and what no record explains.
func TestDaemonRestart(t *testing.T) {
	w := newWorld(t, options{})
	stays, ends := newUser(t, w.ca), newUser(t, w.ca)
	w.set("alice", stays, now()+hour)
	w.set("alice", ends, now()+hour)
	c1 := w.ssh(t, stays, "alice", true, nil, fmt.Sprintf(hideaways, "stays")+"cat")
	c1.WaitOutput(t, "started", harness.Patience)
	c2 := w.ssh(t, ends, "alice", true, nil, fmt.Sprintf(hideaways, "ends")+"cat")
	c2.WaitOutput(t, "started", harness.Patience)
	for _, mark := range []string{"stays", "ends"} {
		harness.Eventually(t, harness.Patience, func() error { return hides(mark) })
	}
	before := w.sessions.List()
	w.stop()
	if err := errors.Join(hides("stays"), hides("ends")); len(before) != 2 || err != nil {
		t.Fatalf("%d sessions; %v", len(before), err)
	}

	w.revoke("alice", ends) // while nobody looks
	w.startDaemon(options{})
	harness.Eventually(t, 5*goneBar, func() error { return gone("ends") })
	if after := w.one(t); after.Fingerprint() != before[0].Fingerprint() || after.Opened != before[0].Opened {
		t.Errorf("resumed %+v, want %+v", after, before[0])
	}
	if err := hides("stays"); err != nil {
		t.Fatalf("the other session has ended: %v", err)
	}
	w.stop()

	// Its monitor ended while nobody looked: what it left is ended.
	unix.Kill(int(before[0].Monitor.PID), unix.SIGKILL)
	harness.Eventually(t, harness.Patience, func() error {
		if before[0].Monitor.Alive() {
			return fmt.Errorf("not yet")
		}
		return nil
	})
	if len(marked("stays")) == 0 {
		t.Fatal("nothing is left to end")
	}
	w.startDaemon(options{})
	harness.Eventually(t, 5*goneBar, func() error { return gone("stays") })
	w.none(t)

	if *underSystemd {
		return // a scope is logind's: without a record nobody knows that it is ours to end
	}
	// Without a register every group of ours is somebody's whose end nobody knows.
	w.set("alice", stays, now()+hour)
	c3 := w.ssh(t, stays, "alice", true, nil, fmt.Sprintf(hideaways, "lost")+"cat")
	c3.WaitOutput(t, "started", harness.Patience)
	w.stop()
	if err := os.Remove(w.register); err != nil {
		t.Fatal(err)
	}
	w.startDaemon(options{})
	harness.Eventually(t, 5*goneBar, func() error { return gone("lost") })
}

// The lesser form, without cgroups: the monitor's family. A child that left both its parent and its process session before
// the daemon looked is not found; that is what the documentation says.
func TestLesserForm(t *testing.T) {
	w := newWorld(t, options{lesser: true})
	u := newUser(t, w.ca)
	w.set("alice", u, now()+hour)
	script := `export MARK=lesser
setsid sleep 1000 >/dev/null 2>&1 </dev/null &
nohup sleep 1001 >/dev/null 2>&1 </dev/null &
echo started; sleep 1003`
	c := w.ssh(t, u, "alice", true, nil, script)
	c.WaitOutput(t, "started", harness.Patience)
	s := w.one(t)
	if s.Form() != "monitor" {
		t.Errorf("form %q", s.Form())
	}
	w.revoke("alice", u)
	w.sessions.Refresh()
	harness.Eventually(t, 5*goneBar, func() error { return gone("lesser") })
	w.none(t)

	w.set("alice", u, now()+hour)
	c = w.ssh(t, u, "alice", true, nil, strings.ReplaceAll(script, "lesser", "known"))
	c.WaitOutput(t, "started", harness.Patience)
	w.reviewed(t) // and met
	unix.Kill(int(w.one(t).Monitor.PID), unix.SIGKILL)
	harness.Eventually(t, 5*goneBar, func() error { return gone("known") })
}

func TestWarningGoesToTheTerminalOnly(t *testing.T) {
	w := newWorld(t, options{})
	u, v := newUser(t, w.ca), newUser(t, w.ca)
	w.set("alice", u, now()+hour)
	w.set("alice", v, now()+hour)
	terminal := w.ssh(t, u, "alice", true, nil, "echo started; cat")
	terminal.WaitOutput(t, "started", harness.Patience)
	command := w.ssh(t, v, "alice", false, nil, "echo started; script -qc 'sleep 1000' /dev/null </dev/null & cat")
	command.WaitOutput(t, "started", harness.Patience)
	harness.Eventually(t, harness.Patience, func() error {
		if n := len(w.sessions.List()); n != 2 {
			return fmt.Errorf("%d sessions", n)
		}
		return nil
	})
	// A copy that runs meanwhile: its bytes are not to be a word longer.
	data := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	copied := copying(t, w, v, data)
	w.set("alice", u, now()+50)
	w.set("alice", v, now()+50)
	w.sessions.Refresh()
	terminal.WaitOutput(t, "*** dpki: this session ends in ", harness.Patience)
	harness.Eventually(t, harness.Patience, func() error {
		if n := len(w.happened(session.Warned)); n != 1 {
			return fmt.Errorf("%d warnings", n)
		}
		return nil
	})
	if got := command.Output(); got != "started\n" {
		t.Errorf("a command's output: %q", got)
	}
	if got, errs := copied(); !bytes.Equal(got, data) || errs != "" {
		t.Errorf("scp: %d bytes, want %d; it said %q", len(got), len(data), errs)
	}
}

// copying starts an scp to the device, slow enough to be warned, and returns what waits for it.
func copying(t *testing.T, w *world, u user, data []byte) func() ([]byte, string) {
	t.Helper()
	from, to := filepath.Join(t.TempDir(), "data"), "/run/home/alice/copied"
	write(t, from, string(data), 0o644)
	before := len(w.happened(session.Opened))
	var errs bytes.Buffer
	cmd := exec.Command("scp", "-F", "none", "-l", "2000", "-P", fmt.Sprint(w.sshd.Port), "-i", u.file, "-o", "CertificateFile="+u.certificate, "-o", "IdentitiesOnly=yes",
		"-o", "IdentityAgent=none", "-o", "BatchMode=yes", "-o", "LogLevel=ERROR", "-o", "UserKnownHostsFile="+w.sshd.KnownHosts, from, "alice@127.0.0.1:"+to)
	cmd.Stdout, cmd.Stderr = &errs, &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	harness.Eventually(t, harness.Patience, func() error {
		if len(w.happened(session.Opened)) == before {
			return errors.New("scp has no session yet")
		}
		return nil
	})
	return func() ([]byte, string) {
		if err := cmd.Wait(); err != nil {
			t.Errorf("scp: %v", err)
		}
		got, err := os.ReadFile(to)
		if err != nil {
			t.Error(err)
		}
		return got, errs.String()
	}
}

// Every byte, through a command and through sftp, with the module's text at the session's start in place.
func TestBytesAreUntouched(t *testing.T) {
	w := newWorld(t, options{})
	u := newUser(t, w.ca)
	w.set("alice", u, now()+hour)
	data := make([]byte, 3<<20+17)
	for i := range data {
		data[i] = byte(i * i >> 3)
	}
	file := filepath.Join("/run/home/alice", "data")
	write(t, file, string(data), 0o644)
	if got := w.sshd.Login(t, u.client("alice"), "cat", file); got.Stdout != string(data) || got.Stderr != "" {
		t.Errorf("cat: %d bytes, want %d; stderr %q", len(got.Stdout), len(data), got.Stderr)
	}
	for _, mode := range []string{"-s", "-O"} { // sftp, and the old protocol
		copied := filepath.Join(t.TempDir(), "copy")
		args := []string{"-q", mode, "-F", "none", "-P", fmt.Sprint(w.sshd.Port), "-i", u.file, "-o", "CertificateFile=" + u.certificate,
			"-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none", "-o", "BatchMode=yes", "-o", "UserKnownHostsFile=" + w.sshd.KnownHosts,
			"alice@127.0.0.1:" + file, copied}
		out, err := exec.Command("scp", args...).CombinedOutput()
		if err != nil || len(out) > 0 {
			t.Errorf("scp %s: %v %q", mode, err, out)
		}
		if b, err := os.ReadFile(copied); err != nil || !bytes.Equal(b, data) {
			t.Errorf("scp %s: %d bytes, want %d (%v)", mode, len(b), len(data), err)
		}
	}
	// The text is there all the same, for a person.
	c := w.ssh(t, u, "alice", true, nil)
	c.WaitOutput(t, "dpki: this session ends at ", harness.Patience)
}

// A cgroup that is not a session's is never killed: the service's own, a neighbour in our subtree's folder, another of the same name.
func TestOnlySessionsGroupsAreKilled(t *testing.T) {
	w := newWorld(t, options{})
	tree := w.sessions.Tree
	self, err := proc.Find(int32(os.Getpid()))
	if err != nil {
		t.Fatal(err)
	}
	own, err := tree.Of(self)
	if err != nil {
		t.Fatal(err)
	}
	if err := tree.Kill(own, 0); err == nil {
		t.Error("the test's own group may be killed")
	}
	sleep := harness.Start(t, harness.Command{Path: "/bin/sleep", Args: []string{"1000"}})
	p, err := proc.Find(int32(sleep.Pid()))
	if err != nil {
		t.Fatal(err)
	}
	g, err := tree.Make(p)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tree.Scope(p); err == nil {
		t.Error("a group of ours passes for a session scope")
	}
	// Somebody moves the daemon there: better a session that goes on than no daemon.
	join := func(folder string) {
		if err := os.WriteFile(folder+"/cgroup.procs", []byte(fmt.Sprint(os.Getpid())), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	mount := strings.TrimSuffix(cgroupMount(t), "/")
	join(mount + g.Path)
	err = tree.Kill(g, time.Second)
	join(mount + own.Path)
	if !errors.Is(err, cgroup.ErrVital) || !sleep.Running() {
		t.Fatalf("a group with the daemon in it: %v", err)
	}
	other := g
	other.Inode++
	if err := tree.Kill(other, 0); err == nil || !sleep.Running() {
		t.Errorf("a group that is not the recorded one: %v", err)
	}
	if err := tree.Kill(g, harness.Patience); err != nil {
		t.Errorf("the recorded one: %v", err)
	}
	if _, err := sleep.Wait(harness.Patience); err != nil {
		t.Error(err)
	}
	if err := tree.Remove(g); err != nil {
		t.Error(err)
	}
}

func cgroupMount(t testing.TB) string {
	t.Helper()
	b, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) > 2 && f[2] == "cgroup2" {
			return f[1]
		}
	}
	t.Fatal("no cgroup2")
	return ""
}
