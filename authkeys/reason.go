package authkeys

import "dpki/state"

// Reason says which check decided. The zero value denies.
type Reason uint8

const (
	Undecided Reason = iota
	Accepted         // the only one that comes with Allow

	// The question.
	BadRequest
	NotReady
	NotEnrolled

	// The key.
	KeyTooLong
	KeyMalformed
	KeyTypeMismatch
	KeyAlgorithm
	CertificateAsAuthority

	// The certificate authority.
	CAUnknown
	CAWrongKind
	CARevoked
	CADistrusted
	CANotSafe
	CANotYet
	CAExpired

	// The certificate.
	SignatureAlgorithm
	SignatureWrong
	NotUserCertificate
	NoPrincipal
	ManyPrincipals
	BadPrincipal
	CriticalOption
	CertificateWindow
	CertificateOversized
	CertificateNotYet
	CertificateExpired

	// What the policy allows.
	ModeNotAllowed
	TooOld

	// The grant, in the order in which its checks are made: the furthest one is reported.
	GrantUnknown
	GrantElsewhere
	GrantOtherKey
	GrantOtherAccount
	GrantRevoked
	GrantDistrusted
	GrantNotSafe
	GrantNotYet
	GrantExpired
	NotIssuedFor
	NeedsPrivilegedGrant
	NotFresh
	NoSudo
	CommandConflict

	// What restricts a live grant.
	Denied
	Retired
	Unreadable

	LineTooLong

	reasons // how many there are
)

// words holds what a reason says and what an administrator does next. Neither holds foreign text.
var words = [reasons]struct{ text, hint string }{
	Undecided: {"no decision", "this is a fault of dpkid: report it"},
	Accepted:  {"accepted", ""},

	BadRequest:  {"the request is malformed", "check that the account's name is one that dpki can govern"},
	NotReady:    {"the device has no verified state yet", "see `dpkid status`: an endpoint must be reachable once"},
	NotEnrolled: {"the device is not enrolled", "run `dpkid enroll` and have the request added with `dpki device add`"},

	KeyTooLong:             {"the key is too long", "use Ed25519, ECDSA or RSA up to 8192 bits"},
	KeyMalformed:           {"the key is malformed", "make the key or the certificate again"},
	KeyTypeMismatch:        {"the key is not of the type that was announced", "make the key or the certificate again"},
	KeyAlgorithm:           {"the key's algorithm or size is not accepted", "use Ed25519, ECDSA or RSA of 2048 to 8192 bits"},
	CertificateAsAuthority: {"a certificate poses as certificate authority", "look for an attack: no tool makes such a certificate"},

	CAUnknown:    {"the certificate's authority is not known here", "see `dpki ca list`: the CA must stand in this device's zone"},
	CAWrongKind:  {"the certificate's authority signs hosts, not users", "sign with a user CA: `dpki ca list`"},
	CARevoked:    {"the certificate's authority is revoked", "sign with a live CA: `dpki ca list`"},
	CADistrusted: {"the certificate's authority was entered by a distrusted admin", "enter the CA again by another admin"},
	CANotSafe:    {"the certificate's authority is not yet in a safe block", "try again in some minutes"},
	CANotYet:     {"the certificate's authority is not yet valid", "wait for its start: `dpki ca list`"},
	CAExpired:    {"the certificate's authority has expired", "sign with a live CA: `dpki ca list`"},

	SignatureAlgorithm:   {"the certificate's signature algorithm is not accepted", "sign with Ed25519, ECDSA or RSA with SHA-512"},
	SignatureWrong:       {"the certificate's signature is wrong", "look for an attack, or make the certificate again"},
	NotUserCertificate:   {"the certificate is not a user's", "make a user certificate: `dpki grant`"},
	NoPrincipal:          {"the certificate has no principal", "make the certificate with `dpki grant`"},
	ManyPrincipals:       {"the certificate has more than one principal", "make one certificate for each grant: `dpki grant`"},
	BadPrincipal:         {"the certificate's principal is neither a grant's nor an account's", "make the certificate with `dpki grant`"},
	CriticalOption:       {"the certificate has an unknown critical option", "make the certificate with `dpki grant`"},
	CertificateWindow:    {"the certificate's window is not allowed", "with a grant valid_after is 0; without one the window is at most 400 days"},
	CertificateOversized: {"the certificate has too many or too long fields", "make the certificate with `dpki grant`"},
	CertificateNotYet:    {"the certificate is not yet valid", "wait for its start"},
	CertificateExpired:   {"the certificate has expired", "make a new grant: `dpki grant`"},

	ModeNotAllowed: {"the policy does not allow this way to log in", "name the certificate too (`ssh -o CertificateFile=CERT`), or see `dpki zone policy` for the ways that the zone allows"},
	TooOld:         {"the verified state is older than the offline period", "see `dpkid status`: reach an endpoint, or use a break-glass key"},

	GrantUnknown:         {"no such grant on this device", "see `dpki grant list`: is it mined, and for this device?"},
	GrantElsewhere:       {"the grant is neither this device's nor its zone's", "make a grant for this device: `dpki grant`"},
	GrantOtherKey:        {"the grant is for another key", "log in with the key that the grant names, or make a new grant"},
	GrantOtherAccount:    {"the grant is for another account", "log in as the account that the grant names, or make a new grant"},
	GrantRevoked:         {"the grant is revoked", "make a new grant if it was a mistake: `dpki grant`"},
	GrantDistrusted:      {"the grant was entered by a distrusted admin", "have another admin grant it: `dpki grant`"},
	GrantNotSafe:         {"the grant is not yet in a safe block", "try again in some minutes"},
	GrantNotYet:          {"the grant is not yet valid", "wait for its start: `dpki grant show`"},
	GrantExpired:         {"the grant has expired", "make a new grant: `dpki grant`"},
	NotIssuedFor:         {"the certificate was issued for something else than the grant says", "it is for another account, device or zone, or for less: make a new grant with `dpki grant`"},
	NeedsPrivilegedGrant: {"the account or sudo is privileged and the grant is not", "an admin with that power enters a privileged grant"},
	NotFresh:             {"the verified state is too old for a privileged login", "see `dpkid status`: reach an endpoint"},
	NoSudo:               {"the grant does not allow sudo", "make a grant with --sudo"},
	CommandConflict:      {"certificate and grant force different commands", "make the certificate without force-command"},

	Denied:     {"the key is denied", "see `dpki log`: a DENY names this key; use another key"},
	Retired:    {"this device or its zone is retired", "enrol the device again"},
	Unreadable: {"a restriction in force cannot be read", "see `dpkid status`: deliver the zone key it needs, or revoke that entry"},

	LineTooLong: {"the line for sshd would be too long", "use a shorter command, a shorter source list or a smaller CA key"},
}

// String says in a few words what was found.
func (r Reason) String() string {
	if r >= reasons {
		r = Undecided
	}
	return words[r].text
}

// Hint says what an administrator does next. It is empty for Accepted only.
func (r Reason) Hint() string {
	if r >= reasons {
		r = Undecided
	}
	return words[r].hint
}

// caReason and grantReason turn a standing into the reason of a refusal; Live has none.
func caReason(s state.Standing) Reason {
	switch s {
	case state.Live:
		return Accepted
	case state.Revoked:
		return CARevoked
	case state.Distrusted:
		return CADistrusted
	case state.NotSafe:
		return CANotSafe
	case state.NotYet:
		return CANotYet
	case state.Expired:
		return CAExpired
	}
	return CAUnknown
}

func grantReason(s state.Standing) Reason {
	switch s {
	case state.Live:
		return Accepted
	case state.Revoked:
		return GrantRevoked
	case state.Distrusted:
		return GrantDistrusted
	case state.NotSafe:
		return GrantNotSafe
	case state.NotYet:
		return GrantNotYet
	case state.Expired:
		return GrantExpired
	}
	return GrantUnknown
}
