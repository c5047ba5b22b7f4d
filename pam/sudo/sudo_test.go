package sudo

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dpki/internal/harness"
	"dpki/pam/proc"
	"dpki/pam/session"
	"dpki/state"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// who is a session of the test process, whose child stands for sudo.
type who struct {
	session session.Session
	sudo    proc.Process
}

// scene makes a session of a credential and a process whose environment names the socket.
func scene(t *testing.T, credential ssh.PublicKey, socket string) who {
	t.Helper()
	monitor, err := proc.Find(int32(os.Getpid()))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sleep", "1000")
	cmd.Env = []string{"SSH_AUTH_SOCK=" + socket}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	p, err := proc.Find(int32(cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	harness.Eventually(t, 10*time.Second, func() error {
		if _, ok, err := p.Environ("SSH_AUTH_SOCK"); err != nil || !ok {
			return errors.New("not started")
		}
		return nil
	})
	f := strings.Fields(string(ssh.MarshalAuthorizedKey(credential)))
	return who{session.Session{Monitor: monitor, Account: "root", KeyType: f[0], Key: f[1]}, p}
}

// serve runs an agent until the test ends.
func serve(t *testing.T, a agent.Agent) (socket string) {
	t.Helper()
	return listen(t, func(c net.Conn) { agent.ServeAgent(a, c) })
}

func listen(t *testing.T, handle func(net.Conn)) (socket string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "dpki-agent-") // shorter than t.TempDir: a socket's path has 107 bytes
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", filepath.Join(dir, "a"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close(); os.RemoveAll(dir) })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { defer c.Close(); handle(c) }()
		}
	}()
	return l.Addr().String()
}

func certificate(t *testing.T, key ssh.PublicKey) *ssh.Certificate {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ca, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	c := &ssh.Certificate{Key: key, CertType: ssh.UserCert, ValidPrincipals: []string{"g"}, ValidBefore: ssh.CertTimeInfinity}
	if err := c.SignCert(rand.Reader, ca); err != nil {
		t.Fatal(err)
	}
	return c
}

func verifier() *Verifier { return &Verifier{Anchor: "dpki:test", Device: state.Word{1}} }

func verify(t *testing.T, v *Verifier, w who) error {
	t.Helper()
	return verifyWithin(v, w, 10*time.Second)
}

func verifyWithin(v *Verifier, w who, d time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	return v.Verify(ctx, w.session, w.sudo)
}

func TestAgentWithTheSessionsKey(t *testing.T) {
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for name, private := range map[string]any{"ed25519": &edwards, "rsa": rsaKey} {
		t.Run(name, func(t *testing.T) {
			signer, err := ssh.NewSignerFromKey(private)
			if err != nil {
				t.Fatal(err)
			}
			cert := certificate(t, signer.PublicKey())
			ring := agent.NewKeyring()
			socket := serve(t, ring)

			w := scene(t, cert, socket)
			if err := verify(t, verifier(), w); !errors.Is(err, ErrRefused) {
				t.Errorf("an empty agent: %v, want ErrRefused", err)
			}
			// The same key without its certificate is another credential.
			if err := ring.Add(agent.AddedKey{PrivateKey: private}); err != nil {
				t.Fatal(err)
			}
			if err := verify(t, verifier(), w); !errors.Is(err, ErrRefused) {
				t.Errorf("the plain key: %v, want ErrRefused", err)
			}
			if err := ring.Add(agent.AddedKey{PrivateKey: private, Certificate: cert}); err != nil {
				t.Fatal(err)
			}
			if err := verify(t, verifier(), w); err != nil {
				t.Errorf("the certificate: %v", err)
			}
			if err := verify(t, verifier(), scene(t, signer.PublicKey(), socket)); err != nil {
				t.Errorf("a session of the plain key: %v", err)
			}
		})
	}
}

// hostile answers every request with a signature of its own making.
func hostile(t *testing.T, answer func(data []byte) []byte) (socket string) {
	return listen(t, func(c net.Conn) {
		var header [4]byte
		if _, err := io.ReadFull(c, header[:]); err != nil {
			return
		}
		body := make([]byte, binary.BigEndian.Uint32(header[:]))
		if _, err := io.ReadFull(c, body); err != nil {
			return
		}
		var req struct {
			Blob, Data []byte
			Flags      uint32
		}
		if err := ssh.Unmarshal(body[1:], &req); err != nil {
			return
		}
		c.Write(answer(req.Data))
	})
}

func answered(sig *ssh.Signature) []byte {
	body := append([]byte{signResponse}, ssh.Marshal(struct{ S []byte }{ssh.Marshal(sig)})...)
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...)
}

func TestHostileAgent(t *testing.T) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, another, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, _ := ssh.NewSignerFromKey(private)
	other, _ := ssh.NewSignerFromKey(another)
	var first []byte
	sign := func(s ssh.Signer, data []byte) []byte {
		sig, err := s.Sign(rand.Reader, data)
		if err != nil {
			t.Fatal(err)
		}
		return answered(sig)
	}
	for _, c := range []struct {
		name   string
		answer func(data []byte) []byte
		ok     bool
	}{
		{"the twin", func(d []byte) []byte { return sign(signer, d) }, true},
		{"another key", func(d []byte) []byte { return sign(other, d) }, false},
		{"another message", func([]byte) []byte { return sign(signer, []byte("hello")) }, false},
		{"an earlier signature", func(d []byte) []byte {
			if first == nil {
				first = sign(signer, d)
			}
			return first
		}, true},
		{"an earlier signature, again", func([]byte) []byte { return first }, false},
		{"no signature", func([]byte) []byte { return answered(&ssh.Signature{Format: ssh.KeyAlgoED25519}) }, false},
		{"another format", func([]byte) []byte {
			return answered(&ssh.Signature{Format: ssh.KeyAlgoRSA, Blob: bytes.Repeat([]byte{1}, 64)})
		}, false},
		{"success without a signature", func([]byte) []byte { return []byte{0, 0, 0, 1, 6} }, false},
		{"failure", func([]byte) []byte { return []byte{0, 0, 0, 1, 5} }, false},
		{"nothing", func([]byte) []byte { return nil }, false},
		{"an empty answer", func([]byte) []byte { return []byte{0, 0, 0, 0} }, false},
		{"a huge answer", func([]byte) []byte { return append([]byte{0xff, 0xff, 0xff, 0xff}, make([]byte, 1000)...) }, false},
		{"a cut answer", func(d []byte) []byte { b := sign(signer, d); return b[:len(b)-1] }, false},
		{"trailing bytes", func(d []byte) []byte {
			b := append(sign(signer, d), 0)
			binary.BigEndian.PutUint32(b, uint32(len(b)-4))
			return b
		}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := scene(t, signer.PublicKey(), hostile(t, c.answer))
			if err := verify(t, verifier(), w); (err == nil) != c.ok {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestNoAgent(t *testing.T) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, _ := ssh.NewSignerFromKey(private)
	for _, path := range []string{"", "relative", "@abstract", "/nonexistent", "/dev/null", "/" + strings.Repeat("x", 200)} {
		if err := verify(t, verifier(), scene(t, signer.PublicKey(), path)); !errors.Is(err, ErrNoAgent) {
			t.Errorf("%.20q: %v, want ErrNoAgent", path, err)
		}
	}
}

func TestSilentAgentIsGivenUpAndHoldsOneSessionOnly(t *testing.T) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, _ := ssh.NewSignerFromKey(private)
	over := make(chan struct{})
	defer close(over)
	w := scene(t, signer.PublicKey(), listen(t, func(net.Conn) { <-over }))
	v := verifier()
	first := make(chan error)
	const waits = 4 * time.Second // a slow machine has asked it by then
	go func() { first <- verifyWithin(v, w, waits) }()
	harness.Eventually(t, waits, func() error {
		v.mu.Lock()
		defer v.mu.Unlock()
		if !v.running[w.session.Monitor] {
			return errors.New("not asked yet")
		}
		return nil
	})
	if err := verify(t, v, w); !errors.Is(err, ErrBusy) {
		t.Errorf("a second sudo: %v, want ErrBusy", err)
	}
	if err := <-first; err == nil {
		t.Error("a silent agent was believed")
	}
	if !v.enter(w.session.Monitor) {
		t.Error("still busy")
	}
}

// Nothing that was signed for another device, account, organisation or time is worth anything.
func TestChallengesDiffer(t *testing.T) {
	base := Challenge{Anchor: "dpki:a", Device: state.Word{1}, Account: "alice"}
	seen := map[string]string{}
	for name, c := range map[string]Challenge{
		"base":    base,
		"anchor":  {Anchor: "dpki:b", Device: base.Device, Account: base.Account},
		"device":  {Anchor: base.Anchor, Device: state.Word{2}, Account: base.Account},
		"account": {Anchor: base.Anchor, Device: base.Device, Account: "bob"},
		"nonce":   {Anchor: base.Anchor, Device: base.Device, Account: base.Account, Nonce: [32]byte{1}},
	} {
		b, err := c.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if other, ok := seen[string(b)]; ok {
			t.Errorf("%s is signed like %s", name, other)
		}
		seen[string(b)] = name
	}
	for name, c := range map[string]Challenge{
		"zero": {}, "no device": {Anchor: "a", Account: "alice"}, "no anchor": {Device: base.Device, Account: "alice"}, "bad account": {Anchor: "a", Device: base.Device, Account: "a b"},
	} {
		if _, err := c.Marshal(); err == nil {
			t.Errorf("%s: a challenge was made", name)
		}
	}
}

// ssh-keygen -Y verify reads what this package has signed: the blob is PROTOCOL.sshsig's.
func TestBlobIsSSHSIG(t *testing.T) {
	harness.Need(t, harness.SshKeygen)
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, _ := ssh.NewSignerFromKey(private)
	message, err := Challenge{Anchor: "dpki:a", Device: state.Word{1}, Account: "alice"}.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	sig, err := signer.Sign(rand.Reader, signedBlob(message))
	if err != nil {
		t.Fatal(err)
	}
	armoured := append([]byte("SSHSIG"), ssh.Marshal(struct {
		Version                   uint32
		Key                       []byte
		Namespace, Reserved, Hash string
		Signature                 []byte
	}{1, signer.PublicKey().Marshal(), Namespace, "", "sha512", ssh.Marshal(sig)})...)
	dir := t.TempDir()
	pemText := "-----BEGIN SSH SIGNATURE-----\n" + wrap(armoured) + "-----END SSH SIGNATURE-----\n"
	for name, text := range map[string]string{"sig": pemText, "signers": "a " + string(ssh.MarshalAuthorizedKey(signer.PublicKey()))} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for namespace, ok := range map[string]bool{Namespace: true, "file": false} {
		cmd := exec.Command("ssh-keygen", "-Y", "verify", "-f", filepath.Join(dir, "signers"), "-I", "a", "-n", namespace, "-s", filepath.Join(dir, "sig"))
		cmd.Stdin = bytes.NewReader(message)
		if out, err := cmd.CombinedOutput(); (err == nil) != ok {
			t.Errorf("namespace %s: %v %s", namespace, err, out)
		}
	}
}

func FuzzParseAnswer(f *testing.F) {
	f.Add(answered(&ssh.Signature{Format: "ssh-ed25519", Blob: make([]byte, 64)})[4:])
	f.Add([]byte{5})
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		if sig, err := parseAnswer(b); (sig == nil) == (err == nil) {
			t.Errorf("%v, %v", sig, err)
		}
	})
}

func wrap(b []byte) string {
	text := base64.StdEncoding.EncodeToString(b)
	var lines strings.Builder
	for len(text) > 70 {
		lines.WriteString(text[:70] + "\n")
		text = text[70:]
	}
	return lines.String() + text + "\n"
}
