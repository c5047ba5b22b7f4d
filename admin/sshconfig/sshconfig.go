package sshconfig

import (
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"

	"dpki/admin/fault"
)

// Names are the names by which ssh finds a device: ZONE/NAME, and NAME alone where
// one device has it, unless that may be somebody else's on the network. Whoever
// enrols devices would else say where ssh goes for github.com.
func Names(zone, name string, alone bool) []string {
	names := []string{zone + "/" + name}
	if alone && name != "localhost" && !strings.Contains(name, ".") {
		names = append(names, name)
	}
	return names
}

// HostOptions are ssh's options by which a device is known by its verified state
// and by nothing else: "Name=value".
func HostOptions(alias, hostKey, knownHostsCommand string) []string {
	return KnownBy(alias, hostKey, "KnownHostsCommand="+knownHostsCommand, "UserKnownHostsFile=/dev/null")
}

// KnownBy are ssh's options by which a host is known by what these say alone.
func KnownBy(alias, hostKey string, what ...string) []string {
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
			return "", fault.New(fault.Usage, "use paths without quotes and backslashes", "ssh cannot be given %.200q", w)
		}
		w = strings.ReplaceAll(w, "%", "%%")
		if strings.ContainsAny(w, " \t#") {
			w = `"` + w + `"`
		}
		words = append(words, w)
	}
	return strings.Join(append(words, "%H", "%t", "%K"), " "), nil
}
