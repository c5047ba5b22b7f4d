package pam

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dpki/internal/harness"
	"dpki/internal/socket"

	"golang.org/x/sys/unix"
)

// module is the C module and a driver that stands for libpam, in one program under address and undefined-behaviour sanitizers.
type module struct {
	driver string
	path   string // where it looks for the daemon
}

var builds struct {
	sync.Mutex
	made map[int]string
}

// build compiles the driver, which takes some seconds, once for each uid that the module expects of the daemon.
func build(t *testing.T, uid int) module {
	t.Helper()
	harness.Need(t, harness.Gcc, harness.PamHeaders)
	builds.Lock()
	defer builds.Unlock()
	dir := builds.made[uid]
	if dir == "" {
		var err error
		if dir, err = os.MkdirTemp("", "dpki-pam-"); err != nil {
			t.Fatal(err)
		}
		defs := fmt.Sprintf(`DEFS=-DDPKI_PAM_SOCKET='"%s/s"' -DDPKI_PAM_PEER=%d`, dir, uid)
		out, err := exec.Command("make", "-s", "-C", "shim", "OUT="+dir, defs, dir+"/driver").CombinedOutput()
		if err != nil {
			os.RemoveAll(dir)
			t.Fatalf("make: %v\n%s", err, out)
		}
		if builds.made == nil {
			builds.made = map[int]string{}
		}
		builds.made[uid] = dir
	}
	return module{driver: dir + "/driver", path: dir + "/s"}
}

func TestMain(m *testing.M) {
	code := m.Run()
	for _, dir := range builds.made {
		os.RemoveAll(dir)
	}
	os.Exit(code)
}

// run returns what the driver prints for each hook. A sanitizer's finding is a failure.
func (m module) run(t *testing.T, args ...string) []string {
	t.Helper()
	cmd := exec.Command(m.driver, args...)
	cmd.Env = []string{"ASAN_OPTIONS=detect_leaks=0", "UBSAN_OPTIONS=halt_on_error=1"} // LeakSanitizer does not run under ptrace
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Errorf("driver %.200q: %v\n%s", args, err, errs.String())
		return nil
	}
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return lines
}

// daemon answers each connection by a function, until the test ends.
func (m module) daemon(t *testing.T, answer func(net.Conn)) {
	t.Helper()
	os.Remove(m.path)
	l, err := net.Listen("unix", m.path)
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				defer c.Close()
				c.SetDeadline(time.Now().Add(10 * time.Second))
				answer(c)
			})
		}
	})
	t.Cleanup(func() { l.Close(); running.Wait() })
}

func raw(b string) func(net.Conn) {
	return func(c net.Conn) {
		if _, err := socket.ReadRequest(c); err == nil {
			io.WriteString(c, b)
		}
	}
}

func reply(code socket.Code, text string) string {
	b, err := socket.Answer{Code: code, Text: text}.Marshal()
	if err != nil {
		panic(err)
	}
	return string(b)
}

const info = "info=publickey ssh-ed25519 AAAA\n"

var hooks = []string{"hook=auth", "hook=account", "hook=open_session", "hook=close_session"}

// every result of the four hooks, in this order
var (
	allows = []string{"SUCCESS", "SUCCESS", "SUCCESS", "SUCCESS"}
	denies = []string{"AUTH_ERR", "PERM_DENIED", "SESSION_ERR", "SESSION_ERR"}
	absent = []string{"AUTHINFO_UNAVAIL", "AUTHINFO_UNAVAIL", "AUTHINFO_UNAVAIL", "AUTHINFO_UNAVAIL"}
)

func TestEveryAnswerHasItsCode(t *testing.T) {
	m := build(t, os.Getuid())
	long := strings.Repeat("x", 1024)
	for _, c := range []struct {
		name, answer string
		want         []string
	}{
		{"allow", reply(socket.Allow, ""), allows},
		{"deny", reply(socket.Deny, ""), denies},
		{"error", reply(socket.Error, ""), denies},
		{"unknown code", "\x03\x00\x00", denies},
		{"last code", "\xff\x00\x00", denies},
		{"nothing", "", denies},
		{"code alone", "\x01", denies},
		{"half a length", "\x01\x00", denies},
		{"text cut short", "\x01\x00\x05abcd", denies},
		{"a byte too many", "\x01\x00\x04abcde", denies},
		{"allow, then more", reply(socket.Allow, "") + reply(socket.Allow, ""), denies},
		{"allow after deny", reply(socket.Deny, "") + reply(socket.Allow, ""), denies},
		{"text too long for the module", reply(socket.Allow, long+"x"), denies},
		{"text too long for its length", "\x01\xff\xff" + long, denies},
		{"endless", strings.Repeat("\x01\x00\x00", 100000), denies},
		{"text", "HTTP/1.1 200 OK\r\n\r\n", denies},
	} {
		t.Run(c.name, func(t *testing.T) {
			m.daemon(t, raw(c.answer))
			if got := m.run(t, append([]string{info}, hooks...)...); !equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
	t.Run("longest text", func(t *testing.T) {
		m.daemon(t, raw(reply(socket.Allow, long)))
		if got, want := m.run(t, "hook=account"), []string{"SUCCESS info " + long}; !equal(got, want) {
			t.Errorf("got %q", got)
		}
	})
}

func equal(a, b []string) bool { return fmt.Sprint(a) == fmt.Sprint(b) }

func TestTextIsShownWhereItDisturbsNothing(t *testing.T) {
	m := build(t, os.Getuid())
	m.daemon(t, raw(reply(socket.Deny, "no \x1b[31m%s%n\r\nagain\xc3\xa9")))
	got := m.run(t, append([]string{info}, hooks...)...)
	shown := " error no ?[31m%s%n??again??"
	want := []string{"AUTH_ERR" + shown, "PERM_DENIED" + shown, "SESSION_ERR", "SESSION_ERR"}
	if !equal(got, want) {
		t.Errorf("refused: got %q, want %q", got, want)
	}
	m.daemon(t, raw(reply(socket.Allow, "until 12:00")))
	got = m.run(t, append([]string{info}, hooks...)...)
	want = []string{"SUCCESS info until 12:00", "SUCCESS info until 12:00", "SUCCESS info until 12:00", "SUCCESS"}
	if !equal(got, want) {
		t.Errorf("allowed: got %q, want %q", got, want)
	}
	if got := m.run(t, "silent=1", "hook=account"); !equal(got, []string{"SUCCESS"}) {
		t.Errorf("silent: got %q", got)
	}
}

func TestAbsentDaemon(t *testing.T) {
	m := build(t, os.Getuid())
	os.Remove(m.path)
	if got := m.run(t, append([]string{info}, hooks...)...); !equal(got, absent) {
		t.Errorf("no socket: got %q, want %q", got, absent)
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: m.path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	if got := m.run(t, append([]string{info}, hooks...)...); !equal(got, absent) {
		t.Errorf("nobody listens: got %q, want %q", got, absent)
	}
	// Whoever logged in by anything else than a public key did not come by a break-glass key.
	for _, info := range []string{"", "password", "publickey ssh-ed25519 AAAA\npassword\n", "keyboard-interactive/pam\n", "publickey", "\n"} {
		if got := m.run(t, "info="+info, "hook=open_session"); !equal(got, []string{"SESSION_ERR"}) {
			t.Errorf("%q: got %q, want SESSION_ERR", info, got)
		}
	}
	if err := os.Remove(m.path); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(m.path, 0o755); err != nil { // neither: something else stands there
		t.Fatal(err)
	}
	defer os.Remove(m.path)
	if got := m.run(t, append([]string{info}, hooks...)...); !equal(got, absent) {
		t.Errorf("a folder: got %q, want %q", got, absent)
	}
}

// A daemon of another uid may say what it likes. The twin: the same answer from the right one.
func TestWrongPeer(t *testing.T) {
	for uid, want := range map[int][]string{os.Getuid() + 1: denies, os.Getuid(): allows} {
		m := build(t, uid)
		var asked atomic.Bool
		m.daemon(t, func(c net.Conn) { asked.Store(true); raw(reply(socket.Allow, ""))(c) })
		if got := m.run(t, append([]string{info}, hooks...)...); !equal(got, want) {
			t.Errorf("uid %d: got %q, want %q", uid, got, want)
		}
		// The module may be done with a stranger before the stranger is done accepting.
		harness.Eventually(t, harness.Patience, func() error {
			if !asked.Load() {
				return errors.New("nobody asked the daemon")
			}
			return nil
		})
	}
}

// waits is how long the module does.
const waits = 2 * time.Second

// The whole exchange has two seconds, however the time is spent. The cases wait at the same time.
func TestDeadline(t *testing.T) {
	m := build(t, os.Getuid())
	over := make(chan struct{})
	hold := func() { <-over }
	ways := map[string]func(net.Conn){ // by the user who is asked about
		"silence": func(net.Conn) { hold() },
		"open":    func(c net.Conn) { io.WriteString(c, reply(socket.Allow, "")); hold() },
		"byte-by-byte": func(c net.Conn) {
			for _, b := range []byte(reply(socket.Allow, strings.Repeat("x", 20))) {
				c.Write([]byte{b})
				time.Sleep(150 * time.Millisecond)
			}
		},
		"in-time": func(c net.Conn) { time.Sleep(500 * time.Millisecond); io.WriteString(c, reply(socket.Allow, "")) },
	}
	m.daemon(t, func(c net.Conn) {
		if req, err := socket.ReadRequest(c); err == nil {
			ways[string(req.Fields[1])](c)
		}
	})
	ask := func(user string) (got []string, took time.Duration) {
		start := time.Now()
		got = m.run(t, "user="+user, "hook=account")
		return got, time.Since(start)
	}
	var cases sync.WaitGroup
	for user := range ways {
		cases.Go(func() {
			got, took := ask(user)
			if user == "in-time" {
				for range 5 { // where this machine itself took the two seconds
					if equal(got, allows[:1]) || took < waits {
						break
					}
					got, took = ask(user)
				}
				if !equal(got, allows[:1]) {
					t.Errorf("%s: got %q after %v", user, got, took)
				}
			} else if !equal(got, denies[1:2]) || took < waits-100*time.Millisecond || took > 5*waits {
				t.Errorf("%s: got %q after %v, want a denial after %v", user, got, took, waits)
			}
		})
	}
	cases.Wait()
	close(over)
}

// A daemon that accepts no more is as slow as any other, though connect(2) does not wait for it as for others.
func TestFullBacklog(t *testing.T) {
	m := build(t, os.Getuid())
	os.Remove(m.path)
	l, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(l)
	if err := errors.Join(unix.Bind(l, &unix.SockaddrUnix{Name: m.path}), unix.Listen(l, 0)); err != nil {
		t.Fatal(err)
	}
	for {
		c, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(c)
		if unix.Connect(c, &unix.SockaddrUnix{Name: m.path}) == unix.EAGAIN {
			break
		}
	}
	start := time.Now()
	if got := m.run(t, "hook=account"); !equal(got, denies[1:2]) || time.Since(start) > 5*waits {
		t.Errorf("got %q after %v, want a denial after %v", got, time.Since(start), waits)
	}
}

func TestRequestIsWhatTheFormatSays(t *testing.T) {
	m := build(t, os.Getuid())
	var mu sync.Mutex
	var asked []socket.Request
	m.daemon(t, func(c net.Conn) {
		if req, err := socket.ReadRequest(c); err == nil {
			mu.Lock()
			asked = append(asked, req)
			mu.Unlock()
			io.WriteString(c, reply(socket.Allow, ""))
		}
	})
	m.run(t, append([]string{info, "user=bob", "tty="}, hooks...)...)
	m.run(t, "info=publickey "+strings.Repeat("x", 16384-10), "hook=open_session")
	mu.Lock()
	defer mu.Unlock()
	want := []socket.Request{
		socket.NewRequest(socket.Sudo, "sshd", "bob", "192.0.2.1", ""),
		socket.NewRequest(socket.Account, "sshd", "bob", "192.0.2.1", ""),
		socket.NewRequest(socket.OpenSession, "sshd", "bob", "192.0.2.1", "", "publickey ssh-ed25519 AAAA\n"),
		socket.NewRequest(socket.CloseSession, "sshd", "bob", "192.0.2.1", ""),
		socket.NewRequest(socket.OpenSession, "sshd", "alice", "192.0.2.1", "ssh", "publickey "+strings.Repeat("x", 16384-10)),
	}
	if len(asked) != len(want) {
		t.Fatalf("%d requests, want %d", len(asked), len(want))
	}
	for i := range want {
		if fmt.Sprint(asked[i]) != fmt.Sprint(want[i]) {
			t.Errorf("request %d: %q, want %q", i, asked[i].Fields, want[i].Fields)
		}
	}
}

// What the module cannot put into a question, it does not ask; the daemon here allows everything.
func TestRefusesWithoutAsking(t *testing.T) {
	m := build(t, os.Getuid())
	m.daemon(t, raw(reply(socket.Allow, "")))
	for _, c := range []struct {
		name string
		args []string
		want []string
	}{
		{"the twin", append([]string{info}, hooks...), allows},
		{"an argument", append([]string{info, "argument=debug"}, hooks...), denies},
		{"an argument without =", append([]string{info, "argument="}, hooks...), denies},
		{"items that cannot be read", append([]string{info, "fail=items"}, hooks...), denies},
		{"no user", append([]string{info, "fail=user"}, hooks...), denies},
		{"no memory", append([]string{info, "fail=data"}, hooks...), denies},
		{"a user that does not fit", append([]string{info, "user=" + strings.Repeat("a", 256)}, hooks...), denies},
		{"the longest user", append([]string{info, "user=" + strings.Repeat("a", 255)}, hooks...), allows},
		{"a field that does not fit", []string{"rhost=" + strings.Repeat("a", 16385), "hook=account"}, denies[1:2]},
		{"fields that do not fit together", []string{"rhost=" + strings.Repeat("a", 16384), "tty=" + strings.Repeat("a", 16384), "hook=account"}, denies[1:2]},
		{"auth info that does not fit", []string{"info=" + strings.Repeat("a", 16385), "hook=open_session"}, denies[2:3]},
		{"another user than before", []string{"user=alice", "hook=account", "user=bob", info, "hook=open_session", "hook=account", "user=alice", "hook=account"},
			[]string{"SUCCESS", "SESSION_ERR", "PERM_DENIED", "SUCCESS"}},
		{"another user in another transaction", []string{"user=alice", "hook=account", "user=bob", "transaction=1", "hook=account"}, []string{"SUCCESS", "SUCCESS"}},
		{"setcred", []string{"hook=setcred", "argument=x", "hook=setcred"}, []string{"SUCCESS", "CRED_ERR"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := m.run(t, c.args...); !equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// A line "note" keeps what sshd said of the login, whatever the environment says when the session is opened; it lets nobody in.
func TestNote(t *testing.T) {
	m := build(t, os.Getuid())
	asked := make(chan string, 16)
	m.daemon(t, func(c net.Conn) {
		req, err := socket.ReadRequest(c)
		if err != nil || len(req.Fields) != 5 {
			asked <- fmt.Sprint(err)
			return
		}
		asked <- string(req.Fields[4])
		c.Write([]byte(reply(socket.Allow, "")))
	})
	const forged = "info=publickey ssh-ed25519 FORGED\n"
	for _, c := range []struct {
		name string
		args []string
		want []string
		said string // to the daemon
	}{
		{"without it the environment counts", []string{info, forged, "hook=open_session"}, []string{"SUCCESS"}, strings.TrimPrefix(forged, "info=")},
		{"with it what sshd said", []string{info, "argument=note", "hook=open_session", "bare=1", forged, "hook=open_session"}, []string{"IGNORE", "SUCCESS"}, strings.TrimPrefix(info, "info=")},
		{"a login without a key", []string{"argument=note", "hook=open_session", "bare=1", forged, "hook=open_session"}, []string{"IGNORE", "SUCCESS"}, ""},
		{"what does not fit is nothing", []string{"info=" + strings.Repeat("a", 16385), "argument=note", "hook=open_session", "bare=1", forged, "hook=open_session"}, []string{"IGNORE", "SUCCESS"}, ""},
		{"it closes nothing", []string{info, "argument=note", "hook=close_session", "bare=1", "hook=open_session"}, []string{"IGNORE", "SUCCESS"}, strings.TrimPrefix(info, "info=")},
		{"elsewhere it is an argument", []string{info, "argument=note", "hook=account", "hook=auth"}, []string{"PERM_DENIED", "AUTH_ERR"}, "-"},
		{"so are two", []string{info, "argument=note", "argument=note", "hook=open_session"}, []string{"SESSION_ERR"}, "-"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := m.run(t, c.args...); !equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
			said := "-"
			select {
			case said = <-asked:
			default:
			}
			if said != c.said {
				t.Errorf("the daemon was told %q, want %q", said, c.said)
			}
		})
	}
}

// The module accepts exactly the answers that the codec accepts, up to its own bound on the text.
func TestAgreesWithTheCodecOnRandomAnswers(t *testing.T) {
	const rounds = 400
	m := build(t, os.Getuid())
	rng := rand.New(rand.NewPCG(1, 2))
	var answers []string
	for range rounds {
		b := []byte(reply(socket.Code(rng.IntN(3)), strings.Repeat("text ", rng.IntN(250))))
		for range rng.IntN(3) {
			switch i := rng.IntN(len(b) + 1); rng.IntN(3) {
			case 0:
				b = b[:i]
			case 1:
				b = append(b, byte(rng.IntN(256)))
			default:
				if len(b) > 0 {
					b[min(i, len(b)-1, rng.IntN(4))] ^= 1 << rng.IntN(8)
				}
			}
		}
		answers = append(answers, string(b))
	}
	var next atomic.Int64
	m.daemon(t, func(c net.Conn) { raw(answers[next.Add(1)-1])(c) }) // the driver asks in turn
	accepted := 0
	for i, got := range m.run(t, strings.Split(strings.Repeat("hook=account ", rounds-1)+"hook=account", " ")...) {
		a, err := socket.ReadAnswer(strings.NewReader(answers[i]))
		want := "PERM_DENIED"
		if err == nil && a.Code == socket.Allow && len(a.Text) <= 1024 {
			want = "SUCCESS"
			accepted++
		}
		if name, _, _ := strings.Cut(got, " "); name != want {
			t.Errorf("answer %.40q: got %s, want %s", answers[i], got, want)
		}
	}
	if accepted == 0 || accepted == rounds {
		t.Errorf("%d of %d answers were acceptable: the test tests nothing", accepted, rounds)
	}
}

// The module that is shipped: small, needs nothing but libc and libpam, and shows PAM its hooks only.
func TestShippedModule(t *testing.T) {
	harness.Need(t, harness.Gcc, harness.PamHeaders)
	dir := t.TempDir()
	if out, err := exec.Command("make", "-s", "-C", "shim", "OUT="+dir, dir+"/pam_dpki.so").CombinedOutput(); err != nil {
		t.Fatalf("make: %v\n%s", err, out)
	}
	file := filepath.Join(dir, "pam_dpki.so")
	st, err := os.Stat(file)
	if err != nil || st.Size() > 64<<10 {
		t.Errorf("size %v, %v", st.Size(), err)
	}
	b, err := os.ReadFile(file)
	if err != nil || !bytes.Contains(b, []byte("/run/dpki/pam.sock\x00")) {
		t.Errorf("it does not look for /run/dpki/pam.sock (%v)", err)
	}
	out, err := exec.Command("nm", "-D", "--defined-only", "--format=posix", file).Output()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for line := range strings.Lines(string(out)) {
		names = append(names, strings.Fields(line)[0])
	}
	want := "[pam_sm_acct_mgmt pam_sm_authenticate pam_sm_close_session pam_sm_open_session pam_sm_setcred]"
	if fmt.Sprint(names) != want {
		t.Errorf("exports %v, want %s", names, want)
	}
}
