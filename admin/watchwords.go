package admin

import (
	"fmt"
	"strings"

	"golang.org/x/crypto/ssh"

	"dpki/sshca/profile"
)

// watchWords says in words what a delivery would bring.
func watchWords(wd WatchedDelivery) []string {
	s, sum := wd.Statement, wd.Summary
	name := s.Name // the content's own, where both say one
	if name == "" {
		name = sum.Name()
	}
	lines := []string{fmt.Sprintf("%s %s for %s (%s), %s", s.Purpose, name, wd.To, s.Mailbox, window(s.From, s.Until))}
	if !s.Supersedes.IsZero() {
		lines = append(lines, "in place of delivery "+s.Supersedes.String())
	}
	if sum.PrivateKey {
		lines = append(lines, "with a private key that was made elsewhere")
	}
	switch {
	case sum.UserKey != nil:
		lines = append(lines, certificateWords(sum.UserKey.Certificate))
		if sum.UserKey.Account != "" {
			lines = append(lines, "to log in as "+sum.UserKey.Account)
		}
		for _, h := range sum.UserKey.Hosts {
			lines = append(lines, fmt.Sprintf("host %s (%s) at %s, key %s", h.Name, h.Device, orNowhere(h.Address), keyWords(h.HostKey)))
		}
	case sum.Host != nil:
		for _, c := range sum.Host.Certificates {
			lines = append(lines, certificateWords(c))
		}
	case sum.Trust != nil:
		for _, ca := range sum.Trust.CAs {
			lines = append(lines, fmt.Sprintf("trust CA %s for %ss", keyWords(ca.Key), sum.Trust.Use))
		}
	case sum.Files != nil:
		for _, f := range sum.Files.Files {
			lines = append(lines, fmt.Sprintf("file %s, mode %s, %d bytes, salted digest %s", f.Path, f.Mode, f.Size, f.Digest))
		}
	}
	return lines
}

// certificateWords says what a certificate is for, as ssh-keygen -L would.
func certificateWords(text string) string {
	k, err := parseKeyLine(text)
	if err != nil || k.Cert == nil {
		return "NO CERTIFICATE: " + text
	}
	c := k.Cert
	kind := "user"
	if c.CertType == ssh.HostCert {
		kind = "host"
	}
	return fmt.Sprintf("%s certificate of key %s, signed by CA %s, for %s, %s", kind, fingerprintText(k.Hash),
		ssh.FingerprintSHA256(c.SignatureKey), strings.Join(c.ValidPrincipals, " "), window(c.ValidAfter, c.ValidBefore))
}

func keyWords(text string) string {
	k, err := parseKeyLine(text)
	if err != nil || k.Cert != nil {
		return "NO KEY: " + text
	}
	return fingerprintText(k.Hash)
}

func parseKeyLine(text string) (*profile.Key, error) {
	kind, blob, _ := strings.Cut(text, " ")
	return profile.ParseText(kind, blob)
}

func orNowhere(address string) string {
	if address == "" {
		return "no known address"
	}
	return address
}
