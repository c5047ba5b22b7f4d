package sshconfig

import (
	"strings"
	"testing"
)

// ssh splits the command at spaces outside of double quotes and expands %: what
// comes out must be the words that went in.
func TestKnownHostsCommand(t *testing.T) {
	for want, words := range map[string][]string{
		"/usr/bin/dpki known-hosts %H %t %K":                              {"/usr/bin/dpki", "known-hosts"},
		`/usr/bin/dpki --home "/home/a b/100%%" known-hosts %H %t %K`:     {"/usr/bin/dpki", "--home", "/home/a b/100%", "known-hosts"},
		`/usr/bin/dpki --home "/home/#1" --org acme known-hosts %H %t %K`: {"/usr/bin/dpki", "--home", "/home/#1", "--org", "acme", "known-hosts"},
	} {
		if got, err := KnownHostsCommand(words); err != nil || got != want {
			t.Errorf("%q: %q, %v, want %q", words, got, err, want)
		}
	}
	for _, bad := range []string{"", `a"b`, "a'b", `a\b`, "a\nProxyCommand x"} {
		if got, err := KnownHostsCommand([]string{"/usr/bin/dpki", bad}); err == nil {
			t.Errorf("%q was accepted: %q", bad, got)
		}
	}
}

// A certificate is asked for first, whatever the type of the key that was enrolled;
// of RSA only SHA-2.
func TestHostAlgorithms(t *testing.T) {
	for key, want := range map[string]string{
		"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ2U2T1mXkZ0rJ5Ztq5rM0j1Zp4mJ5o6k8b2l9d3c1aB": ",ssh-ed25519",
		"": "rsa-sha2-512-cert-v01@openssh.com",
	} {
		got := hostAlgorithms(key)
		if !strings.HasPrefix(got, "ssh-ed25519-cert-v01@openssh.com,") || !strings.HasSuffix(got, want) || strings.Contains(got, "ssh-rsa") {
			t.Errorf("%q: %s", key, got)
		}
	}
}

// ssh finds a device by its name alone only where that is no name of somebody
// else's: who enrols devices does not say where ssh goes for github.com.
func TestDeviceNamesForSSH(t *testing.T) {
	for name, want := range map[string]string{
		"gate-7": "plant/gate-7 gate-7", "github.com": "plant/github.com", "localhost": "plant/localhost", "10.0.0.1": "plant/10.0.0.1",
	} {
		if got := strings.Join(Names("plant", name, true), " "); got != want {
			t.Errorf("%s is found by %q, want %q", name, got, want)
		}
	}
	if got := Names("plant", "gate-7", false); len(got) != 1 {
		t.Errorf("of two zones' gate-7 one is found by %q", got)
	}
}
