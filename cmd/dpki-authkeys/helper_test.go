package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"dpki/authkeys/breakglass"
	"dpki/internal/socket"
)

const (
	keyType = "ssh-ed25519"
	key     = "AAAAC3NzaC1lZDI1NTE5AAAAIDAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4OTAx"
	caLine  = `cert-authority,principals="g-0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",restrict,pty ` + keyType + " " + key
)

var args = []string{"alice", keyType, key}

// bench is a helper with everything around it made up.
type bench struct {
	helper
	t      testing.TB
	dir    string
	out    bytes.Buffer
	logged *net.UnixConn
}

func newBench(t testing.TB) *bench {
	t.Helper()
	b := &bench{t: t, dir: t.TempDir()}
	if err := os.Chmod(b.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	b.helper = helper{
		socket: filepath.Join(b.dir, "s"), daemon: uint32(os.Getuid()),
		log:        syslog{path: filepath.Join(b.dir, "log"), tag: "dpki-authkeys"},
		breakGlass: breakglass.Store{Root: b.dir, Owner: uint32(os.Getuid()), Folder: "/breakglass.d", Denied: "/denied"},
		timeout:    2 * time.Second,
		now:        func() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) },
		identity:   func() (identity, error) { return plainUser, nil },
		stdout:     &b.out,
		// A busy machine may let it bark: that is no reason to end the tests.
		exit: func(int) {},
	}
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: b.log.path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	b.logged = conn
	return b
}

var plainUser = identity{uid: [3]uint32{990, 990, 990}, gid: [3]uint32{991, 991, 991}, groups: []int{991}}

// daemon answers every connection with f, which may do with it what it likes.
func (b *bench) daemonIs(f func(net.Conn)) {
	b.t.Helper()
	l, err := net.Listen("unix", b.socket)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			f(c)
			c.Close()
		}
	}()
}

func (b *bench) answers(a socket.Answer) {
	b.t.Helper()
	reply, err := a.Marshal()
	if err != nil {
		b.t.Fatal(err)
	}
	b.daemonIs(func(c net.Conn) { socket.ReadRequest(c); c.Write(reply) })
}

// breakGlassKey is the store in which args's key would be let in as alice.
func (b *bench) breakGlassKey() {
	b.t.Helper()
	if err := os.Mkdir(filepath.Join(b.dir, "breakglass.d"), 0o755); err != nil {
		b.t.Fatal(err)
	}
	line := `from="192.0.2.0/24",expiry-time="20261123000000Z",restrict ` + keyType + " " + key + "\n"
	if err := os.WriteFile(filepath.Join(b.dir, "breakglass.d/alice@token.keys"), []byte(line), 0o644); err != nil {
		b.t.Fatal(err)
	}
	b.deny()
}

func (b *bench) deny(keys ...[32]byte) {
	b.t.Helper()
	if err := breakglass.WriteDenied(filepath.Join(b.dir, "denied"), time.Unix(0, 0), slices.Values(keys)); err != nil {
		b.t.Fatal(err)
	}
}

// run runs the helper once and returns what sshd and syslog see.
func (b *bench) run(args ...string) (code int, stdout, logged string) {
	b.t.Helper()
	b.out.Reset()
	code = run(args, b.helper)
	buf := make([]byte, 64<<10)
	b.logged.SetReadDeadline(time.Now().Add(5 * time.Second))
	n, err := b.logged.Read(buf)
	if err != nil {
		b.t.Fatalf("no log line: %v", err)
	}
	b.logged.SetReadDeadline(time.Now())
	if m, err := b.logged.Read(buf[n:]); err == nil {
		b.t.Errorf("a second log line: %s", buf[n:n+m])
	}
	logged = string(buf[:n])
	if !printable(logged) || strings.Contains(logged, key[20:]) {
		b.t.Errorf("log line %q: not printable, or with the key", logged)
	}
	return code, b.out.String(), logged
}

func TestAllowed(t *testing.T) {
	for _, line := range []string{caLine, "restrict,pty " + keyType + " " + key, `restrict,command="echo cert-authority \"x\"" ` + keyType + " " + key} {
		b := newBench(t)
		b.answers(socket.Answer{Code: socket.Allow, Text: line})
		code, stdout, logged := b.run(args...)
		if code != 0 || stdout != line+"\n" {
			t.Errorf("code %d, stdout %q", code, stdout)
		}
		want := "<86>Nov 22 12:00:00 dpki-authkeys[" + fmt.Sprint(os.Getpid()) + `]: would accept "alice" with "ssh-ed25519"`
		if !strings.HasPrefix(logged, want) {
			t.Errorf("log %q, want %q", logged, want)
		}
	}
}

func TestRequestAsSent(t *testing.T) {
	b := newBench(t)
	got := make(chan socket.Request, 1)
	b.daemonIs(func(c net.Conn) {
		r, _ := socket.ReadRequest(c)
		got <- r
		reply, _ := socket.Answer{Code: socket.Allow, Text: caLine}.Marshal()
		c.Write(reply)
	})
	_, _, logged := b.run(args...)
	r := <-got
	if r.Type != socket.Authkeys || len(r.Fields) != 3 || string(r.Fields[0]) != "alice" || string(r.Fields[1]) != keyType || string(r.Fields[2]) != key {
		t.Errorf("%v", r)
	}
	if !strings.HasSuffix(logged, " by g-0123456789abcdef") {
		t.Errorf("log %q", logged)
	}
}

// A denial is not a failure: sshd logs an error for every status but 0.
func TestDenied(t *testing.T) {
	b := newBench(t)
	b.breakGlassKey()
	b.answers(socket.Answer{Code: socket.Deny, Text: "the grant has expired; make a new grant\nroot logged in"})
	code, stdout, logged := b.run(args...)
	if code != 0 || stdout != "" || !strings.HasSuffix(logged, `denied "alice" with "ssh-ed25519": the grant has expired; make a new grant?root logged in`) {
		t.Errorf("code %d, stdout %q, log %q", code, stdout, logged)
	}
}

// Each row has a break-glass key that would let in, if the daemon counted as absent, and TestAllowed as its accepted twin.
func TestAnswersThatDeny(t *testing.T) {
	allow := func(text string) []byte {
		b, err := socket.Answer{Code: socket.Allow, Text: text}.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	raw := func(b []byte) func(net.Conn) {
		return func(c net.Conn) { socket.ReadRequest(c); c.Write(b) }
	}
	good := allow(caLine)
	for _, row := range []struct {
		name   string
		daemon func(net.Conn)
	}{
		{"closes at once", func(net.Conn) {}},
		{"closes after the request", raw(nil)},
		{"gone in mid-header", raw(good[:2])},
		{"gone in mid-answer", raw(good[:len(good)-1])},
		{"gone after the option", raw(good[:60])},
		{"trailing byte", raw(append(slices.Clone(good), '\n'))},
		{"two answers", raw(append(slices.Clone(good), good...))},
		{"unknown code", raw(append([]byte{3}, good[1:]...))},
		{"error", raw([]byte("\x02\x00\x04oops"))},
		{"too long", raw([]byte{1, 0xff, 0xff})},
		{"empty line", raw(allow(""))},
		{"two lines", raw(allow(caLine + "\n" + caLine))},
		{"line end", raw(allow(caLine + "\n"))},
		{"carriage return", raw(allow(caLine + "\r"))},
		{"NUL", raw(allow(caLine + "\x00"))},
		{"not ASCII", raw(allow(caLine + "\u00e4"))},
		{"authority without principals", raw(allow("cert-authority,restrict " + keyType + " " + key))},
		{"authority with an empty principal", raw(allow(`cert-authority,principals="",restrict ` + keyType + " " + key))},
		{"authority with two principals", raw(allow(`cert-authority,principals="g-1,g-2",restrict ` + keyType + " " + key))},
		{"authority with every principal", raw(allow(`cert-authority,principals="*",restrict ` + keyType + " " + key))},
		{"authority without restrict", raw(allow(`cert-authority,principals="g-1" ` + keyType + " " + key))},
		{"authority as second option", raw(allow("restrict,cert-authority " + keyType + " " + key))},
		{"slow", func(c net.Conn) { io.Copy(io.Discard, c) }},
		{"slow in mid-answer", func(c net.Conn) { socket.ReadRequest(c); c.Write(good[:9]); io.Copy(io.Discard, c) }},
		{"does not close", func(c net.Conn) { socket.ReadRequest(c); c.Write(good); io.Copy(io.Discard, c) }},
		{"dribbles", func(c net.Conn) {
			socket.ReadRequest(c)
			for _, x := range good {
				if _, err := c.Write([]byte{x}); err != nil {
					return
				}
				time.Sleep(5 * time.Millisecond)
			}
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.timeout = 250 * time.Millisecond
			b.breakGlassKey()
			b.daemonIs(row.daemon)
			start := time.Now()
			code, stdout, logged := b.run(args...)
			if code != 1 || stdout != "" || !strings.Contains(logged, `denied "alice"`) || strings.Contains(logged, "BREAK-GLASS") {
				t.Errorf("code %d, stdout %q, log %q", code, stdout, logged)
			}
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

func TestDaemonOfAnotherUser(t *testing.T) {
	b := newBench(t)
	b.breakGlassKey()
	b.answers(socket.Answer{Code: socket.Allow, Text: caLine})
	b.daemon++
	if code, stdout, logged := b.run(args...); code != 1 || stdout != "" || !strings.Contains(logged, errPeer.Error()) {
		t.Errorf("code %d, stdout %q, log %q", code, stdout, logged)
	}
}

func TestArguments(t *testing.T) {
	for name, bad := range map[string][]string{
		"none": {}, "two": args[:2], "four": append(slices.Clone(args), "x"), "empty account": {"", keyType, key},
		"empty key": {"alice", keyType, ""}, "unexpanded": {"%u %t %k"}, "line end": {"alice\n", keyType, key},
		"long account": {strings.Repeat("a", maxAccount+1), keyType, key}, "long type": {"alice", strings.Repeat("a", maxKeyType+1), key},
		"long key": {"alice", keyType, strings.Repeat("A", maxKey+1)}, "NUL": {"alice", keyType, "AA\x00"},
	} {
		b := newBench(t)
		b.answers(socket.Answer{Code: socket.Allow, Text: caLine})
		if code, stdout, logged := b.run(bad...); code != 1 || stdout != "" || !strings.Contains(logged, "AuthorizedKeysCommand PATH %u %t %k") {
			t.Errorf("%s: code %d, stdout %q, log %q", name, code, stdout, logged)
		}
		if code, stdout, _ := b.run(args...); code != 0 || stdout == "" {
			t.Errorf("%s: twin: code %d", name, code)
		}
	}
}

func TestIdentity(t *testing.T) {
	for _, row := range []struct {
		name string
		edit func(*identity)
		ok   bool
	}{
		{"one user, one group", func(*identity) {}, true},
		{"no groups listed", func(id *identity) { id.groups = nil }, true},
		{"zero value", func(id *identity) { *id = identity{} }, false},
		{"root", func(id *identity) { id.uid = [3]uint32{} }, false},
		{"effective root", func(id *identity) { id.uid[1] = 0 }, false},
		{"saved root", func(id *identity) { id.uid[2] = 0 }, false},
		{"two users", func(id *identity) { id.uid[0] = 5 }, false},
		{"root's group", func(id *identity) { id.gid = [3]uint32{} }, false},
		{"saved root's group", func(id *identity) { id.gid[2] = 0 }, false},
		{"sshd's groups", func(id *identity) { id.groups = []int{0, 991} }, false},
		{"another group", func(id *identity) { id.groups = []int{991, 4} }, false},
	} {
		b := newBench(t)
		b.answers(socket.Answer{Code: socket.Allow, Text: caLine})
		id := plainUser
		id.groups = slices.Clone(id.groups)
		row.edit(&id)
		b.identity = func() (identity, error) { return id, nil }
		code, stdout, logged := b.run(args...)
		if ok := code == 0 && stdout != ""; ok != row.ok || !ok && !strings.Contains(logged, "AuthorizedKeysCommandUser dpki-authkeys") {
			t.Errorf("%s: code %d, stdout %q, log %q", row.name, code, stdout, logged)
		}
	}
	b := newBench(t)
	b.identity = func() (identity, error) { return plainUser, errors.New("no /proc") }
	if code, stdout, _ := b.run(args...); code != 1 || stdout != "" {
		t.Errorf("identity unknown: code %d, stdout %q", code, stdout)
	}
	id, err := identify()
	if err != nil || id.uid[0] != uint32(os.Getuid()) || id.uid[1] != uint32(os.Geteuid()) || id.gid[0] != uint32(os.Getgid()) {
		t.Errorf("identify: %+v, %v", id, err)
	}
}

func TestBreakGlass(t *testing.T) {
	const line = `from="192.0.2.0/24",restrict ` + keyType + " " + key + "\n"
	blob, err := base64.StdEncoding.DecodeString(key)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name   string
		edit   func(*bench)
		stdout string
		code   int
		logged string
	}{
		{"no socket", func(*bench) {}, line, 0, `BREAK-GLASS would accept "alice" with "ssh-ed25519" by "alice@token.keys"`},
		{"nobody listens", func(b *bench) { abandon(b.t, b.socket) }, line, 0, "BREAK-GLASS"},
		{"no folder for the socket", func(b *bench) { b.socket = filepath.Join(b.dir, "no", "s") }, line, 0, "BREAK-GLASS"},
		{"socket is a file", func(b *bench) { os.WriteFile(b.socket, nil, 0o600) }, line, 0, "BREAK-GLASS"}, // connect(2) says ECONNREFUSED
		{"socket's folder is a file", func(b *bench) {
			os.WriteFile(b.socket, nil, 0o600)
			b.socket += "/s"
		}, "", 1, "no answer from dpkid"},
		{"path too long", func(b *bench) { b.socket = "/" + strings.Repeat("x", 200) }, "", 1, "no answer from dpkid"},
		{"denied key", func(b *bench) { b.deny(sha256.Sum256(blob)) }, "", 1, "is denied"},
		{"no list of denied keys", func(b *bench) { os.Remove(filepath.Join(b.dir, "denied")) }, "", 1, "list of denied keys"},
		{"expired", func(b *bench) { b.now = func() time.Time { return time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC) } }, "", 1, "expired"},
		{"no key of this account", func(b *bench) { os.Remove(filepath.Join(b.dir, "breakglass.d/alice@token.keys")) }, "", 0, "no break-glass key matches"},
		{"folder writable by others", func(b *bench) { os.Chmod(filepath.Join(b.dir, "breakglass.d"), 0o777) }, "", 1, "cannot be used"},
	} {
		t.Run(row.name, func(t *testing.T) {
			b := newBench(t)
			b.breakGlassKey()
			row.edit(b)
			code, stdout, logged := b.run(args...)
			if code != row.code || stdout != row.stdout || !strings.Contains(logged, row.logged) {
				t.Errorf("code %d, stdout %q, log %q", code, stdout, logged)
			}
			if strings.Contains(logged, "break") && !strings.HasPrefix(logged, "<81>") {
				t.Errorf("not loud: %q", logged)
			}
		})
	}
}

// abandon leaves a socket behind as a daemon does that was killed.
func abandon(t testing.TB, path string) {
	t.Helper()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
}

// A full disk or a closed pipe at sshd's end is a failure, never half a line with status 0.
func TestWriteFails(t *testing.T) {
	b := newBench(t)
	b.answers(socket.Answer{Code: socket.Allow, Text: caLine})
	b.stdout = failing{}
	if code, _, logged := b.run(args...); code != 1 || !strings.Contains(logged, "could not be written") {
		t.Errorf("code %d, log %q", code, logged)
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 3, syscall.EPIPE }

func TestNoSyslogIsNoFailure(t *testing.T) {
	b := newBench(t)
	b.answers(socket.Answer{Code: socket.Allow, Text: caLine})
	b.log.path += "-absent"
	if code := run(args, b.helper); code != 0 || b.out.String() != caLine+"\n" {
		t.Errorf("code %d, stdout %q", code, b.out.String())
	}
}

// Foreign text can neither end the log line nor pose as another.
func TestForeignTextInTheLog(t *testing.T) {
	b := newBench(t)
	b.answers(socket.Answer{Code: socket.Deny, Text: strings.Repeat("\x1b", 5000)})
	_, _, logged := b.run(`alice": would accept "root`, keyType, key)
	if len(logged) > 1000 || !strings.Contains(logged, `denied "alice': would accept 'root" with`) {
		t.Errorf("%d bytes: %.200q", len(logged), logged)
	}
}

func FuzzCheckLine(f *testing.F) {
	f.Add(caLine)
	f.Add("restrict ssh-ed25519 AAAA")
	f.Add("cert-authority,restrict x y")
	f.Add(`restrict,command="cert-authority \" x" ssh-ed25519 AAAA`)
	f.Fuzz(func(t *testing.T, line string) {
		if checkLine(line) != nil {
			return
		}
		if strings.ContainsAny(line, "\r\n\x00") || line == "" || len(line) > socket.MaxText {
			t.Fatalf("%q", line)
		}
		if strings.HasPrefix(line, "cert-authority") && !strings.Contains(line, `principals="`) {
			t.Fatalf("%q", line)
		}
	})
}

func TestCheckLine(t *testing.T) {
	const rest = ` ssh-ed25519 AAAA`
	for line, ok := range map[string]bool{
		`restrict` + rest: true,
		`cert-authority,principals="g-1",restrict` + rest:                   true,
		`restrict,command="say \"cert-authority\""` + rest:                  true,
		`restrict,command="a \\" b` + rest + `,cert-authority`:              false, // the quote before b ends nothing: \\" is \ and \"
		`restrict,command="x",cert-authority` + rest:                        false,
		`restrict,command="x\"y",cert-authority` + rest:                     false,
		`cert-authority` + rest:                                             false,
		`cert-authority,restrict,principals="g-1"` + rest:                   false,
		`cert-authority,principals=g-1",restrict` + rest:                    false,
		`cert-authority,g-1",restrict` + rest:                               false,
		`cert-authority,principals="g-1",pty` + rest:                        false,
		`cert-authority,principals="",restrict` + rest:                      false,
		`cert-authority,principals="a b",restrict` + rest:                   false,
		`cert-authority,principals="g-?",restrict` + rest:                   false,
		`cert-authority,principals="g-1\",restrict` + rest:                  false,
		`restrict` + rest + strings.Repeat("x", socket.MaxText-len(rest)-8): true,
		`restrict` + rest + strings.Repeat("x", socket.MaxText-len(rest)-7): false,
		"": false, "\n": false, "restrict\x7f" + rest: false, "restrict~" + rest: true,
	} {
		if err := checkLine(line); (err == nil) != ok {
			t.Errorf("%.80q: %v", line, err)
		}
	}
	for line, want := range map[string]string{
		`restrict`: "", `principals="g-1",`: " by g-1", `principals="g-0123456789abcdef"`: " by g-0123456789abcdef", `principals="g-0123456789abcdef0"`: " by g-0123456789abcdef",
	} {
		if got := by(line); got != want {
			t.Errorf("%q: %q", line, got)
		}
	}
}
