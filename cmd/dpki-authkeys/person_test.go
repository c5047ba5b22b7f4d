package main

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"dpki/internal/socket"
)

// Whoever runs the helper at a terminal reads there what the log is told: why
// nothing was printed. Neither has the key.
func TestByHand(t *testing.T) {
	for _, row := range []struct {
		name string
		args []string
		set  func(*bench)
		want string
	}{
		{"without arguments", nil, func(*bench) {}, "arguments must be account, key type and key"},
		{"as root", args, func(b *bench) { b.identity = func() (identity, error) { return identity{}, nil } }, "not as root"},
		{"denied", args, func(b *bench) { b.answers(socket.Answer{Code: socket.Deny, Text: "no\x1b grant"}) }, `denied "alice" with "ssh-ed25519": no? grant`},
		{"accepted", args, func(b *bench) { b.answers(socket.Answer{Code: socket.Allow, Text: caLine}) }, `would accept "alice"`},
		{"a daemon that hangs up", args, func(b *bench) { b.daemonIs(func(net.Conn) {}) }, "no answer from dpkid"},
	} {
		b := newBench(t)
		row.set(b)
		var said bytes.Buffer
		b.person = &said
		run(row.args, b.helper)
		line := said.String()
		if !strings.HasPrefix(line, "dpki-authkeys: ") || !strings.Contains(line, row.want) || strings.Count(line, "\n") != 1 || strings.Contains(line, key) {
			t.Errorf("%s: %q, want %q", row.name, line, row.want)
		}
	}
}

// Only a terminal is a person: not what sshd gives the helper, nor a file.
func TestPerson(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "f"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	for _, f := range []*os.File{file, null} {
		if person(f) != nil {
			t.Errorf("%s is a person", f.Name())
		}
	}
	if terminal := openTerminal(t); person(terminal) == nil {
		t.Error("a terminal is none")
	}
}

// openTerminal is the program's end of a new terminal (pty(7)).
func openTerminal(t *testing.T) *os.File {
	t.Helper()
	control, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { control.Close() })
	var lock, number int32
	for request, v := range map[uintptr]*int32{syscall.TIOCSPTLCK: &lock, syscall.TIOCGPTN: &number} {
		if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, control.Fd(), request, uintptr(unsafe.Pointer(v))); errno != 0 {
			t.Fatal(errno)
		}
	}
	f, err := os.OpenFile("/dev/pts/"+strconv.Itoa(int(number)), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}
