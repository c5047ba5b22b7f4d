package profile

import (
	"errors"
	"strings"

	"golang.org/x/crypto/ssh"

	"dpki/state"
)

// Errors of the host certificate profile.
var (
	ErrHostType      = errors.New("not a host certificate")
	ErrHostPrincipal = errors.New("principal is not d-, 64 lower-case hex digits and .dpki")
)

// HostPrincipal is the only principal of a device's host certificate. Clients look for it by HostKeyAlias, so that a device is
// known by what it is and not by its address.
func HostPrincipal(device state.Word) string { return "d-" + device.String() + ".dpki" }

// ParseHostPrincipal accepts what HostPrincipal prints.
func ParseHostPrincipal(s string) (device state.Word, err error) {
	rest, ok := strings.CutPrefix(s, "d-")
	if !ok {
		return state.Word{}, ErrHostPrincipal
	}
	if rest, ok = strings.CutSuffix(rest, ".dpki"); !ok {
		return state.Word{}, ErrHostPrincipal
	}
	if device, err = state.ParseWord(rest); err != nil {
		return state.Word{}, ErrHostPrincipal
	}
	return device, nil
}

// CheckHost holds a host certificate against the profile and returns the device that it names. As CheckUser, it looks at
// neither the signature nor the authority nor the time.
func CheckHost(cert *ssh.Certificate) (device state.Word, err error) {
	if cert == nil {
		return state.Word{}, ErrNotCertificate
	}
	if cert.CertType != ssh.HostCert {
		return state.Word{}, ErrHostType
	}
	switch len(cert.ValidPrincipals) {
	case 0:
		return state.Word{}, ErrNoPrincipal
	case 1:
	default:
		return state.Word{}, ErrManyPrincipals
	}
	if device, err = ParseHostPrincipal(cert.ValidPrincipals[0]); err != nil {
		return state.Word{}, err
	}
	// No critical option is defined for host certificates.
	if len(cert.CriticalOptions) != 0 {
		return state.Word{}, ErrCriticalOption
	}
	if len(cert.KeyId) > maxKeyID || len(cert.Extensions) != 0 || len(cert.Reserved) != 0 {
		return state.Word{}, ErrOversized
	}
	if cert.ValidBefore > 1<<62 || cert.ValidAfter == 0 || cert.ValidAfter >= cert.ValidBefore ||
		cert.ValidBefore-cert.ValidAfter > MaxWindow {
		return state.Word{}, ErrCertWindow
	}
	return device, nil
}
