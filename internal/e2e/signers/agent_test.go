package signers

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/crypto"

	"dpki/internal/harness"
)

// agent starts a real ssh-agent that may load PKCS#11 modules of one place.
func (r *rig) agent(modules string) {
	r.Helper()
	harness.Need(r.T, harness.SshAgent, harness.SshKeygen)
	socket := r.path("agent")
	harness.Start(r.T, harness.Command{Path: "/usr/bin/ssh-agent", Args: []string{"-D", "-a", socket, "-P", modules}, Env: append([]string{"PATH=/usr/bin:/bin", "HOME=" + r.dir}, r.env...),
		Ready: func(ctx context.Context, _ *harness.Proc) error {
			// The socket is there before anybody listens: it has to take a caller.
			conn, err := new(net.Dialer).DialContext(ctx, "unix", socket)
			if err == nil {
				conn.Close()
			}
			return err
		}})
	r.env = append(r.env, "SSH_AUTH_SOCK="+socket)
}

// prepare makes an organisation with a zone, by a chain key in a keystore file.
func (r *rig) prepare() {
	r.Helper()
	r.keystore(r.path("admin.json"))
	r.dpki("identity", "create", "--chain-key", r.path("admin.json"))
	r.dpki("network", "use", r.path("network.toml"))
	r.dpki("org", "create", "acme")
	r.dpki("zone", "create", "plant")
}

// A CA whose key never leaves a PKCS#11 module signs through the agent, and what
// it signs lets in; without the agent nothing is signed.
func TestCAInPKCS11(t *testing.T) {
	harness.Need(t, harness.SoftHSM)
	module, err := harness.SoftHSMModule()
	if err != nil {
		t.Fatal(err)
	}
	if module, err = filepath.EvalSymlinks(module); err != nil {
		t.Fatal(err)
	}
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rs, err := rsa.GenerateKey(rand.Reader, 3072)
	if err != nil {
		t.Fatal(err)
	}
	for name, key := range map[string]any{"ECDSA": ec, "RSA": rs} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.must(os.Mkdir(r.path("tokens"), 0o700))
			r.write("softhsm2.conf", []byte("directories.tokendir = "+r.path("tokens")+"\nobjectstore.backend = file\nlog.level = ERROR\n"))
			r.env = append(r.env, "SOFTHSM2_CONF="+r.path("softhsm2.conf"))
			der, err := x509.MarshalPKCS8PrivateKey(key)
			r.must(err)
			r.write("key.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
			r.run("softhsm2-util", "--init-token", "--free", "--label", "dpki", "--so-pin", pin, "--pin", pin)
			r.run("softhsm2-util", "--import", r.path("key.pem"), "--token", "dpki", "--label", "ca", "--id", "a1", "--pin", pin)
			r.must(os.Remove(r.path("key.pem")))
			r.agent(module)
			// The agent's helper asks for the PIN as ssh-add does: by a program.
			ask := r.path("askpass")
			r.must(os.WriteFile(ask, []byte("#!/bin/sh\ncat "+r.path("pin")+"\n"), 0o700))
			r.write("pin", []byte(pin+"\n"))
			quiet := r.env
			r.env = append(r.env, "SSH_ASKPASS="+ask, "SSH_ASKPASS_REQUIRE=force", "DISPLAY=none")
			r.run("ssh-add", "-s", module)
			r.env = quiet
			list, _ := r.run("ssh-add", "-L")
			r.write("ca.pub", []byte(strings.SplitN(list, "\n", 2)[0]+"\n"))

			r.prepare()
			r.dpki("ca", "import", "hsm", r.path("ca.pub"))
			r.device()
			r.grantAndLook()
			shown, _ := r.run("ssh-keygen", "-L", "-f", r.path("cert.pub"))
			want := map[string]string{"ECDSA": "(using ecdsa-sha2-nistp256)", "RSA": "(using rsa-sha2-512)"}[name]
			if !strings.Contains(shown, want) {
				t.Errorf("it is not signed as it must be, %s:\n%s", want, shown)
			}
			// Twin: the same without the token.
			r.run("ssh-add", "-e", module)
			code, _, text := r.try(harness.Build(t, "./cmd/dpki"), r.dpkiArgs("grant", "gate-7", "--account", "root", "--for", "5m", "--key", r.path("tech.pub"))...)
			if code != 1 || !strings.Contains(text, "SSH_AUTH_SOCK") {
				t.Errorf("without the token: status %d\n%s", code, text)
			}
		})
	}
}

// No secret is ever an argument, part of an environment, or printed: looked at
// from outside, for dpki and whatever it starts, with a key file, with an agent.
func TestNoKeyMaterialIsShown(t *testing.T) {
	harness.Need(t, harness.Strace, harness.SshKeygen)
	r := newRig(t)
	r.agent("/nonexistent")
	r.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", r.path("agentca"))
	r.run("ssh-add", "-q", r.path("agentca"))
	r.prepare()
	r.device()
	private, err := os.ReadFile(r.path("agentca"))
	r.must(err)
	identity, err := os.ReadFile(r.path("home/identity"))
	r.must(err)
	secrets := map[string]string{
		"the chain key's passphrase": passphrase, "the CA's passphrase": caPassphrase, "the chain key": hex.EncodeToString(crypto.FromECDSA(r.key)),
		"the agent's key": strings.Split(string(private), "\n")[2], "an OpenSSH private key": "PRIVATE KEY",
	}
	for i, line := range strings.FieldsFunc(string(identity), func(c rune) bool { return strings.ContainsRune("\"\n ,:{}", c) }) {
		if len(line) >= 40 && !strings.HasPrefix(line, "age1pq1") {
			secrets[fmt.Sprintf("part %d of the identity", i)] = line
		}
	}
	if len(secrets) < 7 {
		t.Fatalf("only %d secrets are looked for: has the identity another form?", len(secrets))
	}
	dpki := harness.Build(t, "./cmd/dpki")
	n := 0
	watch := func(args ...string) {
		t.Helper()
		n++
		trace := r.path(fmt.Sprintf("trace-%d", n))
		code, out, notes := r.try("strace", append([]string{"-f", "-v", "-s", "100000", "-e", "trace=execve,execveat", "-o", trace, dpki}, r.dpkiArgs(args...)...)...)
		if code != 0 {
			t.Errorf("%q ended with %d\n%s", args, code, notes)
		}
		calls, err := os.ReadFile(trace)
		r.must(err)
		if !strings.Contains(string(calls), "HOME="+r.dir) {
			t.Fatalf("the trace shows no environment:\n%.300s", calls)
		}
		for what, secret := range secrets {
			for where, text := range map[string]string{"an argument or environment": string(calls), "stdout": out, "stderr": notes} {
				if strings.Contains(text, secret) {
					t.Errorf("%q: %s stands in %s", args, what, where)
				}
			}
		}
	}
	start := time.Now()
	watch("ca", "create", "file")
	watch("grant", "gate-7", "--account", "root", "--for", "5m", "--key", r.path("tech.pub"), "--out", r.path("a-cert.pub"))
	watch("--json", "log")
	watch("ca", "import", "agent", r.path("agentca.pub"))
	watch("grant", "gate-7", "--account", "root", "--for", "5m", "--key", r.path("tech.pub"), "--out", r.path("b-cert.pub"))
	watch("identity", "show")
	watch("log", "--export", r.path("log.audit"))
	exported, err := os.ReadFile(r.path("log.audit"))
	r.must(err)
	for what, secret := range secrets {
		if strings.Contains(string(exported), secret) {
			t.Errorf("%s stands in the exported log", what)
		}
	}
	t.Logf("%d commands, %d secrets, %v", n, len(secrets), time.Since(start).Round(time.Millisecond))
}
