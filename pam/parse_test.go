package pam

import (
	"bytes"
	"strings"
	"testing"

	"dpki/internal/socket"
)

func TestParseAuthInfo(t *testing.T) {
	for _, c := range []struct{ text, keyType, key string }{
		{"publickey ssh-ed25519 AAAA\n", "ssh-ed25519", "AAAA"},
		{"publickey ssh-ed25519 AAAA", "ssh-ed25519", "AAAA"},
		{"publickey ssh-ed25519 AAAA\nkeyboard-interactive/pam\n", "ssh-ed25519", "AAAA"},
		{"password\npublickey ssh-ed25519 AAAA\n", "ssh-ed25519", "AAAA"},
		{"", "", ""},
		{"password\n", "", ""},
		{"publickey\n", "", ""},
		{"publickey ssh-ed25519\n", "", ""},
		{"publickey ssh-ed25519 \n", "", ""},
		{"publickey  AAAA\n", "", ""},
		{"publickey ssh-ed25519 AAAA BBBB\n", "", ""},
		{"publickey ssh-ed25519 AAAA\npublickey ssh-ed25519 BBBB\n", "", ""},
		{"publickey ssh-ed25519 AAAA\npublickey ssh-ed25519 AAAA\n", "", ""},
		{"publickeys ssh-ed25519 AAAA\n", "", ""},
		{" publickey ssh-ed25519 AAAA\n", "", ""},
		{"hostbased ssh-ed25519 AAAA\n", "", ""},
		{strings.Repeat("x", maxAuthInfo) + "\npublickey ssh-ed25519 AAAA\n", "", ""},
	} {
		keyType, key, err := parseAuthInfo(c.text)
		if keyType != c.keyType || key != c.key || (err == nil) != (c.key != "") {
			t.Errorf("%.60q: %q %q, %v; want %q %q", c.text, keyType, key, err, c.keyType, c.key)
		}
	}
}

func FuzzParseAuthInfo(f *testing.F) {
	f.Add("publickey ssh-ed25519 AAAA\nkeyboard-interactive/pam\n")
	f.Add("publickey a b\npublickey a c")
	f.Fuzz(func(t *testing.T, text string) {
		keyType, key, err := parseAuthInfo(text)
		if (err == nil) != (key != "") || (err == nil) != (keyType != "") {
			t.Errorf("%q %q, %v", keyType, key, err)
		}
		if err == nil && strings.Count("\n"+text, "\npublickey ") != 1 {
			t.Errorf("%q has not one public key", text)
		}
	})
}

func TestParseQuestion(t *testing.T) {
	good := socket.NewRequest(socket.Account, "sshd", "alice", "192.0.2.1", "ssh")
	if q, err := parseQuestion(good); err != nil || q.service != "sshd" || q.user != "alice" || q.remote != "192.0.2.1" || q.terminal != "ssh" {
		t.Fatalf("%+v, %v", q, err)
	}
	for name, req := range map[string]socket.Request{
		"too few":           socket.NewRequest(socket.Account, "sshd", "alice", ""),
		"too many":          socket.NewRequest(socket.Account, "sshd", "alice", "", "", ""),
		"no service":        socket.NewRequest(socket.Account, "", "alice", "", ""),
		"no user":           socket.NewRequest(socket.Account, "sshd", "", "", ""),
		"control character": socket.NewRequest(socket.Account, "sshd", "alice\n", "", ""),
		"not ASCII":         socket.NewRequest(socket.Account, "sshd", "alice", "\xff", ""),
		"too long":          socket.NewRequest(socket.Account, "sshd", "alice", strings.Repeat("a", maxItem+1), ""),
		"no auth info":      socket.NewRequest(socket.OpenSession, "sshd", "alice", "", ""),
		"NUL in auth info":  socket.NewRequest(socket.OpenSession, "sshd", "alice", "", "", "a\x00"),
		"long auth info":    socket.NewRequest(socket.OpenSession, "sshd", "alice", "", "", strings.Repeat("a", maxAuthInfo+1)),
	} {
		if q, err := parseQuestion(req); err == nil || q != (question{}) {
			t.Errorf("%s: %+v, %v", name, q, err)
		}
	}
}

func FuzzParseQuestion(f *testing.F) {
	for _, r := range []socket.Request{
		socket.NewRequest(socket.Account, "sshd", "alice", "", ""),
		socket.NewRequest(socket.OpenSession, "sshd", "alice", "", "", "publickey a b\n"),
	} {
		b, err := r.Marshal()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		req, err := socket.ReadRequest(bytes.NewReader(b))
		if err != nil {
			return
		}
		if q, err := parseQuestion(req); err == nil && (!printable(q.user) || !printable(q.service) || q.user == "") {
			t.Errorf("%+v", q)
		}
	})
}
