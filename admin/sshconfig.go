package admin

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"

	"dpki/sshca/profile"
)

// SSHConfig is a part of ssh_config(5), to be included.
type SSHConfig struct {
	Text    string
	Devices int
	// Skipped are devices whose address nobody has said.
	Skipped []string
}

// SSHConfig writes an entry for each device: where it is, and by whom it is known.
// command is the absolute path and the arguments of KnownHostsCommand, to which
// the presented key is added.
func (d *Desk) SSHConfig(ctx context.Context, command []string) (*SSHConfig, error) {
	asks, err := KnownHostsCommand(command)
	if err != nil {
		return nil, err
	}
	devices, err := d.Devices(ctx, "", false)
	if err != nil {
		return nil, err
	}
	named := map[string]int{}
	for _, v := range devices {
		named[v.Name]++
	}
	out := &SSHConfig{}
	var b strings.Builder
	fmt.Fprintf(&b, "# Written by dpki ssh-config; write it again when devices come or go.\n")
	for _, v := range devices {
		full := v.Zone + "/" + v.Name
		host, port, err := net.SplitHostPort(v.Address)
		if err != nil {
			out.Skipped = append(out.Skipped, full)
			continue
		}
		m, err := d.findDevice(full)
		if err != nil {
			return nil, err
		}
		patterns := sshNames(v.Zone, v.Name, named[v.Name] == 1)
		fmt.Fprintf(&b, "\nHost %s\n    HostName %s\n    Port %s\n", strings.Join(patterns, " "), host, port)
		for _, o := range HostOptions(profile.HostPrincipal(m.Device), m.HostKey, asks) {
			name, value, _ := strings.Cut(o, "=")
			fmt.Fprintf(&b, "    %s %s\n", name, value)
		}
		out.Devices++
	}
	out.Text = b.String()
	return out, nil
}

// sshNames are the names by which ssh finds a device: ZONE/NAME, and NAME alone where
// one device has it, unless that may be somebody else's on the network. Whoever
// enrols devices would else say where ssh goes for github.com.
func sshNames(zone, name string, alone bool) []string {
	names := []string{zone + "/" + name}
	if alone && name != "localhost" && !strings.Contains(name, ".") {
		names = append(names, name)
	}
	return names
}

// HostOptions are ssh's options by which a device is known by its verified state
// and by nothing else: "Name=value".
func HostOptions(alias, hostKey, knownHostsCommand string) []string {
	return knownBy(alias, hostKey, "KnownHostsCommand="+knownHostsCommand, "UserKnownHostsFile=/dev/null")
}

// knownBy are ssh's options by which a host is known by what these say alone.
func knownBy(alias, hostKey string, what ...string) []string {
	return slices.Concat([]string{"HostKeyAlias=" + alias}, what, []string{
		"GlobalKnownHostsFile=/dev/null", "StrictHostKeyChecking=yes", "UpdateHostKeys=no", "VerifyHostKeyDNS=no", "CheckHostIP=no",
		"HostKeyAlgorithms=" + hostAlgorithms(hostKey),
	})
}

// certificateAlgorithms are those of host certificates that the profile knows.
var certificateAlgorithms = []string{
	ssh.CertAlgoED25519v01, ssh.CertAlgoECDSA256v01, ssh.CertAlgoECDSA384v01, ssh.CertAlgoECDSA521v01, ssh.CertAlgoRSASHA512v01,
}

// hostAlgorithms prefer a certificate, and else the type of the key that was
// enrolled, of which a server may have several.
func hostAlgorithms(hostKey string) string {
	list := slices.Clone(certificateAlgorithms)
	if key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(hostKey)); err == nil {
		if key.Type() == ssh.KeyAlgoRSA {
			list = append(list, ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256)
		} else {
			list = append(list, key.Type())
		}
	}
	return strings.Join(list, ",")
}

// KnownHostsCommand spells a command for ssh's option of that name. ssh splits it
// at spaces outside double quotes and expands %.
func KnownHostsCommand(command []string) (string, error) {
	words := make([]string, 0, len(command)+3)
	for _, w := range command {
		if strings.ContainsAny(w, "\"'\\\n\r") || w == "" {
			return "", problem(Usage, "use paths without quotes and backslashes", "ssh cannot be given %.200q", w)
		}
		w = strings.ReplaceAll(w, "%", "%%")
		if strings.ContainsAny(w, " \t#") {
			w = `"` + w + `"`
		}
		words = append(words, w)
	}
	return strings.Join(append(words, "%H", "%t", "%K"), " "), nil
}
