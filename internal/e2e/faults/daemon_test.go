package faults

import (
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"dpki/internal/devchain"
	"dpki/internal/harness"
	"dpki/internal/harness/machine"
	"dpki/internal/socket"
)

const authkeysSocket = "/run/dpki/authkeys.sock"

// TestKilled: kill -9 costs a moment of denials, and nothing that was known.
func TestKilled(t *testing.T) {
	w := newWorld(t, devchain.Options{}, machine.Options{})
	const bar = time.Second
	for range 3 {
		w.Daemon.Kill()
		w.out("killed", w.alice)
		began := time.Now()
		w.Run()
		if w.Ask("alice", w.alice.cert) == "" {
			t.Error("right after kill -9 the daemon refuses what it accepted")
		}
		took := time.Since(began)
		t.Logf("ready again after %v", took.Round(time.Millisecond))
		if took > 5*bar {
			t.Errorf("ready again after %v, want at most five times %v", took, bar)
		}
		w.in("run again", w.alice)
	}
	// A revocation that came while nobody was there.
	gone := w.grant("alice")
	w.in("granted", gone)
	w.Daemon.Kill()
	w.Org.Revoke(w.ID, gone.grant)
	w.Run()
	w.until("revoked meanwhile", gone, false, harness.Patience)
	w.in("not revoked", w.alice)

	// Not even the socket is there.
	w.Daemon.Stop()
	os.Remove(authkeysSocket)
	w.out("stopped", w.alice)
	w.Run()
	w.in("run after a stop", w.alice)
}

// TestStopped: a daemon that hangs is no daemon that says yes, and sshd does not hang with it.
func TestStopped(t *testing.T) {
	w := newWorld(t, devchain.Options{}, machine.Options{})
	log := harness.StartSyslog(t)
	if err := w.Daemon.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	const waits = 2 * time.Second // of the helper; sshd asks it once for a refused key
	if took := w.out("stopped", w.alice); took > 5*waits || took < waits {
		t.Errorf("the refusal took %v, want about %v", took, waits)
	}
	log.Wait(t, "timeout", harness.Patience)
	if err := w.Daemon.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	w.in("goes on", w.alice)
}

// TestFalseAnswers puts another program on the daemon's socket, as root could, and shows that sshd is told only what a
// whole answer says.
func TestFalseAnswers(t *testing.T) {
	w := newWorld(t, devchain.Options{}, machine.Options{})
	line := strings.TrimSuffix(w.Ask("alice", w.alice.cert), "\n")
	allow := func(text string) []byte {
		b, err := socket.Answer{Code: socket.Allow, Text: text}.Marshal()
		w.Must(err)
		return b
	}
	whole := allow(line)
	w.Daemon.Stop()
	for _, row := range []struct {
		name   string
		answer []byte
		in     bool
		wait   time.Duration
	}{
		{name: "the twin", answer: whole, in: true},
		{name: "nothing"},
		{name: "gone in mid-answer", answer: whole[:len(whole)/2]},
		{name: "gone before the last byte", answer: whole[:len(whole)-1]},
		{name: "a byte more", answer: append(whole[:len(whole):len(whole)], 'x')},
		{name: "two answers", answer: append(whole[:len(whole):len(whole)], whole...)},
		{name: "unknown code", answer: append([]byte{77}, whole[1:]...)},
		{name: "error with the line", answer: append([]byte{byte(socket.Error)}, whole[1:]...)},
		{name: "denial with the line", answer: append([]byte{byte(socket.Deny)}, whole[1:]...)},
		{name: "two lines", answer: allow("# denied\n" + line)},
		{name: "the line alone", answer: []byte(line + "\n")},
		{name: "too late", answer: whole, wait: 2500 * time.Millisecond},
		{name: "the twin again", answer: whole, in: true},
	} {
		stop := answering(t, row.answer, row.wait)
		if row.in {
			w.in(row.name, w.alice)
		} else {
			w.out(row.name, w.alice)
		}
		stop()
	}
	w.Run()
	w.in("the daemon again", w.alice)
}

// answering gives each question the same bytes.
func answering(t *testing.T, answer []byte, wait time.Duration) (stop func()) {
	t.Helper()
	os.Remove(authkeysSocket)
	l, err := net.Listen("unix", authkeysSocket)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(authkeysSocket, 0, machine.HelperUser); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(authkeysSocket, 0o660); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			socket.ReadRequest(c)
			time.Sleep(wait)
			c.Write(answer)
			c.Close()
		}
	}()
	return func() { l.Close(); <-done }
}
