package login

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

func TestSplitArgs(t *testing.T) {
	for in, want := range map[string]string{
		"":                      "|",
		"uname -a":              "|uname -a",
		"-v uname -a":           "-v|uname -a",
		"-v -L 1:h:2 uname -a":  "-v -L 1:h:2|uname -a",
		"-vL 1:h:2 uname":       "-vL 1:h:2|uname",
		"-L1:h:2 uname":         "-L1:h:2|uname",
		"-oX=y -- -x":           "-oX=y|-x",
		"-N":                    "-N|",
		"-L":                    "-L|",
		"-o User=x -N -- ls -l": "-o User=x -N|ls -l",
		"- x":                   "|- x",
	} {
		flags, command := splitArgs(strings.Fields(in))
		if got := strings.Join(flags, " ") + "|" + strings.Join(command, " "); got != want {
			t.Errorf("splitArgs(%q) = %q, want %q", in, got, want)
		}
	}
}

func session(t *testing.T) *Session {
	t.Helper()
	k, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	return &Session{
		Key: k, Until: time.Now().Add(time.Minute), Account: "alice", Address: "h.example:22", Alias: "d-1.dpki",
		HostKey: strings.TrimSpace(string(ssh.MarshalAuthorizedKey(k.Public()))),
	}
}

// TestAgent: the key signs while the grant lives, is listed once, and nobody on
// the other side of a forwarded agent puts another in.
func TestAgent(t *testing.T) {
	s := session(t)
	path := filepath.Join(t.TempDir(), "agent")
	stop, err := s.agent(path)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	client := agent.NewClient(conn)
	keys, err := client.List()
	if err != nil || len(keys) != 1 || !bytes.Equal(keys[0].Blob, s.Key.Public().Marshal()) {
		t.Fatalf("keys %v, %v", keys, err)
	}
	if sig, err := client.Sign(s.Key.Public(), []byte("x")); err != nil || s.Key.Public().Verify([]byte("x"), sig) != nil {
		t.Errorf("signature: %v", err)
	}
	other := session(t)
	if err := client.Add(agent.AddedKey{PrivateKey: other.Key.private}); err == nil {
		t.Error("the agent took a key")
	}
	if err := client.RemoveAll(); err == nil {
		t.Error("the agent let its key be removed")
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("socket: %v, %v", info.Mode(), err)
	}
	stop()
	if c, err := net.Dial("unix", path); err == nil {
		c.Close()
		t.Error("the agent listens after the session")
	}
	s.Until = time.Now().Add(-time.Second)
	if _, err := s.agent(path + "2"); err == nil {
		t.Error("an agent for a grant that has ended")
	}
}

func TestAgentForgets(t *testing.T) {
	s := session(t)
	s.Until = time.Now().Add(time.Second)
	path := filepath.Join(t.TempDir(), "agent")
	stop, err := s.agent(path)
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	time.Sleep(time.Until(s.Until) + 600*time.Millisecond)
	if keys, err := agent.NewClient(conn).List(); err != nil || len(keys) != 0 {
		t.Errorf("%d keys after the grant's end, %v", len(keys), err)
	}
}

// TestRun: the program gets its options, sees the files, and its status is the
// result; the folder is gone afterwards.
func TestRun(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	program := filepath.Join(t.TempDir(), "ssh")
	script := "#!/bin/sh\nfor o; do case $o in UserKnownHostsFile=*) cat \"${o#*=}\";; esac; done; echo \"$@\"; exit 9\n"
	if err := os.WriteFile(program, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	s := session(t)
	var out bytes.Buffer
	s.Program, s.Stdout, s.Args = program, &out, []string{"-v", "true"}
	status, err := s.Run(context.Background())
	if err != nil || status != 9 {
		t.Errorf("status %d, %v, want 9", status, err)
	}
	for _, want := range []string{"d-1.dpki ssh-ed25519 ", "StrictHostKeyChecking=yes", "-l alice -v -- h.example true", "HostKeyAlgorithms=ssh-ed25519"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, &out)
		}
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	s.Address = "no port"
	if _, err := s.Run(context.Background()); err == nil {
		t.Error("an address without a port was used")
	}
	t.Setenv("PATH", temp)
	s.Program = ""
	if _, err := s.Run(context.Background()); !errors.Is(err, ErrNoSSH) {
		t.Errorf("without ssh: %v", err)
	}
}

// TestRunEnds: when the command is told to stop, ssh is told too.
func TestRunEnds(t *testing.T) {
	program, began := filepath.Join(t.TempDir(), "ssh"), filepath.Join(t.TempDir(), "began")
	if err := os.WriteFile(program, []byte("#!/bin/sh\n: >"+began+"\nexec sleep 60\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	s := session(t)
	s.Program = program
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	told := make(chan time.Time, 1)
	go func() { // once ssh is there
		for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
			if _, err := os.Stat(began); err == nil {
				break
			}
		}
		told <- time.Now()
		cancel()
	}()
	status, err := s.Run(ctx)
	if took := time.Since(<-told); err != nil || status != 255 || took > 20*time.Second {
		t.Errorf("status %d, %v after %v, want 255", status, err, took)
	}
}

func TestHostAlgorithms(t *testing.T) {
	if got := hostAlgorithms(ssh.KeyAlgoRSA); !slices.Equal(strings.Split(got, ","), []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256}) {
		t.Errorf("rsa: %s", got)
	}
}
