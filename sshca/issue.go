package sshca

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"io"

	"golang.org/x/crypto/ssh"

	"dpki/sshca/profile"
	"dpki/state"
)

// extensions that a grant's flags translate to. restrict and the flags in sshd's line decide in the end; the certificate must
// not be narrower than they are.
var extensions = []struct {
	flag state.GrantFlags
	name string
}{
	{state.GrantPTY, "permit-pty"},
	{state.GrantPortForwarding, "permit-port-forwarding"},
	{state.GrantAgentForwarding, "permit-agent-forwarding"},
	{state.GrantX11, "permit-X11-forwarding"},
}

// Grant is what a user certificate says about the grant that it is used with.
type Grant struct {
	Subject state.Word // of the GRANT or GRANT_PRIV entry
	Until   uint64     // the grant's end, Unix seconds
	// Terms are what the grant says and where. Its key is the certificate's.
	profile.Terms
}

// Host is what a device's host certificate says.
type Host struct {
	Device state.Word
	From   uint64 // Unix seconds
	Until  uint64 // Unix seconds, at most profile.MaxWindow after From
}

// IssueGrant makes the certificate of key for one grant.
func IssueGrant(ca ssh.Signer, key ssh.PublicKey, g Grant) (*ssh.Certificate, error) {
	g.Key = profile.Hash(key)
	id, err := profile.GrantKeyID(g.Subject, g.Terms)
	if err != nil {
		return nil, fmt.Errorf("sshca: %w", err)
	}
	cert := &ssh.Certificate{
		CertType:        ssh.UserCert,
		ValidPrincipals: []string{profile.GrantPrincipal(g.Subject)},
		KeyId:           id,
		ValidAfter:      0, // the grant carries the start, and may be mined after the certificate is made
		ValidBefore:     g.Until,
	}
	cert.Extensions = map[string]string{}
	for _, e := range extensions {
		if g.Flags&e.flag != 0 {
			cert.Extensions[e.name] = ""
		}
	}
	return Sign(ca, key, cert)
}

// IssueHost makes the host certificate of a device's host key.
func IssueHost(ca ssh.Signer, key ssh.PublicKey, h Host) (*ssh.Certificate, error) {
	return Sign(ca, key, &ssh.Certificate{
		CertType:        ssh.HostCert,
		ValidPrincipals: []string{profile.HostPrincipal(h.Device)},
		KeyId:           "d-" + h.Device.String()[:16],
		ValidAfter:      h.From,
		ValidBefore:     h.Until,
	})
}

// Sign fills in key, serial and nonce and signs a copy of the template. What the profile does not know is refused before the CA's
// key is used.
func Sign(ca ssh.Signer, key ssh.PublicKey, template *ssh.Certificate) (*ssh.Certificate, error) {
	if _, ok := key.(*ssh.Certificate); ok {
		return nil, fmt.Errorf("sshca: %w: give the plain key", profile.ErrKeyType)
	}
	if err := profile.Accepted(key); err != nil {
		return nil, fmt.Errorf("sshca: key: %w", err)
	}
	signer, err := Restrict(ca)
	if err != nil {
		return nil, err
	}
	cert := *template
	cert.Key = key
	if cert.Serial, err = serial(); err != nil {
		return nil, err
	}
	if err := checkProfile(&cert); err != nil {
		return nil, fmt.Errorf("sshca: refused to sign: %w", err)
	}
	if err := cert.SignCert(rand.Reader, signer); err != nil {
		return nil, fmt.Errorf("sshca: signing: %w", err)
	}
	// Read back what a device will read: a signer that answers with something else is found here.
	k, err := profile.ParseBlob(cert.Marshal())
	if err != nil {
		return nil, fmt.Errorf("sshca: signer's answer: %w", err)
	}
	if err := profile.CheckSignature(k.Cert); err != nil {
		return nil, fmt.Errorf("sshca: signer's answer: %w", err)
	}
	return k.Cert, nil
}

func checkProfile(cert *ssh.Certificate) error {
	if cert.CertType == ssh.HostCert {
		_, err := profile.CheckHost(cert)
		return err
	}
	_, err := profile.CheckUser(cert)
	return err
}

// serial is random: serials of a CA with several admins would collide or need a place to be kept. sshd shows them in its log;
// zero would read as "none".
func serial() (uint64, error) {
	var b [8]byte
	if _, err := io.ReadFull(rand.Reader, b[:]); err != nil {
		return 0, err
	}
	return binary.BigEndian.Uint64(b[:])>>1 | 1, nil
}
