package breakglass

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"dpki/state"
)

var (
	now  = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	blob = []byte("\x00\x00\x00\x0bssh-ed25519\x00\x00\x00\x2001234567890123456789012345678901")
	key  = base64.StdEncoding.EncodeToString(blob)
)

const (
	keyType = "ssh-ed25519"
	options = `from="192.0.2.0/24,2001:db8::1",expiry-time="20261123000000Z",restrict,pty`
)

// machine is a root folder of its own, all of it the tester's.
type machine struct {
	t testing.TB
	Store
	query Query
	at    time.Time // of the denied list
}

func newMachine(t testing.TB) *machine {
	t.Helper()
	m := &machine{t: t, Store: System(), query: Query{Account: "root", KeyType: keyType, Key: key, Now: now}}
	m.Root, m.Owner = t.TempDir(), uint32(os.Getuid())
	for _, dir := range []string{"/etc/dpki/breakglass.d", "/var/lib/dpki"} {
		if err := os.MkdirAll(m.Root+dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	// umask and setgid folders aside, so that the modes are these.
	m.chmod("/", 0o755)
	m.put("root@token.keys", "# alice's token\n\n"+options+" "+keyType+" "+key+" a comment\n")
	m.deny()
	return m
}

func (m *machine) put(name, text string) {
	m.t.Helper()
	if err := os.WriteFile(m.Root+Folder+"/"+name, []byte(text), 0o644); err != nil {
		m.t.Fatal(err)
	}
}

func (m *machine) deny(keys ...[32]byte) {
	m.t.Helper()
	if err := WriteDenied(m.Root+DeniedFile, m.at, slices.Values(keys)); err != nil {
		m.t.Fatal(err)
	}
}

func (m *machine) chmod(path string, mode os.FileMode) {
	m.t.Helper()
	if err := os.Chmod(m.Root+path, mode); err != nil {
		m.t.Fatal(err)
	}
}

func (m *machine) rename(from, to string) {
	m.t.Helper()
	if err := os.Rename(m.Root+from, m.Root+to); err != nil {
		m.t.Fatal(err)
	}
}

func TestLookup(t *testing.T) {
	m := newMachine(t)
	got, err := m.Lookup(m.query)
	want := Match{
		Line: `from="192.0.2.0/24,2001:db8::1",restrict,pty ` + keyType + " " + key,
		File: "root@token.keys", Expires: time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC),
	}
	if err != nil || got != want {
		t.Errorf("got %+v, %v\nwant %+v", got, err, want)
	}
}

// Each row starts from TestLookup's machine, where the key is accepted.
func TestRefusals(t *testing.T) {
	hash := sha256.Sum256(blob)
	link := func(m *machine, path string) {
		m.rename(path, path+".real")
		if err := os.Symlink(m.Root+path+".real", m.Root+path); err != nil {
			m.t.Fatal(err)
		}
	}
	line := func(text string) func(*machine) {
		return func(m *machine) { m.put("root@token.keys", text+"\n") }
	}
	options := func(text string) func(*machine) { return line(text + " " + keyType + " " + key) }
	const file = Folder + "/root@token.keys"
	const from, expiry = `from="192.0.2.0/24"`, `expiry-time="20261123000000Z"`
	for _, row := range []struct {
		name   string
		attack func(*machine)
		want   error
	}{
		{"zero store", func(m *machine) { m.Store = Store{} }, ErrNoKey},
		{"zero query", func(m *machine) { m.query = Query{} }, ErrNoKey},
		{"no clock", func(m *machine) { m.query.Now = time.Unix(0, 0) }, ErrNoKey},
		{"another account", func(m *machine) { m.query.Account = "alice" }, ErrNoKey},
		{"account that begins alike", func(m *machine) { m.rename(file, Folder+"/root2@token.keys") }, ErrNoKey},
		{"account with a path", func(m *machine) { m.query.Account = "../breakglass.d/root" }, ErrNoKey},
		{"account that is none", func(m *machine) { m.query.Account = "-root"; m.rename(file, Folder+"/-root.keys") }, ErrNoKey},
		{"no root", func(m *machine) { m.Root = "" }, ErrNoKey},
		{"no key", func(m *machine) { m.query.Key = "" }, ErrNoKey},
		{"account with the label", func(m *machine) { m.query.Account = "root@token" }, ErrNoKey},
		{"another suffix", func(m *machine) { m.rename(file, Folder+"/root@token.keys~") }, ErrNoKey},
		{"another key", func(m *machine) { m.query.Key = base64.StdEncoding.EncodeToString(append(blob, 0)) }, ErrNoKey},
		{"another type", func(m *machine) { m.query.KeyType = "ssh-rsa" }, ErrNoKey},
		{"a certificate's type", func(m *machine) { m.query.KeyType = "ssh-ed25519-cert-v01@openssh.com" }, ErrNoKey},
		{"key spelled otherwise", func(m *machine) { m.query.Key = key[:8] + "\n" + key[8:] }, ErrNoKey},

		{"expired this second", func(m *machine) { m.query.Now = time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC) }, ErrExpired},
		{"denied", func(m *machine) { m.deny([32]byte{1}, hash, [32]byte{2}) }, ErrDenied},
		{"denied by the asker", func(m *machine) { m.query.IsDenied = func(k [32]byte) bool { return k == hash } }, ErrDenied},
		{"no denied list", func(m *machine) { m.rename(DeniedFile, DeniedFile+"-") }, ErrDeniedList},
		{"empty denied list", edit(DeniedFile, func(string) string { return "" }), ErrDeniedList},
		{"truncated denied list", edit(DeniedFile, func(s string) string { return s[:len(s)-len("end 0\n")] }), ErrDeniedList},
		{"denied list with a line lost", edit(DeniedFile, func(s string) string { return strings.Replace(s, "end 0", "end 1", 1) }), ErrDeniedList},
		{"denied list of another version", edit(DeniedFile, func(s string) string { return strings.Replace(s, "denied 2", "denied 1", 1) }), ErrDeniedList},
		{"denied list without a time", edit(DeniedFile, func(s string) string { return strings.Replace(s, "at ", "", 1) }), ErrDeniedList},
		{"denied list of a time with a sign", edit(DeniedFile, func(s string) string { return strings.Replace(s, "at ", "at +", 1) }), ErrDeniedList},
		{"clock set back", func(m *machine) {
			m.at, m.query.Now = time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC), m.query.Now.AddDate(-10, 0, 0)
			m.deny()
		}, ErrExpired},
		{"denied list with rubbish", edit(DeniedFile, func(s string) string { return strings.Replace(s, "end 0", "xyz\nend 1", 1) }), ErrDeniedList},
		{"denied list writable by others", func(m *machine) { m.chmod(DeniedFile, 0o666) }, ErrDeniedList},
		{"denied list is a link", func(m *machine) { link(m, DeniedFile) }, ErrDeniedList},
		{"denied list's folder writable by others", func(m *machine) { m.chmod("/var/lib/dpki", 0o777) }, ErrDeniedList},
		{"denied list's folder is a link", func(m *machine) { link(m, "/var/lib/dpki") }, ErrDeniedList},

		{"no folder", func(m *machine) { m.rename(Folder, Folder+"-") }, ErrFolder},
		{"folder writable by the group", func(m *machine) { m.chmod(Folder, 0o775) }, ErrFolder},
		{"folder writable by all", func(m *machine) { m.chmod(Folder, 0o757) }, ErrFolder},
		{"folder's parent writable by all, sticky", func(m *machine) { m.chmod("/etc/dpki", 0o777|os.ModeSticky) }, ErrFolder},
		{"root writable by all", func(m *machine) { m.chmod("/", 0o777) }, ErrFolder},
		{"folder is a link", func(m *machine) { link(m, Folder) }, ErrFolder},
		{"folder's parent is a link", func(m *machine) { link(m, "/etc/dpki") }, ErrFolder},
		{"folder is a file", func(m *machine) {
			m.rename(Folder, Folder+"-")
			if err := os.WriteFile(m.Root+Folder, nil, 0o644); err != nil {
				m.t.Fatal(err)
			}
		}, ErrFolder},
		{"another owner", func(m *machine) { m.Owner++ }, ErrFolder},
		{"too many files", func(m *machine) {
			for i := range maxFiles {
				m.put(fmt.Sprint("x", i), "")
			}
		}, ErrFolder},
		{"too many files of one account", func(m *machine) {
			for i := range maxMatches {
				m.put(fmt.Sprintf("root@%d.keys", i), "")
			}
		}, ErrFolder},

		{"file writable by the group", func(m *machine) { m.chmod(file, 0o664) }, ErrUnsafe},
		{"file writable by all", func(m *machine) { m.chmod(file, 0o646) }, ErrUnsafe},
		{"file is a link", func(m *machine) { link(m, file) }, ErrUnsafe},
		{"file is a folder", func(m *machine) {
			m.rename(file, file+"-")
			if err := os.Mkdir(m.Root+file, 0o755); err != nil {
				m.t.Fatal(err)
			}
		}, ErrUnsafe},
		{"file is a FIFO", func(m *machine) {
			m.rename(file, file+"-")
			if err := syscall.Mkfifo(m.Root+file, 0o644); err != nil {
				m.t.Fatal(err)
			}
		}, ErrUnsafe},
		{"file too long", edit(file, func(s string) string { return s + "#" + strings.Repeat("x", 2*maxLine) }), ErrNoKey},
		{"empty file", edit(file, func(string) string { return "" }), ErrLine},
		{"two lines", edit(file, func(s string) string { return s + s }), ErrLine},

		{"no options", options(""), ErrLine},
		{"no key", line(from + "," + expiry + " " + keyType), ErrLine},
		{"no from", options(expiry), ErrLine},
		{"no expiry", options(from), ErrLine},
		{"empty from", options(`from="",` + expiry), ErrLine},
		{"from without quotes", options(`from=192.0.2.1,` + expiry), ErrLine},
		{"from everywhere", options(`from="*",` + expiry), ErrLine},
		{"from every address", options(`from="0.0.0.0/0",` + expiry), ErrLine},
		{"from every IPv6 address", options(`from="192.0.2.1,::/0",` + expiry), ErrLine},
		{"from a name", options(`from="host.example",` + expiry), ErrLine},
		{"from with a bit too many", options(`from="192.0.2.1/24",` + expiry), ErrLine},
		{"from twice", options(from + "," + from + "," + expiry), ErrLine},
		{"quote that does not end", options(`from="192.0.2.1,` + expiry), ErrLine},
		{"expiry without Z", options(from + `,expiry-time="20261123000000"`), ErrLine},
		{"expiry of a day", options(from + `,expiry-time="20261123"`), ErrLine},
		{"expiry that is none", options(from + `,expiry-time="20261399000000Z"`), ErrLine},
		{"expiry with a fraction", options(from + `,expiry-time="20261123000000.5Z"`), ErrLine},
		{"expiry without a value", options(from + `,expiry-time`), ErrLine},
		{"cert-authority", options("cert-authority," + from + "," + expiry), ErrLine},
		{"principals", options(`principals="root",` + from + "," + expiry), ErrLine},
		{"environment", options(`environment="LD_PRELOAD=x",` + from + "," + expiry), ErrLine},
		{"unknown option", options("hope," + from + "," + expiry), ErrLine},
		{"flag with a value", options(`pty="yes",` + from + "," + expiry), ErrLine},
		{"command that escapes its quote", options(`command="x\\",` + from + "," + expiry), ErrLine},
		{"empty option", options(from + ",," + expiry), ErrLine},
		{"comma at the end", options(from + "," + expiry + ","), ErrLine},
		{"tab", options(from + "," + expiry + "\t"), ErrLine},
		{"certificate", line(from + "," + expiry + " ssh-ed25519-cert-v01@openssh.com " + key), ErrLine},
		{"key that is not base64", line(from + "," + expiry + " " + keyType + " AAAA*AAA"), ErrLine},
		{"line too long", options(`command="` + strings.Repeat("x", maxLine) + `",` + from + "," + expiry), ErrLine},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t)
			if got, err := m.Lookup(m.query); err != nil || got.Line == "" {
				t.Fatalf("twin: %v", err)
			}
			row.attack(m)
			got, err := m.Lookup(m.query)
			if !errors.Is(err, row.want) || got != (Match{}) {
				t.Errorf("got %+v, %v; want %v", got, err, row.want)
			}
		})
	}
}

func TestParseLine(t *testing.T) {
	const must = `from="192.0.2.1",expiry-time="20301231235959Z"`
	var all []string
	for f := range flags {
		all = append(all, f)
	}
	slices.Sort(all)
	every := strings.Join(all, ",")
	for text, want := range map[string]string{
		must:                                    `from="192.0.2.1"`,
		every + "," + must:                      every + `,from="192.0.2.1"`,
		must + `,command="a \"b\", \c ~"`:       `from="192.0.2.1",command="a \"b\", \c ~"`,
		must + `,restrict,pty`:                  `from="192.0.2.1",restrict,pty`,
		strings.ReplaceAll(must, ".1", ".0/24"): `from="192.0.2.0/24"`,
		strings.ReplaceAll(must, "192.0.2.1", "2001:db8::/32,::1"): `from="2001:db8::/32,::1"`,
	} {
		e, err := ParseLine(text + " sk-ssh-ed25519@openssh.com  " + key + "   what it is")
		if err != nil || e.Options != want || e.KeyType != "sk-ssh-ed25519@openssh.com" || e.Key != key ||
			e.Line() != want+" sk-ssh-ed25519@openssh.com "+key {
			t.Errorf("%s: %+v, %v", text, e, err)
		}
	}
	for _, want := range []string{"restrict", "verify-required", "pty", "no-pty", "port-forwarding", "no-port-forwarding", "agent-forwarding",
		"no-agent-forwarding", "X11-forwarding", "no-X11-forwarding", "user-rc", "no-user-rc"} {
		if !flags[want] {
			t.Errorf("%s is not known", want)
		}
	}
	for _, bad := range []string{
		must + ` ` + keyType + " ", must + ` ` + keyType + ` =`, must + ` ` + keyType + ` ====`, must + ` ` + keyType + ` ` + key + "=",
		must + ` ssh_rsa ` + key, must + ` SSH-RSA ` + key, must + `  ` + key, must + ` "ssh-rsa" ` + key,
		must + `,command="" ` + keyType + ` ` + key, must + `,command ` + keyType + ` ` + key,
		must + `,command="x\` + "\x7f" + `" ` + keyType + ` ` + key, must + `,command="` + "\x1f" + `" ` + keyType + ` ` + key,
		must + `,command="` + "\u00e4" + `" ` + keyType + ` ` + key, must + `,="x" ` + keyType + ` ` + key, `=,` + must + ` ` + keyType + ` ` + key,
		`,` + must + ` ` + keyType + ` ` + key, ` ` + must + ` ` + keyType + ` ` + key, must + `,pty`, must, must + `"`,
	} {
		if e, err := ParseLine(bad); !errors.Is(err, ErrLine) || e != (Entry{}) {
			t.Errorf("%q: %+v, %v", bad, e, err)
		}
	}
}

func TestPlainKeyType(t *testing.T) {
	for s, want := range map[string]bool{
		"ssh-rsa": true, "ecdsa-sha2-nistp256": true, "sk-ssh-ed25519@openssh.com": true, "a0z9": true,
		"": false, "ssh-rsa-cert-v01@openssh.com": false, "ssh rsa": false, "SSH-RSA": false, "ssh_rsa": false, "ssh-rsa\x00": false, "ssh-rsa,": false, "{": false, "`": false, ":": false, "/": false,
	} {
		if got := plainKeyType(s); got != want {
			t.Errorf("%q: %v", s, got)
		}
	}
}

func edit(path string, f func(string) string) func(*machine) {
	return func(m *machine) {
		m.t.Helper()
		b, err := os.ReadFile(m.Root + path)
		if err != nil {
			m.t.Fatal(err)
		}
		if err := os.WriteFile(m.Root+path, []byte(f(string(b))), 0o644); err != nil {
			m.t.Fatal(err)
		}
	}
}

// A file that is wrong does not stand in the way of one that is right.
func TestWrongFileBesideRight(t *testing.T) {
	m := newMachine(t)
	m.put("root.keys", "rubbish\n")
	m.put("root@a.keys", options+" "+keyType+" "+base64.StdEncoding.EncodeToString([]byte("another"))+"\n")
	m.put("root@b.keys", strings.Replace(options, "2026", "2025", 1)+" "+keyType+" "+key+"\n")
	if got, err := m.Lookup(m.query); err != nil || got.File != "root@token.keys" {
		t.Errorf("%+v, %v", got, err)
	}
}

// The daemon's state folder may be closed to listing.
func TestFolderThatCannotBeListed(t *testing.T) {
	m := newMachine(t)
	m.chmod("/var/lib/dpki", 0o711)
	m.chmod("/etc/dpki", 0o711)
	if _, err := m.Lookup(m.query); err != nil {
		t.Error(err)
	}
}

func TestWriteDenied(t *testing.T) {
	path := filepath.Join(t.TempDir(), "denied")
	for _, keys := range [][]state.Word{nil, {{1}, {2}}, {{0xab}}} {
		if err := WriteDenied(path, now, slices.Values(keys)); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		got, err := parseDenied(b)
		if err != nil || len(got.keys) != len(keys) || !got.at.Equal(now) {
			t.Errorf("%d keys at %v, %v; want %d", len(got.keys), got.at, err, len(keys))
		}
		for _, k := range keys {
			if !got.keys[k] {
				t.Errorf("%s is missing", k)
			}
		}
		for i := range b {
			if got, err := parseDenied(b[:i]); err == nil {
				t.Errorf("the first %d of %d bytes are a list of %d", i, len(b), len(got.keys))
			}
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(left) != 1 {
		t.Errorf("left %v, %v", left, err)
	}
	if err := WriteDenied(filepath.Join(t.TempDir(), "no", "denied"), now, slices.Values([][32]byte{})); err == nil {
		t.Error("written into a folder that does not exist")
	}
}

// The two spellings of one rule agree.
// A list that cannot be replaced stands as long as it refuses all that the new one would.
func TestDeniedListThatCannotBeReplaced(t *testing.T) {
	m := newMachine(t)
	path, other := m.Root+DeniedFile, sha256.Sum256([]byte("other"))
	m.deny(other)
	m.accepted("before")
	tooMany := func(first [32]byte) func(func([32]byte) bool) {
		return func(yield func([32]byte) bool) {
			for range maxDenied / 64 { // one key, often: as much to write
				if !yield(first) {
					return
				}
			}
		}
	}
	if err := WriteDenied(path, now, tooMany(other)); err == nil {
		t.Fatal("a list that is too long was written")
	}
	m.accepted("all of them listed already")
	if err := WriteDenied(path, now, tooMany(sha256.Sum256(blob))); err == nil {
		t.Fatal("a list that is too long was written")
	}
	if got, err := m.Lookup(m.query); !errors.Is(err, ErrDeniedList) {
		t.Errorf("a denied key that could not be listed: %+v, %v; want ErrDeniedList", got, err)
	}
}

func (m *machine) accepted(when string) {
	m.t.Helper()
	if _, err := m.Lookup(m.query); err != nil {
		m.t.Errorf("%s: %v, want it accepted", when, err)
	}
}

func TestValidAccount(t *testing.T) {
	accounts := []string{"", "a", "-a", ".a", "_a", "a.b-c_D9", strings.Repeat("x", 32), strings.Repeat("x", 33), "a b", "a@b", "\u00e4"}
	for c := range 256 {
		accounts = append(accounts, string([]byte{byte(c)}), string([]byte{'a', byte(c)}))
	}
	for _, a := range accounts {
		if got, want := ValidAccount(a), state.ValidAccount(a); got != want {
			t.Errorf("%q: %v, state says %v", a, got, want)
		}
	}
}

func FuzzParseLine(f *testing.F) {
	for _, line := range []string{
		options + " " + keyType + " " + key, options + " " + keyType + " " + key + " comment",
		`command="a \"b\", c",from="::1",expiry-time="20301231235959Z" ssh-rsa AAAA`, `from="1.2.3.4`, "cert-authority " + keyType + " " + key, "",
	} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		e, err := ParseLine(line)
		if err != nil {
			return
		}
		if !printable(e.Line()) || !strings.Contains(","+e.Options, `,from="`) || e.Expires.IsZero() ||
			strings.Contains(e.Options, "cert-authority") && !strings.Contains(e.Options, `command="`) {
			t.Fatalf("%q became %+v", line, e)
		}
		// With its expiry again it is the same line.
		again, err := ParseLine(e.Options + `,expiry-time="` + e.Expires.Format("20060102150405Z") + `" ` + e.KeyType + " " + e.Key)
		if err != nil || again != e {
			t.Fatalf("%q became %+v and then %+v, %v", line, e, again, err)
		}
	})
}

func FuzzParseDenied(f *testing.F) {
	f.Add([]byte("dpki-denied 2\nat 0\nend 0\n"))
	f.Add([]byte("dpki-denied 2\nat 1795000000\n" + strings.Repeat("ab", 32) + "\nend 1\n"))
	f.Add([]byte("dpki-denied 2\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		denied, err := parseDenied(b)
		if err != nil && denied.keys != nil {
			t.Fatal("a list beside the error")
		}
		if err == nil && len(denied.keys) > len(b)/64 {
			t.Fatalf("%d keys in %d bytes", len(denied.keys), len(b))
		}
	})
}
